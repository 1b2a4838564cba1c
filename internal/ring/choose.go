package ring

import (
	"slices"

	"tandem/internal/wire"
)

// Ways to choose among the edges that store a stream; both are the document's.
const (
	ChooseLeast = "least" // claims 2-4: of all that store it, over all its pairs, the least loaded
	ChooseFirst = "first" // the flow chart S101-S132: the first pair with room, its low member first
)

// What a new stream may be given to while an edge is missing.
const (
	FailSafeRoom   = "room"   // others first; an edge that stands in where another death would still be survived, else where nobody goes above capacity
	FailSafeStrict = "strict" // claims 12, 13: no edge that stands in, nor its pairs
)

// DefaultHotShare is the share of its limit, in percent, from which a pair's streams
// go to one more pair.
const DefaultHotShare = 50

// Rules are how viewers are admitted, by the settings of the balancers. The zero value
// is the default but for HotShare: 0 is no spreading.
type Rules struct {
	Choose   string // ChooseLeast when empty
	FailSafe string // FailSafeRoom when empty
	HotShare int    // percent of the pairs' limits; only with ChooseLeast
}

// Figures is what a balancer knows of the edges when it chooses (S102, S103).
type Figures struct {
	Rules
	Delivering map[string]int      // an edge's own total: on both its tables, and spill-over
	Sum        map[wire.PairID]int // pair sums: sessions on both sides of a table
	Limits     map[string]int      // LimitsOf the placement
	Stores     map[string]bool     // the edges that say that they store this stream, or are being sent viewers of it; nil: nobody was asked, the placement is believed

	retiring []*wire.Pair    // owned by Choose, as is
	stands   map[string]bool // StandIns
}

// Choice is the answer to a viewer. Either an edge and a pair, or a reason.
type Choice struct {
	Edge   string
	Pair   wire.PairID
	Place  bool   // the stream has to be placed on the pair first (S107)
	Above  bool   // up to the edge's capacity, not only to its limit
	Reason string // refused (S111): one of wire.Reason*
}

// Choose admits a viewer of a stream and picks the edge: PATENT.md's steps 1 to
// 3 (claims 1-4, 8, 9, 12, 13). It is pure: the same placement and figures give
// the same choice on every balancer and in the simulator.
func Choose(p *wire.Placement, f Figures, stream string) Choice {
	placed := pairsOf(p, stream) // S101-S103: who stores this stream?
	f.stands = StandIns(p)
	for i := range p.Pairs {
		if p.Pairs[i].Retiring {
			f.retiring = append(f.retiring, &p.Pairs[i])
		}
	}
	choice, hot := Choice{}, false
	if f.Choose == ChooseFirst {
		choice = first(p, f, placed)
	} else {
		choice, hot = least(p, f, placed)
	}
	switch {
	case hot: // its pairs have much to do: one that has less takes it too
		if more, ok := spread(p, f, placed); ok {
			return more
		}
	case choice.Edge == "":
		return place(p, f, placed)
	}
	return choice
}

// pairsOf are the pairs on which a stream is placed, smallest number first.
func pairsOf(p *wire.Placement, stream string) []*wire.Pair {
	var pairs []*wire.Pair
	for _, id := range p.Stream(stream) {
		if q, ok := p.Pair(id); ok && !q.Retiring {
			pairs = append(pairs, q)
		}
	}
	slices.SortFunc(pairs, func(a, b *wire.Pair) int { return int(a.ID) - int(b.ID) })
	return pairs
}

// first is the flow chart's way (S121-S132). A pair of which neither member says
// that it stores the stream is passed by.
func first(p *wire.Placement, f Figures, placed []*wire.Pair) Choice {
	for _, q := range placed { // S121: smallest number first
		if !f.stores(q.Low) && !f.stores(q.High) {
			continue
		}
		if f.open(p, q, q.Low) { // S122, S128: the pair sum under MAX; S123: the edge's total under its limit
			return Choice{Edge: q.Low, Pair: q.ID} // S124; the notices of S126 follow from the table
		}
		if f.open(p, q, q.High) { // S129
			return Choice{Edge: q.High, Pair: q.ID} // S130, S132
		}
		// S125, S127: on to the next pair, and after the last to step 2
	}
	return Choice{}
}

// least is the claims' way: of all edges that store the stream, in whichever of its
// pairs, the one that delivers least; of equals the one in the pair with the smaller
// sum, and then the first. hot: all its pairs have a share of their limits or more.
func least(p *wire.Placement, f Figures, placed []*wire.Pair) (best Choice, hot bool) {
	hot = f.HotShare > 0
	for _, q := range placed {
		hot = hot && f.busy(p, q, placed)
		for _, edge := range []string{q.Low, q.High} {
			if !f.stores(edge) || !f.open(p, q, edge) {
				continue
			}
			n, m := f.Delivering[edge], f.Delivering[best.Edge]
			if best.Edge == "" || n < m || n == m && f.Sum[q.ID] < f.Sum[best.Pair] {
				best = Choice{Edge: edge, Pair: q.ID}
			}
		}
	}
	return best, hot && best.Edge != ""
}

// busy tells whether a pair keeps its stream from no further one: it has the share of its
// limit, or serves the stream no more than its other pairs do.
func (f *Figures) busy(p *wire.Placement, q *wire.Pair, placed []*wire.Pair) bool {
	others := slices.DeleteFunc(slices.Clone(placed), func(o *wire.Pair) bool { return o == q })
	return f.share(p, q) >= f.HotShare || !adds(p, q, others)
}

// adds tells whether a pair has anything for a stream that is on others: both its members
// get viewers, or the one that does, while the other is drained, say, is in none of those.
func adds(p *wire.Placement, q *wire.Pair, placed []*wire.Pair) bool {
	return usable(p, q.Low) && usable(p, q.High) || brings(p, q, placed)
}

