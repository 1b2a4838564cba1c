package member

import (
	"fmt"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// The third edge that holds a pair's table is drained, or the one behind it comes back or is
// resumed, and both members die before another notice has gone out: whoever is given the
// sessions has them as they were, told by that third one.
func TestAnOrderAndTwoDeathsTakeNoTableWithThem(t *testing.T) {
	for what, order := range map[string][2]wire.EdgeState{
		"the third one is drained":  {wire.EdgeUp, wire.EdgeDraining},
		"the third one is resumed":  {wire.EdgeDraining, wire.EdgeUp},
		"the third one comes back":  {wire.EdgeRecovering, wire.EdgeUp},
		"the third one is to leave": {wire.EdgeUp, wire.EdgeLeaving},
	} {
		p := &wire.Placement{Version: 1, Admission: ring.FailSafeAdmission}
		r := &trio{t: t, tables: map[string]*tables{}, at: map[string]*wire.Placement{}}
		var names []string
		for i := range 6 {
			name := fmt.Sprint("e", i+1)
			names = append(names, name)
			p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: 8, State: wire.EdgeUp, Incarnation: 1})
			r.tables[name] = newTables(name)
		}
		r.placement = ring.Form(p.Index())
		turn := func(to wire.EdgeState) func(p *wire.Placement) {
			return func(p *wire.Placement) { p.Edges[2].State, p.Edges[2].Removing = to, to == wire.EdgeLeaving }
		}
		r.change(turn(order[0]))
		r.follow(names...)
		id := r.open("e1", 10)
		for _, other := range []string{"e2", "e3", "e4"} { // who is told
			for _, way := range [][2]string{{"e1", other}, {other, "e1"}} {
				if from := r.of(way[0]); from != nil && from.watchers[way[1]] != nil {
					r.tell(way[0], way[1])
				}
			}
		}
		r.change(turn(order[1]))
		r.follow(names...)
		loads := []ring.Load{{Pair: 1, Taken: []wire.Run{{From: id.Slot, To: id.Slot + 1}}}}
		for _, dead := range []string{"e1", "e2"} {
			r.placement, _ = ring.Without(r.placement, dead, loads, wire.EdgeDown)
			r.change(func(*wire.Placement) {})
			r.follow(names[2:]...)
		}
		q, _ := r.placement.Pair(1)
		owner := ring.Owner(r.placement, q, id.Slot)
		for _, name := range names[2:] {
			if tb := r.of(name); tb != nil && tb.watchers[owner] != nil {
				r.tell(name, owner)
			}
		}
		if s := r.has(owner, id); s == nil || s.opened != 10 {
			t.Errorf("%s: %s delivers the session and knows %+v", what, owner, s)
		}
	}
}
