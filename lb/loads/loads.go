package loads

import (
	"slices"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// storedAfter is how long an edge may take until its reports show a stream that it
// was sent a viewer of.
const storedAfter = 10 * time.Second

// StaleAfter is the age from which a report tells nothing of tables any more.
const StaleAfter = 10 * time.Second

// heard is the latest report of one edge, and what was opened there since.
type heard struct {
	report wire.Report
	at     time.Time
	openings
	over   int                  // reports in a row that show it above its capacity
	before wire.Traffic         // what the edge has counted in its former lives
	sent   map[string]time.Time // streams of which it was sent viewers, as far as its reports may not show them yet
}

// Loads is what this balancer knows of the edges' load (claims 2-4).
type Loads struct {
	mu        sync.Mutex
	heard     map[string]*heard // by edge; guarded by mu
	placement *wire.Placement   // the latest that was seen; guarded by mu
}

// New knows nothing.
func New() *Loads { return &Loads{heard: map[string]*heard{}} }

// Take keeps a report, unless a later one is here already. Edges tell their
// streams with some of their reports only.
func (l *Loads) Take(r wire.Report, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.heard[r.Edge]
	next := &heard{report: r, at: now, openings: openings{asked: map[wire.PairID]int{}, pairs: map[wire.PairID]paired{}}, sent: map[string]time.Time{}}
	if !slices.IsSorted(next.report.Streams) {
		slices.Sort(next.report.Streams)
	}
	if old != nil {
		if r.Incarnation < old.report.Incarnation || r.Incarnation == old.report.Incarnation && r.Sequence <= old.report.Sequence {
			return false
		}
		if r.Streams == nil && r.Incarnation == old.report.Incarnation {
			next.report.Streams = old.report.Streams
		}
		next.over = old.over
		next.openings = old.openings.without(&r, r.Incarnation == old.report.Incarnation)
		for stream, at := range old.sent {
			if now.Sub(at) < storedAfter {
				next.sent[stream] = at
			}
		}
	}
	next.before = before(old, &r)
	if r.Delivering > r.Capacity {
		next.over++
	} else {
		next.over = 0
	}
	l.heard[r.Edge] = next
	return true
}

// before is what an edge has counted in the lives before the one that reports, by what was heard
// here, or by what other balancers have told it: whichever is more.
func before(old *heard, r *wire.Report) (t wire.Traffic) {
	if old != nil {
		t = old.before
		if r.Life != old.report.Life { // one that comes back as a new incarnation may be the same process
			t = t.With(old.report.Traffic, func(a, b int64) int64 { return a + b })
		}
	}
	if r.Before != nil {
		t = t.With(*r.Before, func(a, b int64) int64 { return max(a, b) })
	}
	return t
}

// Before is what an edge has counted in its former lives; nil: nothing that is known.
func (l *Loads) Before(edge string) *wire.Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[edge]
	if h == nil || h.before == (wire.Traffic{}) {
		return nil
	}
	t := h.before
	return &t
}

// Counted is what an edge has counted in all its lives, as far as that is known.
func (l *Loads) Counted(edge string) wire.Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[edge]
	if h == nil {
		return wire.Traffic{}
	}
	return h.before.With(h.report.Traffic, func(a, b int64) int64 { return a + b })
}

// Stores are the edges that say that they store a stream, or fetch it now. Of one that
// has not told its streams the placement's word is taken.
func (l *Loads) Stores(p *wire.Placement, stream string) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stores(p, stream)
}

// stores is Stores. The caller holds mu.
func (l *Loads) stores(p *wire.Placement, stream string) map[string]bool {
	placed, stores := p.EdgesOf(p.Stream(stream)), map[string]bool{}
	for _, e := range p.Edges {
		h := l.heard[e.Name]
		if h == nil || h.report.Incarnation != e.Incarnation || h.report.Streams == nil {
			stores[e.Name] = slices.Contains(placed, e.Name)
			continue
		}
		_, told := slices.BinarySearch(h.report.Streams, stream)
		_, sent := h.sent[stream]
		stores[e.Name] = told || sent
	}
	return stores
}

