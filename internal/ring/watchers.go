package ring

import (
	"slices"

	"tandem/internal/wire"
)

// Watchers are the edges that hold a pair's session table or are being given it,
// in ring order: its members; those who will be its members when one that leaves,
// or that is dead and being taken out, is gone; the edge that joins behind its low
// member; those to whom slots of it are given. Whoever delivers slots of the pair
// tells all the others, so that each holds the whole table before the commit that
// needs it there (figure 15, step 2). A member that is down watches nothing: where one
// edge alone is left that holds the table, the next living one in the ring is told it
// too, who is asked when that one fails (Route), and has it should that one die as well.
//
// An edge to which slots are given by a death becomes a watcher by that very commit:
// whoever held the table tells it once more, since it is told itself for as long as it may
// be the only one (Told), and a token names its session until then.
func Watchers(p *wire.Placement, pair *wire.Pair) []string {
	holds := holders(p, pair)
	for _, a := range pair.Adopted {
		holds = append(holds, a.Edge)
	}
	watch := inOrder(p, holds)
	if len(watch) == 1 {
		if next := another(p, watch[0]); next != "" {
			watch = inOrder(p, append(watch, next))
		}
	}
	return watch
}

// Told are the edges that are told a pair's session table: its watchers, and its keepers
// where they are none. Nobody waits for such a spare one.
func Told(p *wire.Placement, pair *wire.Pair) []string {
	told := Watchers(p, pair)
	for _, name := range keepers(p, pair) {
		if !slices.Contains(told, name) {
			told = append(told, name)
		}
	}
	return told
}

// tellers is how many edges that stay have a pair's table at least, where there are as many.
const tellers = 3

// keepers are the edges that keep a pair's table: its members, and from its place in the
// ring on every living edge until three of all these stay (stays).
//
// Two that die at once, as neighbours on one host do, so take no table with them, whatever
// was committed in that moment: of any placement that one command more leads to, the keepers
// are among these but for the first one behind a death. Who drains or is resumed is one of
// the three before and after; who leaves is one beside them, and so is who returns or joins,
// which have it when they count. By a death the three move on by one: that one of them who
// lives stays a keeper, whomever Settle gives the slots to, until it has told them.
func keepers(p *wire.Placement, pair *wire.Pair) []string {
	var keep []string
	staying := 0
	take := func(e wire.Edge) {
		if e.State != wire.EdgeDown && e.State != wire.EdgePending && !slices.Contains(keep, e.Name) {
			if keep = append(keep, e.Name); stays(e) {
				staying++
			}
		}
	}
	last := pair.Low
	for _, member := range []string{pair.Low, pair.High} {
		if e, ok := p.Edge(member); ok {
			last = member
			take(e)
		}
	}
	n, at := len(p.Edges), slices.IndexFunc(p.Edges, func(e wire.Edge) bool { return e.Name == last })
	joining := joiners(p)
	for i := 0; i < n && staying < tellers; i++ {
		if e := p.Edges[(at+i+n)%n]; InRing(e.State) {
			take(e)
			for _, x := range joining[e.Name] {
				take(x)
			}
		}
	}
	return keep
}

// stays tells whether an edge that is told a table keeps it until it dies: it holds what it
// has to, and does not leave.
func stays(e wire.Edge) bool { return HasCopy(e.State) && !Goes(e) }

// joiners are the edges that join, by the member behind which they will stand.
func joiners(p *wire.Placement) map[string][]wire.Edge {
	var of map[string][]wire.Edge
	for _, e := range p.Edges {
		if e.State == wire.EdgeJoining {
			if of == nil {
				of = map[string][]wire.Edge{}
			}
			at := joinsBehind(p, e)
			of[at] = append(of[at], e)
		}
	}
	return of
}

// holders are the edges that have or copy a pair's content: its watchers but for
// those that were only given slots, or are told the table of one who is alone: they fill
// from the origin.
func holders(p *wire.Placement, pair *wire.Pair) []string {
	holds := []string{pair.Low, pair.High}
	for _, member := range []string{pair.Low, pair.High} {
		if e, ok := p.Edge(member); ok && Goes(e) {
			before, behind := neighbours(p, member)
			after := closedOver(*pair, member, before, behind)
			holds = append(holds, after.Low, after.High)
		}
	}
	if pair.Retiring {
		return holds
	}
	for _, e := range p.Edges {
		if e.State == wire.EdgeJoining && joinsBehind(p, e) == pair.Low {
			holds = append(holds, e.Name)
		}
	}
	return holds
}

// Holders are the edges that have or copy a pair's content and are not down, in ring
// order.
func Holders(p *wire.Placement, pair *wire.Pair) []string { return inOrder(p, holders(p, pair)) }

// inOrder are the edges of these names that are not down, each once, in ring order.
func inOrder(p *wire.Placement, names []string) []string {
	var list []string
	for _, e := range p.Edges {
		if e.State != wire.EdgeDown && slices.Contains(names, e.Name) {
			list = append(list, e.Name)
		}
	}
	return list
}

// Goes tells whether an edge is on its way out of the ring, while its successors
// are given what they will need.
func Goes(e wire.Edge) bool {
	return e.Removing || e.State == wire.EdgeLeaving
}

// joinsBehind is the member behind which a joining edge will stand, "" in an empty
// ring.
func joinsBehind(p *wire.Placement, e wire.Edge) string {
	if at := behind(p.Edges, e.After); at > 0 {
		return p.Edges[at-1].Name
	}
	return ""
}

// Copies are the pairs whose content an edge has to hold, each with those that
// can be asked for it, low member first.
func Copies(p *wire.Placement, edge string) []CopyOf {
	var copies []CopyOf
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if !slices.Contains(holders(p, q), edge) {
			continue
		}
		c := CopyOf{Pair: q.ID}
		for _, member := range []string{q.Low, q.High} {
			if member != edge && HasCopy(state(p, member)) {
				c.From = append(c.From, member)
			}
		}
		copies = append(copies, c)
	}
	return copies
}

// CopyOf is content of a pair and who has it.
type CopyOf struct {
	Pair wire.PairID
	From []string
}

// Successors are the edges that must hold the content and the tables of one that goes
// before it is out of the ring.
func Successors(p *wire.Placement, leaving string) []string {
	before, behind := neighbours(p, leaving)
	var successors []string
	for _, name := range []string{before, behind} {
		if name != "" && HasCopy(state(p, name)) && !slices.Contains(successors, name) {
			successors = append(successors, name)
		}
	}
	return successors
}
