package member

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// evening is a cluster through an evening of ring changes: the placement as the
// balancers commit it, the tables as the edges hold them, and viewers who know what
// they were given.
type evening struct {
	t       *rapid.T
	state   *raftfsm.State
	index   uint64
	clock   int64
	edges   map[string]*node
	viewers []*viewer
	closed  []*viewer
	calm    uint64 // the version in which all have told all they knew, 0 for none
	named   int
	late    []func() // notices that are on their way
}

// node is one edge; dead ones have no tables.
type node struct {
	name        string
	incarnation uint64
	tables      *tables
	placement   *wire.Placement
	cut         bool // it lives, and only others that are cut off hear it
}

// viewer is what a session is to the one who watches it.
type viewer struct {
	id     wire.SessionID
	stream string
	opened int64
	at     int64  // of the last segment that it got
	known  int64  // of the last one of which a living edge knows
	entry  bool   // a living edge has its entry
	told   bool   // and has told it to all that watch
	gone   bool   // it was closed, and nobody has the entry
	steady uint64 // version of the placement that all followed when it was closed
}

// TestEntriesSurviveAnyEvening: deaths, returns, drains, resumes, joins, leavings,
// removals of dead members and other capacities, in any order, with notices that are
// lost, or whose answers are, and edges that learn of a change later than others.
// Afterwards the tables say of every viewer what the viewer knows: the same slot and
// generation, opened when it was, and as far as the last notice before a death said.
func TestEntriesSurviveAnyEvening(t *testing.T) {
	for range 4 {
		rapid.Check(t, func(t *rapid.T) {
			v := &evening{t: t, state: raftfsm.NewState(), clock: 1000, edges: map[string]*node{}}
			for range rapid.IntRange(2, 5).Draw(t, "edges") {
				v.register()
			}
			v.apply(raftfsm.Command{Kind: raftfsm.Place, Stream: "/s/", Pair: 1})
			v.follow(nil)
			for range rapid.IntRange(1, 40).Draw(t, "steps") {
				v.step()
			}
			v.quiet()
			v.compare()
			v.agree()
			v.ended()
		})
	}
}

func (v *evening) names() []string { return slices.Sorted(maps.Keys(v.edges)) }

func (v *evening) register() {
	v.named++
	n := &node{name: fmt.Sprint("e", v.named)}
	v.edges[n.name] = n
	after := ""
	if p := v.state.Placement(); len(p.Edges) > 0 {
		after = rapid.SampledFrom(p.Edges).Draw(v.t, "after").Name
	}
	v.start(n, after, rapid.SampledFrom([]int{6, 16}).Draw(v.t, "capacity"))
}

// start is a new life of an edge, which knows nothing.
func (v *evening) start(n *node, after string, capacity int) {
	n.incarnation++
	n.tables, n.placement = newTables(n.name), new(wire.Placement).Index()
	v.apply(raftfsm.Command{Kind: raftfsm.EdgeUp, After: after, Edge: &wire.Edge{Name: n.name, Capacity: capacity, Incarnation: n.incarnation, Zone: rapid.SampledFrom([]string{"", "a", "b"}).Draw(v.t, "zone")}})
}

// apply carries a command out.
func (v *evening) apply(c raftfsm.Command) {
	c.Loads = v.loads()
	b, err := c.Encode()
	if err != nil {
		v.t.Fatal(err)
	}
	before := v.state.Placement()
	v.index++
	v.state.Apply(v.index, b)
	v.spills(before, c.Loads)
}

// loads are the tables as the leader knows them by reports.
func (v *evening) loads() []ring.Load {
	taken := map[wire.PairID]*ring.Table{}
	for _, name := range v.names() {
		n := v.edges[name]
		if n.tables == nil {
			continue
		}
		for _, t := range n.tables.list() {
			if taken[t.pair.ID] == nil {
				taken[t.pair.ID] = ring.NewTable(t.slots.Slots())
			}
			for _, r := range t.load().Taken {
				for slot := r.From; slot < r.To; slot++ {
					taken[t.pair.ID].Set(slot)
				}
			}
		}
	}
	var loads []ring.Load
	for _, id := range slices.Sorted(maps.Keys(taken)) {
		loads = append(loads, ring.Load{Pair: id, Taken: taken[id].Runs()})
	}
	return loads
}

