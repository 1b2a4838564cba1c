package member

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// evening is a cluster through an evening of ring changes: the placement as the
// balancers commit it, the tables as the edges hold them, and viewers who know what
// they were given.
type evening struct {
	t       *rapid.T
	state   *placement.State
	index   uint64
	clock   int64
	edges   map[string]*node
	viewers []*viewer
	closed  []*viewer
	calm    uint64 // the version in which all have told all they knew, 0 for none
	named   int
	late    []func() // notices that are on their way

	leaderless bool     // no command is carried out
	reported   reported // what the balancers heard a while ago
	stale      bool     // the next commands are made by that
}

// node is one edge; dead ones have no tables.
type node struct {
	name        string
	incarnation uint64
	tables      *tables
	placement   *wire.Placement
	cut         bool            // it lives, and only others that are cut off hear it
	dead        []ring.Life     // for whom it stands in by its own word
	deaf        map[string]bool // whom it does not hear, and who does not hear it
}

// viewer is what a session is to the one who watches it.
type viewer struct {
	id     wire.SessionID
	stream string
	opened int64
	known  held   // what a living edge knows of it
	entry  bool   // a living edge has its entry
	told   bool   // and has told it to all that watch
	gone   bool   // it was closed, and nobody has the entry
	steady uint64 // version of the placement that all followed when it was closed
}

// held is how far a session is by an entry: what a notice takes on (claims 16, 22).
type held struct {
	seen     int64
	at       [wire.MaxTracks]int64 // of the last segment of each track
	manifest bool                  // that it has asked for its manifest
}

