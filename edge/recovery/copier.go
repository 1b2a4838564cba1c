package recovery

import (
	"context"
	"errors"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/clock"
	"tandem/edge/fetch"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Every is how long what a neighbour holds is not compared again.
const Every = time.Minute

const workers = 8

// Deps is what a Copier stands on.
type Deps struct {
	Name  string // of this edge
	Rate  int64  // bytes a second
	Log   zerolog.Logger
	Now   func() time.Time
	Clock *clock.Clock
	Store *segstore.Store
	Fetch *fetch.Fetcher
	Call  *call.Client
}

// Copier copies what this edge has to hold and lacks from whoever has it.
type Copier struct {
	Deps
	Progress       atomic.Pointer[wire.Recovery] // nil: nothing is being copied
	Objects, Bytes atomic.Int64                  // copied so far

	done map[copyMark]time.Time // when whose content was compared last; owned by All
}

// New makes one; it starts nothing.
func New(deps Deps) *Copier { return &Copier{Deps: deps, done: map[copyMark]time.Time{}} }

// copyMark is one neighbour's life: when it comes back it is compared anew.
type copyMark struct {
	pair        wire.PairID
	from        string
	incarnation uint64
	mine        uint64
}

// All copies every pair's content from whoever has it; true: nothing is left to copy. Mine
// is this edge's incarnation.
func (c *Copier) All(ctx context.Context, p *wire.Placement, mine uint64) bool {
	complete := true
	for _, of := range ring.Copies(p, c.Name) {
		for _, from := range of.From {
			edge, ok := p.Edge(from)
			if !ok {
				continue
			}
			mark := copyMark{of.Pair, from, edge.Incarnation, mine}
			last, done := c.done[mark]
			if done && c.Now().Sub(last) < Every {
				continue
			}
			if err := c.pair(ctx, edge, of.Pair); err != nil {
				complete = false
				if ctx.Err() == nil {
					c.Log.Warn().Err(err).Uint32("pair", uint32(of.Pair)).Str("from", from).Msg("copy is not complete; trying again")
				}
				continue
			}
			if len(c.done) > 1000 {
				clear(c.done)
			}
			c.done[mark] = c.Now()
		}
	}
	return complete
}

// pair copies from one neighbour what this edge lacks of a pair, hottest
// first, at most at the configured rate.
func (c *Copier) pair(ctx context.Context, from wire.Edge, pair wire.PairID) error {
	items, err := inventoryOf(ctx, c.Call, from, pair)
	if err != nil {
		return err
	}
	lacking := items[:0]
	total := int64(0)
	for _, it := range items {
		if !c.holds(it) {
			lacking = append(lacking, it)
			total += it.Size
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	sort.Slice(lacking, func(i, j int) bool { return hotter(lacking[i], lacking[j]) })
	c.Log.Info().Int("objects", len(lacking)).Int64("bytes", total).Str("from", from.Name).Uint32("pair", uint32(pair)).Msg("copying what is missing")
	progress := wire.Recovery{BytesTotal: total, Total: len(lacking), From: from.Name}
	var mu sync.Mutex
	var failed error
	pace := newPace(c.Rate)
	var under sync.WaitGroup
	places := make(chan struct{}, workers)
	for _, it := range lacking {
		if ctx.Err() != nil {
			break
		}
		pace.wait(ctx, it.Size)
		places <- struct{}{}
		under.Add(1)
		go func() {
			defer under.Done()
			defer func() { <-places }()
			err := c.item(ctx, from.Name, pair, it)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				progress.Error = err.Error()
			} else {
				progress.Objects++
				progress.Bytes += it.Size
			}
			now := progress
			c.Progress.Store(&now)
		}()
	}
	under.Wait()
	return errors.Join(failed, ctx.Err())
}

func hotter(a, b wire.Item) bool {
	if a.Hits != b.Hits {
		return a.Hits > b.Hits
	}
	if a.Used != b.Used {
		return a.Used > b.Used
	}
	return a.Key < b.Key
}

// holds tells whether this edge has the very same bytes, or newer ones. What the disk
// has changed meanwhile is found when it is asked for.
func (c *Copier) holds(it wire.Item) bool {
	view, ok := c.Store.Glance(it.Key)
	if !ok {
		return false
	}
	defer view.Close()
	have := view.Meta()
	return have.Digest == it.Digest || have.Stored.Add(-c.Clock.Ahead()).UnixMilli() >= it.Stored
}

// item copies one object, verified by its digest.
func (c *Copier) item(ctx context.Context, from string, pair wire.PairID, it wire.Item) error {
	copied, err := c.Fetch.Copy(ctx, from, pair, it)
	if copied {
		c.Objects.Add(1)
		c.Bytes.Add(it.Size)
	}
	return err
}

// pace spreads bytes over time.
type pace struct {
	rate int64 // bytes a second
	next time.Time
}

func newPace(rate int64) *pace { return &pace{rate: rate, next: time.Now()} }

// wait returns when n more bytes may go.
func (p *pace) wait(ctx context.Context, n int64) {
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	delay := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	if delay <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(delay):
	}
}
