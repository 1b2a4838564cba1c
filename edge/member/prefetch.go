package member

import (
	"context"
	"sort"
	"sync"
	"time"

	"tandem/internal/cachekey"
)

// warmAhead is how many segments of an inherited session are made ready.
const (
	warmAhead   = 2
	warmWorkers = 4
)

// warm makes the next segments of inherited sessions ready before they are asked
// for, earliest deadline first: the deadline of a takeover is the time until the
// last segment delivered finishes playing at the viewer (claims 10, 11).
func (m *Member) warm(ctx context.Context) error {
	for {
		var inherited []inheritance
		select {
		case <-ctx.Done():
			return nil
		case inherited = <-m.takeovers:
		}
		type due struct {
			stream string
			paths  []string
			at     time.Time
		}
		var queue []due
		for i := range inherited {
			s := &inherited[i]
			for _, track := range s.tracks {
				paths, plays := m.tracks.next(track.Target, warmAhead)
				if len(paths) > 0 {
					queue = append(queue, due{s.stream, paths, time.UnixMilli(track.At).Add(plays)})
				}
			}
		}
		sort.Slice(queue, func(i, j int) bool { return queue[i].at.Before(queue[j].at) })
		var under sync.WaitGroup
		places := make(chan struct{}, warmWorkers)
		done := map[string]bool{}
		for _, d := range queue {
			for n, path := range d.paths {
				if done[path] || ctx.Err() != nil {
					continue
				}
				done[path] = true
				places <- struct{}{}
				under.Add(1)
				go func() {
					defer under.Done()
					defer func() { <-places }()
					m.warmOne(ctx, path, n == 0)
				}()
			}
		}
		under.Wait()
	}
}

// warmOne reads a stored segment ahead, and fills the very next one when it is
// not there: the viewer asks for it anyway, so the origin is not asked more.
func (m *Member) warmOne(ctx context.Context, path string, next bool) {
	key, ok := cachekey.Of(path)
	if !ok {
		return
	}
	key = m.cfg.Query.Apply(key)
	if view, ok := m.store.Peek(key); ok {
		defer view.Close()
		if file, ok := view.File(); ok {
			readAhead(file)
		}
		m.Counts.Warmed.Add(1)
		return
	}
	if !next {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.FillTimeout)
	defer cancel()
	if err := m.fetch.Fill(ctx, key, m.view.PairOf(path)); err == nil {
		m.Counts.Warmed.Add(1)
	}
}