// TestEntriesSurviveAnyEvening: deaths, also two at once, returns, drains, resumes, joins,
// leavings, stops, removals of dead members, other capacities, boundaries that viewers'
// openings move, tables that shrink, balancers without a majority, in any order and by loads
// that are old, with notices that are lost, or whose answers are, and edges that learn of a
// change later than others. Afterwards the tables say of every viewer what the viewer knows:
// the same slot and generation, opened when it was, and as far in each track as the last
// notice before a death said.
func TestEntriesSurviveAnyEvening(t *testing.T) {
	for range 4 {
		rapid.Check(t, func(t *rapid.T) {
			v := &evening{t: t, state: placement.NewState(), clock: 1000, edges: map[string]*node{}}
			for range rapid.IntRange(2, 9).Draw(t, "edges") {
				v.register()
			}
			v.apply(placement.Command{Kind: placement.Place, Stream: "/s/", Pair: 1})
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
	n := &node{name: fmt.Sprint("e", v.named), deaf: map[string]bool{}}
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
	n.tables, n.placement, n.dead = newTables(n.name), new(wire.Placement).Index(), nil
	v.apply(placement.Command{Kind: placement.EdgeUp, After: after, Edge: &wire.Edge{Name: n.name, Capacity: capacity, Incarnation: n.incarnation, Zone: rapid.SampledFrom([]string{"", "a", "b"}).Draw(v.t, "zone")}})
}

// follow lets edges learn of the placement: all, or those that are drawn.
func (v *evening) follow(late *rapid.T) {
	for _, name := range v.names() {
		n := v.edges[name]
		if n.tables == nil || n.cut || late != nil && !rapid.Bool().Draw(late, "follows") {
			continue
		}
		n.placement = v.state.Placement()
		if e, there := n.placement.Edge(name); there && e.State == wire.EdgeDown {
			n.tables = nil // it has stopped in order
			continue
		}
		v.show(n)
	}
}

// show is what an edge goes by: the placement, and what it has found by itself.
func (v *evening) show(n *node) { n.tables.follow(ring.Overlay(n.placement, n.dead), v.clock) }

func (v *evening) step() {
	v.clock += 10
	p := v.state.Placement()
	e := rapid.SampledFrom(p.Edges).Draw(v.t, "edge")
	v.stale = rapid.IntRange(0, 3).Draw(v.t, "by old loads") == 0
	switch rapid.IntRange(0, 29).Draw(v.t, "what") {
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
		kind := rapid.SampledFrom([]placement.Kind{placement.Drain, placement.Resume, placement.Remove, placement.Accept}).Draw(v.t, "order")
		v.apply(placement.Command{Kind: kind, Name: e.Name})
	case 13:
		if len(v.edges) < 10 && !v.leaderless {
			v.register()
		}
	case 15:
		v.interval()
	case 16:
		if v.stale = false; v.cut(e) {
			v.allAsk()
		}
	case 17:
		v.mend()
	case 18, 19:
		v.close()
	case 14:
		if n := v.edges[e.Name]; n.tables != nil && !n.cut {
			v.apply(placement.Command{Kind: placement.EdgeUp, Edge: &wire.Edge{Name: e.Name, Capacity: rapid.IntRange(2, 24).Draw(v.t, "capacity"), Incarnation: e.Incarnation}})
		}
	case 20, 21:
		v.makeRoom()
	case 22, 23:
		v.settle()
	case 24:
		v.stop(e)
	case 25:
		v.fall()
	case 26:
		v.majority()
	case 27:
		v.standIn(e)
	case 28:
		v.hear()
	case 29:
		v.reported = v.report()
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
		v.show(n)
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
	p := v.routed()
	q, ok := p.Pair(w.id.Pair)
	if !ok {
		return ""
	}
	edge, partner := ring.Route(p, q, w.id.Slot)
	for _, name := range []string{edge, partner} {
		n := v.edges[name]
		if n == nil || n.tables == nil || n.cut {
			continue
		}
		binding, reason := n.tables.touch(w.id, w.stream, "192.0.2.1", v.clock)
		if slot := binding.Slot; slot >= 0 {
			kind := wire.TrackKind(v.clock / 10 % 3)
			n.tables.asked(w.id.Pair, slot, "/s/top.m3u8")
			n.tables.delivered(w.id.Pair, slot, wire.Track{Kind: kind, Manifest: "/s/top.m3u8", Target: "/s/" + fmt.Sprint(v.clock), Sequence: v.clock, At: v.clock}, false)
		}
		v.know()
		return reason
	}
	return ""
}

// know notes of which viewers somebody who is alive has the entry.
func (v *evening) know() {
	for _, w := range v.viewers {
		w.entry, w.known = false, held{}
		for _, n := range v.edges {
			e, _ := v.state.Placement().Edge(n.name) // down: it stops in order, and nobody is told by it any more
			if s := n.session(w.id); s != nil && s.opened == w.opened && !n.cut && e.State != wire.EdgeDown {
				w.entry = true
				w.known.add(s)
			}
		}
		w.told = w.told && w.entry
	}
}

// add takes in what another entry says.
func (h *held) add(s *session) {
	h.seen = max(h.seen, s.seen)
	h.manifest = h.manifest || len(s.manifests) > 0
	for kind := range h.at {
		h.at[kind] = max(h.at[kind], s.tracks[kind].At)
	}
}

// behind tells whether an entry lacks what is known.
func (h *held) behind(s *session) bool {
	var has held
	has.add(s)
	lacks := has.seen < h.seen || h.manifest && !has.manifest
	for kind := range h.at {
		lacks = lacks || has.at[kind] < h.at[kind]
	}
	return lacks
}

// interval is a while in which all goes well: what is known is told.
func (v *evening) interval() {
	v.hear()
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
		if !v.leaderless {
			v.start(n, "", e.Capacity)
		}
	case n.cut:
		n.tables, n.cut, n.dead = nil, false, nil
	case len(v.delivering()) > 1:
		n.tables = nil
		v.know()
		v.apply(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
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
	v.stale, v.reported = false, reported{}
	if v.leaderless {
		v.majority()
	}
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
		case w.known.behind(s):
			v.t.Fatalf("%+v: %s has %+v", *w, owner, *s)
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
