package api

import (
	"fmt"
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// edges: the dead ones first, then those that hang, those that come, those that wait.
func (v *judgement) edges() {
	s := v.s
	each := func(of func(e *wire.EdgeStatus) bool, do func(e *wire.EdgeStatus)) {
		for i := range s.Edges {
			if of(&s.Edges[i]) {
				do(&s.Edges[i])
			}
		}
	}
	is := func(states ...wire.EdgeState) func(e *wire.EdgeStatus) bool {
		return func(e *wire.EdgeStatus) bool { return slices.Contains(states, e.State) }
	}
	if v.none() {
		v.says(wire.Bad, "", "no edge is up: nobody is served")
	}
	var stopped, down []*wire.EdgeStatus
	each(is(wire.EdgeDown), func(e *wire.EdgeStatus) {
		switch {
		case e.Stopped: // before what may be said in its name
			stopped = append(stopped, e)
		case e.Refused != "":
			v.says(wire.Bad, e.Next, "%s is down, and its calls are refused, for %s%s", e.Name, e.Refused, v.whose(e))
		default:
			down = append(down, e)
		}
	})
	v.gone(stopped, wire.Warn, "stopped", "Start %[1]s again, or tandem remove %[1]s.", "Start %s again. One that is gone for good: tandem remove NAME.")
	v.gone(down, wire.Bad, "down", "Bring %[1]s back: it copies what it lacks by itself. If it is gone for good: tandem remove %[1]s.", "Bring %s back: they copy what they lack by themselves. One that is gone for good: tandem remove NAME.")
	each(is(wire.EdgeSilent), func(e *wire.EdgeStatus) {
		by := standingIn(e.StandIns)
		if e.Refused != "" {
			by += ", and its calls are refused, for " + e.Refused
		}
		v.says(wire.Bad, e.Next, "%s is silent, %s", e.Name, by)
	})
	each(func(e *wire.EdgeStatus) bool { return e.Delivering > e.Capacity }, func(e *wire.EdgeStatus) {
		v.says(wire.Bad, "Add an edge, or raise the capacity of "+e.Name+".", "%s is above its capacity", e.Name)
	})
	each(is(wire.EdgeRecovering), func(e *wire.EdgeStatus) {
		v.says(wire.Warn, "", "%s is back and copies%s", e.Name, v.whose(e))
	})
	each(is(wire.EdgeDraining), func(e *wire.EdgeStatus) {
		how := "drained"
		if e.Delivering > 0 {
			how = "draining"
		}
		v.says(wire.Warn, "tandem resume "+e.Name+", when the work is done.", "%s is %s", e.Name, how)
	})
	each(is(wire.EdgeJoining, wire.EdgeLeaving), func(e *wire.EdgeStatus) { v.says(wire.Warn, "", "%s is %s", e.Name, e.State) })
	each(func(e *wire.EdgeStatus) bool { return e.State == wire.EdgePending || e.Asks > 0 }, func(e *wire.EdgeStatus) {
		v.says(wire.Warn, "tandem accept "+e.Name+".", "%s waits to be accepted", e.Name)
	})
}

// none: no edge is there for anybody, whatever the reason of each is.
func (v *judgement) none() bool {
	return len(v.s.Edges) > 0 && !slices.ContainsFunc(v.s.Edges, func(e wire.EdgeStatus) bool { return ring.Delivers(e.State) })
}

// gone: edges of one state that serve nobody, said together: what an evening's worst hour has to
// say is long enough. one and several are the next step, of the edges' names.
func (v *judgement) gone(edges []*wire.EdgeStatus, level wire.Level, state, one, several string) {
	var names []string
	for _, e := range edges {
		names = append(names, e.Name)
	}
	all := enumerate(names)
	switch len(names) {
	case 0:
	case 1:
		v.says(level, fmt.Sprintf(one, all), "%s is %s%s", all, state, v.whose(edges...))
	default:
		v.says(level, fmt.Sprintf(several, all), "%s are %s%s", all, state, v.whose(edges...))
	}
}

// whose says who serves the viewers of edges that do not; where no edge serves, that was said.
func (v *judgement) whose(edges ...*wire.EdgeStatus) string {
	if v.none() {
		return ""
	}
	return ": " + v.viewersOf(edges...)
}

// full: no edge may be given one session more.
func (v *judgement) full() {
	up := 0
	for i := range v.s.Edges {
		e := &v.s.Edges[i]
		if e.State != wire.EdgeUp {
			continue
		}
		if up++; e.Delivering < e.Limit {
			return
		}
	}
	if up > 0 {
		v.says(wire.Warn, "Add an edge, or raise the edges' capacity.", "the cluster is full: new viewers are refused")
	}
}
