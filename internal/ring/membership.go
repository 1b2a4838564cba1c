package ring

import (
	"slices"
	"sort"
	"strings"

	"tandem/internal/wire"
)

// Form builds the ring anew from its members in the natural order of their
// names (edge-2 before edge-10), or with neighbours in different zones. It is for a cluster that holds no stream, and
// so has no session that could be on a pair.
func Form(p *wire.Placement) *wire.Placement {
	next := draft{Copy(p)}
	sort.SliceStable(next.Edges, func(i, j int) bool {
		a, b := next.Edges[i], next.Edges[j]
		if x, y := InRing(a.State), InRing(b.State); x != y {
			return x
		}
		return natural(a.Name, b.Name)
	})
	members := apart(Members(next.Placement)) // InRing's are the first
	copy(next.Edges, members)
	next.Pairs = nil
	for i, low := range members {
		var high wire.Edge
		if len(members) > 1 {
			high = members[(i+1)%len(members)]
		}
		var id wire.PairID
		if i < len(p.Pairs) {
			id = p.Pairs[i].ID
		} else {
			id = next.newPair()
		}
		next.Pairs = append(next.Pairs, makePair(id, low, high))
	}
	return next.Index()
}

// draft is a placement that is being changed.
type draft struct{ *wire.Placement }

func (d draft) newPair() wire.PairID {
	d.NextPair = max(d.NextPair, 1)
	d.NextPair++
	return d.NextPair - 1
}

func makePair(id wire.PairID, low, high wire.Edge) wire.Pair {
	q := wire.Pair{ID: id, Low: low.Name, High: high.Name, Slots: low.Capacity}
	if high.Name == "" {
		q.Boundary, q.Home = q.Slots, q.Slots
		return q
	}
	q.Slots = min(low.Capacity, high.Capacity)
	q.Boundary, q.Home = q.Slots/2, q.Slots/2
	return q
}

// Join puts a joining edge X into the ring behind the member A; without A it
// goes to the end. A's pair with its next member B becomes A's with X, by whose
// copy X can deliver at once; X and B get a new, empty pair.
func Join(p *wire.Placement, name, after string) *wire.Placement {
	next := draft{Copy(p)}
	x, ok := next.Edge(name)
	if !ok {
		return next.Placement
	}
	x.State, x.After = wire.EdgeUp, ""
	edges := make([]wire.Edge, 0, len(next.Edges))
	for _, e := range next.Edges {
		if e.Name != name {
			edges = append(edges, e)
		}
	}
	at := behind(edges, after)
	next.Edges = append(edges[:at:at], append([]wire.Edge{x}, edges[at:]...)...)
	next.Index()
	if at == 0 {
		next.Pairs = append(next.Pairs, makePair(next.newPair(), x, wire.Edge{}))
		return next.Index()
	}
	a := edges[at-1].Name
	b := a
	for i := range next.Pairs {
		q := &next.Pairs[i]
		if q.Low != a || q.Retiring {
			continue
		}
		if q.High != "" {
			b = q.High
		} else {
			q.Boundary, q.Home = q.Slots/2, q.Slots/2
		}
		q.High = name
		break
	}
	high, _ := next.Edge(b)
	next.Pairs = append(next.Pairs, makePair(next.newPair(), x, high))
	return next.Index()
}

// behind is the index right behind the named member, or behind the last one.
func behind(edges []wire.Edge, after string) int {
	at := 0
	for i, e := range edges {
		if !InRing(e.State) {
			continue
		}
		at = i + 1
		if e.Name == after {
			break
		}
	}
	return at
}

// Leave takes a member X out and closes the ring over it: its pair with the
// previous member A becomes A's with the next one B. Its pair with B becomes a
// second one of A and B, which takes no new session and ends when it is empty;
// its streams are the first one's now.
//
// No boundary moves by it: what X delivered of either pair the successor delivers
// that takes X's place there, and what the other member delivered it goes on to
// deliver. All of them hold the tables (Watchers). Where X delivered nothing, home is
// where the boundary is, since nothing is to go back to a member that has gone.
func Leave(p *wire.Placement, name string) *wire.Placement {
	next := draft{Copy(p)}
	before, behind := neighbours(next.Placement, name)
	delivered := Delivers(state(p, name))
	edges := next.Edges[:0:0]
	for _, e := range next.Edges {
		if e.Name != name {
			edges = append(edges, e)
		}
	}
	next.Edges = edges
	var stays, retires wire.PairID
	pairs := next.Pairs[:0:0]
	for _, q := range next.Pairs {
		was := q
		switch {
		case q.Retiring:
		case q.High == name:
			stays = q.ID
		case q.Low == name:
			retires = q.ID
		}
		q = closedOver(q, name, before, behind)
		switch {
		case q.Low == "":
			continue // the last member is gone
		case q.High == "":
			q.Boundary, q.Home = q.Slots, q.Slots
		case !delivered && (was.Low == name || was.High == name):
			q.Home = q.Boundary
		}
		pairs = append(pairs, q)
	}
	next.Pairs = pairs
	next.Streams = reassign(next.Streams, retires, stays)
	return next.Index()
}

// closedOver is a pair when a member is out of the ring, whose neighbours there
// were before and behind: where it was high the one behind it follows, where it was
// low both neighbours do, and the pair retires.
func closedOver(q wire.Pair, gone, before, behind string) wire.Pair {
	if before == behind {
		behind = "" // one member is left
	}
	switch gone {
	case q.High:
		if q.High = behind; behind == q.Low { // of a pair that retires and whose members are no neighbours any more
			q.High = before
		}
	case q.Low:
		q.Low, q.High, q.Retiring = before, behind, true
	}
	if q.Low == q.High {
		q.High = ""
	}
	return q
}

// neighbours are the members before and behind one in the ring.
func neighbours(p *wire.Placement, name string) (before, behind string) {
	members := Members(p)
	n := len(members)
	for i, e := range members {
		if e.Name == name && n > 1 {
			return members[(i+n-1)%n].Name, members[(i+1)%n].Name
		}
	}
	return "", ""
}

// reassign gives a pair's streams to another pair.
func reassign(streams wire.Streams, from, to wire.PairID) wire.Streams {
	var places []wire.StreamPlace
	for s := range streams.All() {
		var ids []wire.PairID
		for _, id := range s.Pairs {
			if id == from {
				id = to
			}
			if id != 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if s.Pairs = ids; len(ids) > 0 {
			places = append(places, s)
		}
	}
	return wire.StreamsOf(places...)
}

// Prune ends the retiring pairs that the loads show to be empty.
func Prune(p *wire.Placement, loads []Load) *wire.Placement {
	next := Copy(p)
	pairs := next.Pairs[:0:0]
	for _, q := range next.Pairs {
		if !q.Retiring || !emptied(q.ID, loads) {
			pairs = append(pairs, q)
		}
	}
	next.Pairs = pairs
	return next.Index()
}

func emptied(id wire.PairID, loads []Load) bool {
	for _, l := range loads {
		if l.Pair == id {
			return len(l.Taken) == 0
		}
	}
	return false
}

// natural orders names by their text, numbers in them by value.
func natural(a, b string) bool {
	for a != "" && b != "" {
		if x, y := digits(a), digits(b); x > 0 && y > 0 {
			m, n := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if len(m) != len(n) {
				return len(m) < len(n)
			}
			if m != n {
				return m < n
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
