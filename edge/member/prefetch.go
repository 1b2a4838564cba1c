package member

import (
	"context"
	"sort"
	"sync"
	"time"

	"tandem/edge/rules"

	"tandem/internal/cachekey"
	"tandem/internal/media"
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
			objects []media.Object
			at      time.Time
		}
		var queue []due
		for i := range inherited {
			for _, track := range inherited[i].tracks {
				if objects := m.behind(&track, warmAhead); len(objects) > 0 {
					queue = append(queue, due{objects, time.UnixMilli(track.At + track.Duration)})
				}
			}
		}
		sort.Slice(queue, func(i, j int) bool { return queue[i].at.Before(queue[j].at) })
		var under sync.WaitGroup
		places := make(chan struct{}, warmWorkers)
		done := map[wanted]bool{}
		for _, d := range queue {
			for n, o := range d.objects {
				what := wanted{o.Target, o.Range}
				if done[what] || ctx.Err() != nil || o.Available.After(m.now()) {
					continue
				}
				done[what] = true
				places <- struct{}{}
				under.Add(1)
				go func() {
					defer under.Done()
					defer func() { <-places }()
					m.warmOne(ctx, o, n == 0)
				}()
			}
		}
		under.Wait()
	}
}

// wanted is an object, or a part of one.
type wanted struct {
	target string
	part   media.ByteRange
}

// warmOne reads a stored segment ahead, and fills the very next one when it is
// not there: the viewer asks for it anyway, so the origin is not asked more.
func (m *Member) warmOne(ctx context.Context, o media.Object, next bool) {
	key, ok := cachekey.Of(o.Target)
	if !ok {
		return
	}
	key = m.cfg.Query.Apply(key)
	if view, ok := m.store.Peek(key); ok {
		defer view.Close()
		if file, ok := view.File(); ok {
			readAhead(file, o.Range.First, o.Range.Length)
		}
		m.Counts.Warmed.Add(1)
		return
	}
	if !next {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.FillTimeout)
	defer cancel()
	if err := m.fetch.Fill(ctx, key, m.view.PairOf(rules.PathOf(key))); err == nil {
		m.Counts.Warmed.Add(1)
	}
}