// Holders are, by stream, the edges whose stores hold anything of it, in ring order.
func (l *Loads) Holders(p *wire.Placement) map[string][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	holders := map[string][]string{}
	for _, e := range p.Edges {
		if h := l.heard[e.Name]; h != nil && h.report.Incarnation == e.Incarnation {
			for _, stream := range h.report.Streams {
				holders[stream] = append(holders[stream], e.Name)
			}
		}
	}
	return holders
}

// Keep forgets the edges that are no longer in the cluster.
func (l *Loads) Keep(p *wire.Placement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.heard {
		if _, ok := p.Edge(name); !ok {
			delete(l.heard, name)
		}
	}
}

// Last is an edge's latest report of its present incarnation.
func (l *Loads) Last(e wire.Edge) (report wire.Report, at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[e.Name]
	if h == nil || h.report.Incarnation != e.Incarnation {
		return wire.Report{}, time.Time{}, false
	}
	return h.report, h.at, true
}

// Newest is the latest version of the placement that an edge follows.
func (l *Loads) Newest(now time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	version := uint64(0)
	for _, h := range l.heard {
		if now.Sub(h.at) <= StaleAfter {
			version = max(version, h.report.Version)
		}
	}
	return version
}

// Followed is the version of the placement that all edges follow which are not down;
// 0: one has not said.
func (l *Loads) Followed(p *wire.Placement) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	version := p.Version
	for _, e := range ring.Members(p) {
		if e.State == wire.EdgeDown {
			continue
		}
		h := l.heard[e.Name]
		if h == nil || h.report.Incarnation != e.Incarnation {
			return 0
		}
		version = min(version, h.report.Version)
	}
	return version
}

// Above lists the edges that were above their capacity in two reports in a row.
func (l *Loads) Above(p *wire.Placement) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, e := range p.Edges {
		if h := l.heard[e.Name]; h != nil && h.over >= 2 && e.State != wire.EdgeDown && h.report.Incarnation == e.Incarnation {
			names = append(names, e.Name)
		}
	}
	return names
}

// Figures is what a choice is made by. The maps are the caller's.
func (l *Loads) Figures(p *wire.Placement) ring.Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.figures(p, true)
}

// figures is Figures, with what edges are asked for now or without. The caller holds mu.
func (l *Loads) figures(p *wire.Placement, asked bool) ring.Figures {
	out := ring.Figures{Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: ring.LimitsOf(p)}
	since, sides := map[wire.PairID]int{}, map[wire.PairID]sides{}
	l.known(p, func(e wire.Edge, h *heard) {
		out.Delivering[e.Name] = h.delivers(&h.report)
		h.since(&h.report, since)
		for _, load := range h.report.Pairs {
			out.Sum[load.Pair] = max(out.Sum[load.Pair], load.Sessions)
			sides[load.Pair] = sides[load.Pair].with(&load)
		}
	})
	for pair, s := range sides { // an edge hears of the other side with the next notice
		out.Sum[pair] = max(out.Sum[pair], s.sum())
	}
	for pair, n := range since {
		out.Sum[pair] += n
	}
	l.known(p, func(_ wire.Edge, h *heard) { h.sums(out.Sum) })
	if asked {
		l.known(p, func(e wire.Edge, h *heard) {
			out.Delivering[e.Name] += h.asks()
			for pair, n := range h.asked {
				out.Sum[pair] += n
			}
		})
	}
	return out
}

// sides are what the edges that share a pair deliver of it. While a boundary moves both
// may tell the same session, and nothing is counted.
type sides struct {
	boundary, sessions, told int
	moves                    bool
}

