package edge

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/rules"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of a recovery.
const (
	maxInventory  = 2000000 // objects of a pair
	copyAgain     = 2 * time.Second
	readyAgain    = 500 * time.Millisecond
	resyncEvery   = time.Minute
	inventoryWait = 30 * time.Second
)

// copied remembers with whom the content of which pair was compared last.
type copied struct {
	mu   sync.Mutex
	done map[copyMark]time.Time // guarded by mu
}

// copyMark is one neighbour's life: when it comes back it is compared anew.
type copyMark struct {
	pair        wire.PairID
	from        string
	incarnation uint64
	mine        uint64
}

// copying brings this edge to where every member of its pairs holds what the
// others hold (claims 14, 15, 28-31): after a return, as it joins, when a
// neighbour leaves, and now and then. When nothing is left to copy it says so.
func (e *Edge) copying(ctx context.Context) error {
	e.copied.done = map[copyMark]time.Time{}
	timer := time.NewTimer(resyncEvery)
	defer timer.Stop()
	for {
		again := resyncEvery
		p := e.placement()
		if complete := e.copyAll(ctx, p); !complete {
			again = copyAgain
		} else if e.readyDue(p) {
			again = readyAgain
			if e.tablesHeard(p) {
				e.sayReady(ctx, p)
			} else {
				again = e.cfg.NoticeEvery / 2
			}
		} else {
			e.recovery.Store(nil)
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
			return nil
		case <-e.changed:
		case <-timer.C:
		}
	}
}

// readyDue tells whether somebody waits for this edge's copy: it returns, joins,
// or a neighbour leaves.
func (e *Edge) readyDue(p *wire.Placement) bool {
	self, ok := p.Edge(e.cfg.Name)
	if !ok {
		return false
	}
	if self.State == wire.EdgeJoining || self.State == wire.EdgeRecovering {
		return true
	}
	for _, other := range p.Edges {
		if !ring.Goes(other) {
			continue
		}
		for _, heir := range ring.Heirs(p, other.Name) {
			if heir == e.cfg.Name {
				return true
			}
		}
	}
	return false
}

// tablesHeard tells whether every living partner has sent its whole table since
// this edge's start (step 2 of figure 15).
func (e *Edge) tablesHeard(p *wire.Placement) bool {
	for _, t := range e.sessions.all() {
		t.mu.Lock()
		partner, heard := t.partner, t.heard
		t.mu.Unlock()
		edge, ok := p.Edge(partner)
		if ok && ring.HasCopy(edge.State) && heard != edge.Incarnation {
			return false
		}
	}
	return true
}

func (e *Edge) sayReady(ctx context.Context, p *wire.Placement) {
	ready := wire.Ready{Edge: e.cfg.Name, Incarnation: e.incarnation.Load(), Version: p.Version}
	for _, balancer := range e.balancers() { // the leader counts, and which one that is may change
		if err := e.post(ctx, time.Second, balancer+wire.PathReady, ready, nil); err != nil {
			e.log.Debug().Err(err).Msg("ready could not be told")
		}
	}
}

// copyAll copies every pair's content from whoever has it; true: nothing is
// left to copy.
func (e *Edge) copyAll(ctx context.Context, p *wire.Placement) bool {
	complete := true
	for _, c := range ring.Copies(p, e.cfg.Name) {
		for _, from := range c.From {
			edge, ok := p.Edge(from)
			if !ok {
				continue
			}
			mark := copyMark{c.Pair, from, edge.Incarnation, e.incarnation.Load()}
			e.copied.mu.Lock()
			last, done := e.copied.done[mark]
			e.copied.mu.Unlock()
			if done && e.now().Sub(last) < resyncEvery {
				continue
			}
			if err := e.copyPair(ctx, edge, c.Pair); err != nil {
				complete = false
				if ctx.Err() == nil {
					e.log.Warn().Err(err).Uint32("pair", uint32(c.Pair)).Str("from", from).Msg("copy is not complete; trying again")
				}
				continue
			}
			e.copied.mu.Lock()
			if len(e.copied.done) > 1000 {
				clear(e.copied.done)
			}
			e.copied.done[mark] = e.now()
			e.copied.mu.Unlock()
		}
	}
	return complete
}