// follow lets edges learn of the placement: all, or those that are drawn.
func (v *evening) follow(late *rapid.T) {
	for _, name := range v.names() {
		n := v.edges[name]
		if n.tables == nil || n.cut || late != nil && !rapid.Bool().Draw(late, "follows") {
			continue
		}
		n.placement = v.state.Placement()
		n.tables.follow(n.placement, v.clock)
	}
}

func (v *evening) step() {
	v.clock += 10
	p := v.state.Placement()
	e := rapid.SampledFrom(p.Edges).Draw(v.t, "edge")
	switch rapid.IntRange(0, 19).Draw(v.t, "what") {
	case 0, 1, 2:
		for range rapid.IntRange(1, 8).Draw(v.t, "come") {
			v.open(e.Name)
		}
	case 3, 4, 5, 6:
		v.watch()
	case 7, 8:
		v.notices(v.t)
	case 9:
		v.follow(v.t)
	case 10:
		v.dieOrReturn(e)
	case 11:
		v.ready()
	case 12:
		kind := rapid.SampledFrom([]raftfsm.Kind{raftfsm.Drain, raftfsm.Resume, raftfsm.Remove, raftfsm.Accept}).Draw(v.t, "order")
		v.apply(raftfsm.Command{Kind: kind, Name: e.Name})
	case 13:
		if len(v.edges) < 7 {
			v.register()
		}
	case 15:
		v.interval()
	case 16:
		if v.cut(e) {
			v.allAsk()
		}
	case 17:
		v.mend()
	case 18, 19:
		v.close()
	case 14:
		if n := v.edges[e.Name]; n.tables != nil && !n.cut {
			v.apply(raftfsm.Command{Kind: raftfsm.EdgeUp, Edge: &wire.Edge{Name: e.Name, Capacity: rapid.IntRange(2, 24).Draw(v.t, "capacity"), Incarnation: e.Incarnation}})
		}
	}
}

// open is a viewer who comes.
func (v *evening) open(edge string) {
	n := v.edges[edge]
	if n.tables == nil || n.cut {
		return
	}
	if p := v.state.Placement(); n.placement.Version < p.Version {
		n.placement = p // an opening waits for the placement that the balancer has
		n.tables.follow(p, v.clock)
	}
	for i := range n.placement.Pairs {
		q := &n.placement.Pairs[i]
		if id, reason := n.tables.open(wire.OpenRequest{Pair: q.ID, Stream: "/s/", Viewer: "192.0.2.1"}, v.clock); reason == "" {
			w := &viewer{id: id, stream: "/s/", opened: v.clock}
			v.viewers = append(v.viewers, w)
			v.segment(w)
			return
		}
	}
}

// watch is a viewer who asks for a segment.
func (v *evening) watch() {
	if len(v.viewers) > 0 {
		v.segment(rapid.SampledFrom(v.viewers).Draw(v.t, "viewer"))
	}
}

// segment leads a request to the edge that delivers the session by the balancers'
// placement, if that is alive. A reason is a refusal.
func (v *evening) segment(w *viewer) (reason string) {
	q, ok := v.state.Placement().Pair(w.id.Pair)
	if !ok {
		return ""
	}
	edge, partner := ring.Route(v.state.Placement(), q, w.id.Slot)
	for _, name := range []string{edge, partner} {
		n := v.edges[name]
		if n == nil || n.tables == nil || n.cut {
			continue
		}
		seat, reason := n.tables.touch(w.id, w.stream, "192.0.2.1", v.clock)
		if slot := seat.Slot; slot >= 0 {
			w.at = v.clock
			n.tables.delivered(w.id.Pair, slot, wire.Track{Kind: wire.VideoTrack, Target: "/s/" + fmt.Sprint(v.clock), Sequence: v.clock, At: v.clock}, false)
		}
		v.know()
		return reason
	}
	return ""
}

