package member

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
	"time"

	"tandem/edge/fetch"

	"tandem/edge/rules"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of a recovery.
const (
	maxInventory    = 2000000 // objects of a pair
	copyAgain       = 2 * time.Second
	readyAgain      = 500 * time.Millisecond
	resyncEvery     = time.Minute
	inventoryWait   = 30 * time.Second
	recoveryWorkers = 8
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
func (m *Member) copying(ctx context.Context) error {
	m.copied.done = map[copyMark]time.Time{}
	timer := time.NewTimer(resyncEvery)
	defer timer.Stop()
	for {
		again := resyncEvery
		p := m.view.Placement()
		if complete := m.copyAll(ctx, p); !complete {
			again = copyAgain
		} else if readyDue(p, m.cfg.Name) {
			again = readyAgain
			if m.tables.complete() {
				m.sayReady(ctx, p)
			} else {
				again = m.cfg.NoticeEvery / 2
			}
		} else {
			m.recovery.Store(nil)
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
			return nil
		case <-m.changed:
		case <-timer.C:
		}
	}
}

// readyDue tells whether somebody waits for this edge's copy: it returns, joins,
// or a neighbour leaves.
func readyDue(p *wire.Placement, me string) bool {
	self, ok := p.Edge(me)
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
			if heir == me {
				return true
			}
		}
	}
	return false
}

// complete tells whether this edge holds the whole of its tables (step 2 of figure
// 15): all that watch one have told it everything, by a placement in which each slot
// had the deliverer that it has now, and the deliverers had been told everything
// themselves.
func (s *tables) complete() bool {
	for _, t := range s.list() {
		if !t.complete() {
			return false
		}
	}
	return true
}

func (t *table) complete() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, part := range t.parts {
		if w := t.watchers[part.Owner]; w != nil && w.whole < t.since {
			return false
		}
	}
	return t.told()
}

// told tells whether all that watch the table have told this edge what they know. The
// caller holds mu.
func (t *table) told() bool {
	for _, w := range t.watchers {
		if w.current < t.since {
			return false
		}
	}
	return true
}

func (m *Member) sayReady(ctx context.Context, p *wire.Placement) {
	ready := wire.Ready{Edge: m.cfg.Name, Incarnation: m.incarnation.Load(), Version: p.Version}
	for _, balancer := range m.balancers() { // the leader counts, and which one that is may change
		if err := m.post(ctx, time.Second, balancer+wire.PathReady, ready, nil); err != nil {
			m.log.Debug().Err(err).Msg("ready could not be told")
		}
	}
}

// copyAll copies every pair's content from whoever has it; true: nothing is
// left to copy.
func (m *Member) copyAll(ctx context.Context, p *wire.Placement) bool {
	complete := true
	for _, c := range ring.Copies(p, m.cfg.Name) {
		for _, from := range c.From {
			edge, ok := p.Edge(from)
			if !ok {
				continue
			}
			mark := copyMark{c.Pair, from, edge.Incarnation, m.incarnation.Load()}
			m.copied.mu.Lock()
			last, done := m.copied.done[mark]
			m.copied.mu.Unlock()
			if done && m.now().Sub(last) < resyncEvery {
				continue
			}
			if err := m.copyPair(ctx, edge, c.Pair); err != nil {
				complete = false
				if ctx.Err() == nil {
					m.log.Warn().Err(err).Uint32("pair", uint32(c.Pair)).Str("from", from).Msg("copy is not complete; trying again")
				}
				continue
			}
			m.copied.mu.Lock()
			if len(m.copied.done) > 1000 {
				clear(m.copied.done)
			}
			m.copied.done[mark] = m.now()
			m.copied.mu.Unlock()
		}
	}
	return complete
}

// copyPair copies from one neighbour what this edge lacks of a pair, hottest
// first, at most at the configured rate.
func (m *Member) copyPair(ctx context.Context, from wire.Edge, pair wire.PairID) error {
	items, err := m.inventoryOf(ctx, from, pair)
	if err != nil {
		return err
	}
	lacking := items[:0]
	total := int64(0)
	for _, it := range items {
		if !m.holds(it) {
			lacking = append(lacking, it)
			total += it.Size
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	sort.Slice(lacking, func(i, j int) bool { return hotter(lacking[i], lacking[j]) })
	m.log.Info().Int("objects", len(lacking)).Int64("bytes", total).Str("from", from.Name).Uint32("pair", uint32(pair)).Msg("copying what is missing")
	progress := wire.Recovery{BytesTotal: total, Total: len(lacking), From: from.Name}
	var mu sync.Mutex
	var failed error
	pace := newPace(m.cfg.CopyRate)
	var under sync.WaitGroup
	places := make(chan struct{}, recoveryWorkers)
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
			err := m.copyItem(ctx, from.Name, pair, it)
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
			m.recovery.Store(&now)
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
func (m *Member) holds(it wire.Item) bool {
	view, ok := m.store.Peek(it.Key)
	if !ok {
		return false
	}
	defer view.Close()
	have := view.Meta()
	return have.Digest == it.Digest || have.Stored.UnixMilli() >= it.Stored
}

// copyItem copies one object, verified by its digest.
func (m *Member) copyItem(ctx context.Context, from string, pair wire.PairID, it wire.Item) error {
	copied, err := m.fetch.Copy(ctx, from, pair, it)
	if copied {
		m.Counts.CopiedObjects.Add(1)
		m.Counts.CopiedBytes.Add(it.Size)
	}
	return err
}

// inventoryOf asks a neighbour what it holds of a pair.
func (m *Member) inventoryOf(ctx context.Context, from wire.Edge, pair wire.PairID) ([]wire.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, inventoryWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.HTTP+wire.PathInventory+"?pair="+strconv.Itoa(int(pair)), nil)
	if err != nil {
		return nil, err
	}
	resp, err := m.call.Do(req)
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
		return nil, fmt.Errorf("inventory of %s: %w", from.Name, fetch.ErrShort)
	}
	return items, nil
}

// HandleInventory lists the stored objects of a pair's streams, one a line; an
// empty one ends the list.
func (m *Member) HandleInventory(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("pair"), 10, 32)
	if err != nil {
		http.Error(w, "want ?pair=NUMBER", http.StatusBadRequest)
		return
	}
	p := m.view.Placement()
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
	m.store.List(func(it segstore.Item) bool {
		if it.Meta.Volatile || it.Meta.Vary != "" || !streams[fetch.StreamOf(p, rules.PathOf(it.Key))] {
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