func (s sides) with(l *wire.PairLoad) sides {
	return sides{l.Boundary, s.sessions + l.Delivering, s.told + 1, s.moves || s.told > 0 && s.boundary != l.Boundary}
}

func (s sides) sum() int {
	if s.moves {
		return 0
	}
	return s.sessions
}

// known calls of with every edge whose present life has reported. The caller holds mu.
func (l *Loads) known(p *wire.Placement, of func(e wire.Edge, h *heard)) {
	for _, e := range p.Edges {
		if h := l.heard[e.Name]; h != nil && h.report.Incarnation == e.Incarnation && e.State != wire.EdgeDown {
			of(e, h)
		}
	}
}

// Earned are the figures without provisional sessions: what the edges have room for
// when those make way.
func (l *Loads) Earned(p *wire.Placement) ring.Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.figures(p, true)
	l.makeWay(p, &out)
	return out
}

// makeWay takes provisional sessions out of figures. The caller holds mu.
func (l *Loads) makeWay(p *wire.Placement, f *ring.Figures) {
	l.known(p, func(e wire.Edge, h *heard) {
		for _, load := range h.report.Pairs {
			f.Delivering[e.Name] -= load.Provisional
			f.Sum[load.Pair] -= load.Provisional
		}
	})
}

// Full tells whether no edge may be given one viewer more.
func (l *Loads) Full(p *wire.Placement) bool {
	known, opens := l.Figures(p), false
	for _, e := range p.Edges {
		if !ring.Opens(e.State) {
			continue
		}
		if opens = true; known.Delivering[e.Name] < known.Limits[e.Name] {
			return false
		}
	}
	return opens
}

// Sessions counts those of all pairs.
func (l *Loads) Sessions(p *wire.Placement) int {
	known, n := l.Figures(p), 0
	for i := range p.Pairs {
		n += known.Sum[p.Pairs[i].ID]
	}
	return n
}

// Delivering is one edge's own total, 0 when nothing is known.
func (l *Loads) Delivering(e wire.Edge) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[e.Name]
	if h == nil || h.report.Incarnation != e.Incarnation {
		return 0
	}
	return h.delivers(&h.report) + h.asks()
}

// Silent are the edges that deliver and have told nothing of their tables lately, in ring
// order: a balancer that has just begun has heard of none, and takes what it does not
// know for nothing.
func (l *Loads) Silent(p *wire.Placement, now time.Time) (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range p.Edges {
		if h := l.heard[e.Name]; ring.Delivers(e.State) && (h == nil || h.report.Incarnation != e.Incarnation || now.Sub(h.at) > StaleAfter) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Tables are the occupied slots of every pair: what either member holds, since
// each may know of a session that the other one has not been told of. An edge
// that is down counts no more: what it held is its partner's.
func (l *Loads) Tables(p *wire.Placement, now time.Time) []ring.Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	runs := map[wire.PairID][]wire.Run{}
	for _, e := range p.Edges {
		h := l.heard[e.Name]
		if h == nil || h.report.Incarnation != e.Incarnation || e.State == wire.EdgeDown || now.Sub(h.at) > StaleAfter {
			continue
		}
		for _, load := range h.report.Pairs {
			runs[load.Pair] = append(runs[load.Pair], load.Taken...)
		}
	}
	var out []ring.Load
	for i := range p.Pairs {
		if taken, ok := runs[p.Pairs[i].ID]; ok {
			out = append(out, ring.Load{Pair: p.Pairs[i].ID, Taken: union(taken, p.Pairs[i].Slots)})
		}
	}
	return out
}

// union puts runs in order and joins those that touch.
func union(runs []wire.Run, slots int) []wire.Run {
	slices.SortFunc(runs, func(a, b wire.Run) int { return a.From - b.From })
	out := make([]wire.Run, 0, len(runs))
	for _, r := range runs {
		r.From, r.To = max(r.From, 0), min(r.To, slots)
		if r.To <= r.From {
			continue
		}
		if n := len(out); n > 0 && r.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}