// copyPair copies from one neighbour what this edge lacks of a pair, hottest
// first, at most at the configured rate.
func (e *Edge) copyPair(ctx context.Context, from wire.Edge, pair wire.PairID) error {
	items, err := e.inventoryOf(ctx, from, pair)
	if err != nil {
		return err
	}
	lacking := items[:0]
	total := int64(0)
	for _, it := range items {
		if !e.holds(it) {
			lacking = append(lacking, it)
			total += it.Size
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	sort.Slice(lacking, func(i, j int) bool { return hotter(lacking[i], lacking[j]) })
	e.log.Info().Int("objects", len(lacking)).Int64("bytes", total).Str("from", from.Name).Uint32("pair", uint32(pair)).Msg("copying what is missing")
	progress := wire.Recovery{BytesTotal: total, Total: len(lacking), From: from.Name}
	var mu sync.Mutex
	var failed error
	pace := newPace(e.cfg.CopyRate)
	var under sync.WaitGroup
	places := make(chan struct{}, copyWorkers)
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
			err := e.copyItem(ctx, from.Name, pair, it)
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
			e.recovery.Store(&now)
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

// holds tells whether this edge has the very same bytes, or newer ones.
func (e *Edge) holds(it wire.Item) bool {
	view, ok := e.store.Peek(it.Key)
	if !ok {
		return false
	}
	defer view.Close()
	m := view.Meta()
	return m.Digest == it.Digest || m.Stored.UnixMilli() >= it.Stored
}

// copyItem copies one object, verified by its digest. One that the neighbour
// does not have any more is no failure.
func (e *Edge) copyItem(ctx context.Context, from string, pair wire.PairID, it wire.Item) error {
	var gone atomic.Bool
	source := func(ctx context.Context, sink *segstore.Sink) error {
		a, err := e.askPeer(ctx, from, it.Key, pair, true, 0, "")
		if errors.Is(err, errNotHere) {
			gone.Store(true)
		}
		if err != nil {
			return err
		}
		defer a.close()
		a.meta.Digest = it.Digest
		if a.meta.ETag != it.ETag {
			gone.Store(true) // another version meanwhile: the next comparison finds it
			return errChanged
		}
		if err := sink.Begin(a.meta); err != nil {
			return err
		}
		_, err = e.drainInto(ctx, sink, a)
		return err
	}
	view, _, err := e.store.Refresh(ctx, it.Key, source)
	if err == nil {
		_, err = view.Digest(ctx)
		view.Close()
	}
	switch {
	case gone.Load():
		return nil
	case errors.Is(err, segstore.ErrTooLarge):
		return nil // this store is smaller than the neighbour's
	case err != nil:
		return fmt.Errorf("%s: %w", it.Key, err)
	}
	e.counts.copiedObjects.Add(1)
	e.counts.copiedBytes.Add(it.Size)
	return nil
}

// inventoryOf asks a neighbour what it holds of a pair.
func (e *Edge) inventoryOf(ctx context.Context, from wire.Edge, pair wire.PairID) ([]wire.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, inventoryWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.HTTP+wire.PathInventory+"?pair="+strconv.Itoa(int(pair)), nil)
	if err != nil {
		return nil, err
	}
	e.sign(req)
	resp, err := e.peers.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("inventory of %s: %s", from.Name, resp.Status)
	}
	var items []wire.Item
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 64<<10)
	ended := false
	for lines.Scan() && len(items) < maxInventory {
		var it wire.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			return nil, fmt.Errorf("inventory of %s: %w", from.Name, err)
		}
		if it.Key == "" {
			ended = true
			break
		}
		items = append(items, it)
	}
	if !ended {
		return nil, fmt.Errorf("inventory of %s: %w", from.Name, errShort)
	}
	return items, nil
}

// handleInventory lists the stored objects of a pair's streams, one a line; an
// empty one ends the list.
func (e *Edge) handleInventory(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("pair"), 10, 32)
	if err != nil {
		http.Error(w, "want ?pair=NUMBER", http.StatusBadRequest)
		return
	}
	p := e.placement()
	streams := map[string]bool{}
	for s := range p.Streams.All() {
		for _, on := range s.Pairs {
			if uint64(on) == id {
				streams[s.Stream] = true
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	e.store.List(func(it segstore.Item) bool {
		if it.Meta.Volatile || it.Meta.Vary != "" || !streams[streamOf(p, rules.PathOf(it.Key))] {
			return true
		}
		return out.Encode(wire.Item{
			Key: it.Key, ETag: it.Meta.ETag, Size: it.Meta.Size, Digest: it.Meta.Digest, Hits: it.Hits, Used: it.Used.UnixMilli(),
			Stored: it.Meta.Stored.UnixMilli(),
		}) == nil
	})
	_ = out.Encode(wire.Item{})
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