// know notes of which viewers somebody who is alive has the entry.
func (v *evening) know() {
	for _, w := range v.viewers {
		w.entry, w.known = false, 0
		for _, n := range v.edges {
			if s := n.session(w.id); s != nil && s.opened == w.opened && !n.cut {
				w.entry = true
				w.known = max(w.known, s.tracks[wire.VideoTrack].At)
			}
		}
		w.told = w.told && w.entry
	}
}

// interval is a while in which all goes well: what is known is told.
func (v *evening) interval() {
	v.follow(nil)
	for range 3 {
		v.notices(nil)
	}
	v.know()
	v.ended()
	for _, w := range v.viewers {
		w.told = w.entry
	}
}

// handed: after a commit that makes another edge deliver, that one has every entry
// that had been told, at once, unless it is no member of the pair: slots are given to
// others only where nobody else has room.
func (v *evening) handed() {
	p := v.state.Placement()
	for _, w := range v.viewers {
		q, ok := p.Pair(w.id.Pair)
		if !w.told || !ok {
			continue
		}
		n := v.edges[ring.Owner(p, q, w.id.Slot)]
		if n != nil && n.tables != nil && (n.name == q.Low || n.name == q.High) && n.session(w.id) == nil {
			v.t.Fatalf("%+v: %s delivers it from version %d on, and was not given the table", *w, n.name, p.Version)
		}
	}
}

func (n *node) session(id wire.SessionID) *session {
	if n.tables == nil {
		return nil
	}
	t := n.tables.table(id.Pair)
	if t == nil {
		return nil
	}
	slot, ok := t.find(id)
	if !ok {
		return nil
	}
	return t.sessions[slot]
}

func (v *evening) dieOrReturn(e wire.Edge) {
	n := v.edges[e.Name]
	switch {
	case n.tables == nil:
		v.start(n, "", e.Capacity)
	case n.cut:
		n.tables, n.cut = nil, false
	case len(v.delivering()) > 1:
		n.tables = nil
		v.know()
		v.apply(raftfsm.Command{Kind: raftfsm.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
	}
}

func (v *evening) delivering() (list []string) {
	for _, e := range v.state.Placement().Edges {
		if ring.Delivers(e.State) && v.edges[e.Name].tables != nil && !v.edges[e.Name].cut {
			list = append(list, e.Name)
		}
	}
	return list
}

// quiet lets everything be told that is to be told, and every ring change end.
func (v *evening) quiet() {
	v.mend()
	for range 12 {
		v.interval()
		v.ready()
	}
}

// compare looks at every viewer.
func (v *evening) compare() {
	p := v.state.Placement()
	for _, w := range v.viewers {
		if !w.entry {
			continue // all who knew died
		}
		q, ok := p.Pair(w.id.Pair)
		if !ok {
			v.t.Fatalf("%+v: the pair is gone", *w)
		}
		owner := ring.Owner(p, q, w.id.Slot)
		if owner == "" {
			continue // more died than the ring can lose
		}
		s := v.edges[owner].session(w.id)
		switch {
		case s == nil:
			v.t.Fatalf("%+v: %s delivers it and has no entry", *w, owner)
		case s.opened != w.opened || s.stream != w.stream || s.viewer != "192.0.2.1":
			v.t.Fatalf("%+v: %s has %+v", *w, owner, *s)
		case s.tracks[wire.VideoTrack].At < w.known:
			v.t.Fatalf("%+v: %s is at %d", *w, owner, s.tracks[wire.VideoTrack].At)
		}
		for name, n := range v.edges {
			if name == owner || n.tables == nil {
				continue
			}
			list, _ := n.tables.sessions(1 << 20)
			if slices.ContainsFunc(list, func(i wire.SessionInfo) bool { return i.SessionID == w.id }) {
				v.t.Fatalf("%+v: %s and %s deliver it", *w, owner, name)
			}
		}
	}
}
