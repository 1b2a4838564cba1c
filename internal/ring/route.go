package ring

import (
	"slices"
	"sort"

	"tandem/internal/wire"
)

// Delivers tells whether an edge may deliver by the tables. One that leaves delivers
// until its successors hold what they need.
func Delivers(s wire.EdgeState) bool { return s == wire.EdgeUp || s == wire.EdgeLeaving }

// Opens tells whether an edge may be given new sessions.
func Opens(s wire.EdgeState) bool { return s == wire.EdgeUp }

// HasCopy tells whether an edge can be asked for content that it should hold.
func HasCopy(s wire.EdgeState) bool {
	return s == wire.EdgeUp || s == wire.EdgeDraining || s == wire.EdgeLeaving
}

// InRing tells whether an edge is a member of the ring.
func InRing(s wire.EdgeState) bool { return s != wire.EdgeJoining && s != wire.EdgePending }

// Grants is the most sessions that an edge goes on with: what Settle counts on, so
// what an edge takes back by a token that the placement leads to it, above the limit
// that new sessions are held to.
func Grants(p *wire.Placement, edge string) int {
	e, ok := p.Edge(edge)
	if !ok || !Delivers(e.State) {
		return 0
	}
	return e.Capacity
}

// state is an edge's state; a name that is not there is down.
func state(p *wire.Placement, name string) wire.EdgeState {
	e, ok := p.Edge(name)
	if !ok {
		return wire.EdgeDown
	}
	return e.State
}

// Owner is the edge that delivers a slot by the tables, "" when nobody does. A
// slot that was given to an edge outside the pair is that edge's, while that is
// alive. One beyond a table that has shrunk, which tokens may still name, is whose the
// last slot is: that one has a side to seat the session in.
func Owner(p *wire.Placement, pair *wire.Pair, slot int) string {
	slot = InTable(pair, slot)
	for _, a := range pair.Adopted {
		if slot >= a.From && slot < a.To && Delivers(state(p, a.Edge)) {
			return a.Edge
		}
	}
	owner, other := pair.High, pair.Low
	if slot < pair.Boundary {
		owner, other = pair.Low, pair.High
	}
	switch {
	case Delivers(state(p, owner)):
		return owner
	case Delivers(state(p, other)):
		return other
	}
	return ""
}

// InTable is the slot of a table by which it is known whose a slot is that a token names.
func InTable(pair *wire.Pair, slot int) int { return min(slot, pair.Slots-1) }

// Part is a run of slots with one owner.
type Part struct {
	From, To int
	Owner    string // "" for nobody
}

// Parts are the slots of a pair by who delivers them, in order.
func Parts(p *wire.Placement, pair *wire.Pair) []Part {
	cuts := []int{0, pair.Boundary, pair.Slots}
	for _, a := range pair.Adopted {
		cuts = append(cuts, min(max(a.From, 0), pair.Slots), min(max(a.To, 0), pair.Slots))
	}
	sort.Ints(cuts)
	var parts []Part
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		if from == to {
			continue
		}
		owner := Owner(p, pair, from)
		if n := len(parts); n > 0 && parts[n-1].Owner == owner {
			parts[n-1].To = to
		} else {
			parts = append(parts, Part{from, to, owner})
		}
	}
	return parts
}

// Owned are the slots of a pair that an edge delivers, in order.
func Owned(p *wire.Placement, pair *wire.Pair, edge string) []wire.Run {
	var runs []wire.Run
	for _, part := range Parts(p, pair) {
		if part.Owner == edge {
			runs = append(runs, wire.Run{From: part.From, To: part.To})
		}
	}
	return runs
}

// Route is the edge that delivers a slot, and the one that can go on when it
// fails: the other member of the pair while that holds a copy, else the next
// living edge, which fills from the origin. "" stands for nobody.
func Route(p *wire.Placement, pair *wire.Pair, slot int) (edge, partner string) {
	edge = Owner(p, pair, slot)
	for _, member := range []string{pair.Low, pair.High} {
		if member != edge && HasCopy(state(p, member)) {
			return edge, member
		}
	}
	return edge, another(p, edge)
}

// another is the first living edge behind one in the ring.
func another(p *wire.Placement, edge string) string {
	n := len(p.Edges)
	start := 0
	for i, e := range p.Edges {
		if e.Name == edge {
			start = i + 1
		}
	}
	for i := range n {
		if e := p.Edges[(start+i)%n]; e.Name != edge && Delivers(e.State) {
			return e.Name
		}
	}
	return ""
}

// Filler is the member of a pair that asks the origin for a key, and the other
// one, which asks the filler. With one of them away the one that is there
// fills. Half of the keys fall to each member.
func Filler(p *wire.Placement, pair *wire.Pair, key string) (filler, other string) {
	filler, other = pair.Low, pair.High
	if wire.NameHash(key)>>32&1 == 1 {
		filler, other = other, filler
	}
	if !HasCopy(state(p, filler)) {
		filler, other = other, filler
	}
	if !HasCopy(state(p, filler)) {
		filler = ""
	}
	if s := state(p, other); !HasCopy(s) && s != wire.EdgeRecovering {
		other = ""
	}
	return filler, other
}

// FailSafe tells whether an edge stands in for one that has failed (claims 12, 13).
func FailSafe(p *wire.Placement, edge string) bool { return StandIns(p)[edge] }

// StandIns are the edges that stand in for one that has failed: whose neighbour it is,
// or that deliver beyond their home boundary or as spill-over. While nobody has failed,
// nobody stands in: a drain is no failure.
func StandIns(p *wire.Placement) map[string]bool {
	if !slices.ContainsFunc(p.Edges, func(e wire.Edge) bool { return failed(e.State) }) {
		return nil
	}
	stands := map[string]bool{}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, a := range q.Adopted {
			stands[a.Edge] = true
		}
		for _, m := range [2][2]string{{q.Low, q.High}, {q.High, q.Low}} {
			v := ViewOf(q, m[0])
			if m[0] != "" && (v.Boundary(q.Boundary) > v.Boundary(q.Home) || !q.Retiring && m[1] != "" && failed(state(p, m[1]))) {
				stands[m[0]] = true
			}
		}
	}
	return stands
}

// failed tells whether a member is missing by no order: dead, or back and not copied.
func failed(s wire.EdgeState) bool { return s == wire.EdgeDown || s == wire.EdgeRecovering }

// Members are the edges that stand in the ring, in its order.
func Members(p *wire.Placement) []wire.Edge {
	var members []wire.Edge
	for _, e := range p.Edges {
		if InRing(e.State) {
			members = append(members, e)
		}
	}
	return members
}

// LimitsOf are the limits of the ring's members by name. One that does not deliver now
// counts, since the limit is what makes its loss harmless, but binds nobody by that:
// where the others alone would have a higher limit, they have it. One that leaves
// counts no more and is given nobody.
func LimitsOf(p *wire.Placement) map[string]int {
	var all, there []wire.Edge
	for _, e := range Members(p) {
		if Goes(e) {
			continue
		}
		all = append(all, e)
		if Delivers(e.State) {
			there = append(there, e)
		}
	}
	limits := make(map[string]int, len(all))
	for _, members := range [][]wire.Edge{all, there} {
		capacities := make([]int, len(members))
		for i, e := range members {
			capacities[i] = e.Capacity
		}
		for i, n := range Limits(capacities, p.Admission) {
			limits[members[i].Name] = max(limits[members[i].Name], n)
		}
	}
	return limits
}