// brings tells whether a member of a pair gets viewers and is in none of these.
func brings(p *wire.Placement, q *wire.Pair, placed []*wire.Pair) bool {
	return slices.ContainsFunc([]string{q.Low, q.High}, func(edge string) bool {
		return usable(p, edge) && !slices.ContainsFunc(placed, func(o *wire.Pair) bool { return o.Low == edge || o.High == edge })
	})
}

// spread is one more pair for a stream whose pairs are busy: the one whose members have
// the least to do, of those that are clearly less busy and add something. Pairs that are about as busy
// get no copy, or in a cluster that is half full every stream would come to be everywhere;
// its own pairs are busy.
func spread(p *wire.Placement, f Figures, placed []*wire.Pair) (Choice, bool) {
	best, least := Choice{}, 0
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if !adds(p, q, placed) || !f.open(p, q, q.Low) || 5*f.share(p, q) > 4*f.HotShare || f.standsIn(q) {
			continue
		}
		if n := f.Delivering[q.Low] + f.Delivering[q.High]; best.Edge == "" || n < least {
			best, least = Choice{Edge: q.Low, Pair: q.ID, Place: true}, n
		}
	}
	return best, best.Edge != ""
}

// place is step 2: nobody that stores the stream has room, so the edge with the
// fewest sessions gets it, together with its next (S104-S110); where no edge can do
// that, together with its previous one, since its pair with the next may be full. A
// pair on which the stream is placed already, though nobody says that it stores it, is
// as good as any.
func place(p *wire.Placement, f Figures, placed []*wire.Pair) Choice {
	reason := wire.ReasonNoEdge
	for _, member := range []func(*wire.Pair) string{lowOf, highOf} {
		best, bestOf := Choice{}, refused
		for i := range p.Pairs { // S104: the fewest sessions; of equals the first in the ring
			q := &p.Pairs[i]
			edge := member(q)
			if q.Retiring || !usable(p, edge) {
				continue
			}
			known := slices.Contains(placed, q)
			order, why := f.order(p, q, edge)
			if known && (f.stores(edge) || f.Choose == ChooseFirst && (f.stores(q.Low) || f.stores(q.High))) {
				order, why = refused, wire.ReasonCluster // it stores the stream and has no room
			}
			if reason != wire.ReasonFailSafe {
				reason = why // counts where all are refused
			}
			if order < bestOf || order == bestOf && f.Delivering[edge] < f.Delivering[best.Edge] {
				best, bestOf = Choice{Edge: edge, Pair: q.ID, Place: !known, Above: order == crowded}, order
			}
		}
		if best.Edge != "" {
			return best // S106
		}
	}
	return Choice{Reason: reason} // S111
}

func lowOf(q *wire.Pair) string  { return q.Low }
func highOf(q *wire.Pair) string { return q.High }

// Who gets a new stream before whom.
const (
	whole   = iota // nobody of the pair stands in for a missing edge
	safe           // somebody does, and one more death would be survived all the same
	crowded        // nor that, but nobody goes above capacity
	refused        // not at all
)

// order says when a pair gets a new stream that this member delivers, or why it does
// not.
func (f *Figures) order(p *wire.Placement, q *wire.Pair, edge string) (order int, why string) {
	stands := f.standsIn(q)
	switch e, _ := p.Edge(edge); {
	case !stands && f.open(p, q, edge): // S105
		return whole, ""
	case !stands:
		return refused, wire.ReasonCluster
	case f.FailSafe == FailSafeStrict: // claims 12, 13: neither it nor its pair gets a new stream
		return refused, wire.ReasonFailSafe
	case f.open(p, q, edge) && f.survives(p):
		return safe, ""
	case !f.full(p, q) && f.Delivering[edge] < e.Capacity:
		return crowded, ""
	}
	return refused, wire.ReasonFailSafe
}

// survives tells whether, with one session more, any one living edge might die.
func (f *Figures) survives(p *wire.Placement) bool {
	room, largest, sessions := 0, 0, 1
	for _, e := range p.Edges {
		if Delivers(e.State) {
			room += e.Capacity
			largest = max(largest, e.Capacity)
		}
	}
	for i := range p.Pairs {
		sessions += f.Sum[p.Pairs[i].ID]
	}
	return sessions <= room-largest
}

func (f *Figures) stores(edge string) bool { return f.Stores == nil || f.Stores[edge] }

// open tells whether a member of a pair may be given one more session in it.
func (f *Figures) open(p *wire.Placement, q *wire.Pair, edge string) bool {
	return !q.Retiring && usable(p, edge) && !f.full(p, q) && f.Delivering[edge] < f.Limits[edge]
}

// share is how many percent of its limit a pair has.
func (f *Figures) share(p *wire.Placement, q *wire.Pair) int {
	return 100 * f.Sum[q.ID] / max(PairLimit(p, q), 1)
}

// full tells whether a pair may get no further session (claims 8, 9). What its members
// share in a pair that retires counts, since the death of one leads that to the other
// as well.
func (f *Figures) full(p *wire.Placement, q *wire.Pair) bool {
	sum := f.Sum[q.ID]
	for _, r := range f.retiring {
		if r.Low == q.Low && r.High == q.High || r.Low == q.High && r.High == q.Low {
			sum += f.Sum[r.ID]
		}
	}
	return sum >= PairLimit(p, q)
}

func usable(p *wire.Placement, edge string) bool {
	e, ok := p.Edge(edge)
	return ok && Opens(e.State)
}

// standsIn tells whether one of a pair's members is missing or delivers for a
// missing one.
func (f *Figures) standsIn(q *wire.Pair) bool {
	return f.stands[q.Low] || f.stands[q.High] // of one that is missing the other stands in
}
