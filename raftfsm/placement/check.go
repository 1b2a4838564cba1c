package placement

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Check walks the truths of doc.go that a state alone can show.
func (s *State) Check() error {
	p := s.placement
	if err := p.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	for _, check := range []func(*wire.Placement) error{checkEdges, checkRing, checkSides, checkStreams, checkLists} {
		if err := check(p); err != nil {
			return err
		}
	}
	if err := s.secrets.check(p); err != nil {
		return err
	}
	if len(s.tallies.Rows) > MaxBalancers || !slices.IsSortedFunc(s.tallies.Rows, func(a, b balancerCounts) int { return strings.Compare(a.Name, b.Name) }) {
		return Broken("the counts of %d balancers, or out of order", len(s.tallies.Rows))
	}
	r := &s.record
	if len(r.history) > keepHistory || len(r.deaths) > keepDeaths || len(r.audited) > keepAudited || len(r.answers) > keepAnswers || len(r.byID) != len(r.answers) {
		return Broken("the record holds %d events, %d deaths, %d answers by %d ids", len(r.history), len(r.deaths), len(r.answers), len(r.byID))
	}
	return nil
}

func Broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
}

func checkEdges(p *wire.Placement) error {
	joining := false
	for _, e := range p.Edges {
		switch e.State {
		case wire.EdgeJoining, wire.EdgePending:
			joining = true
		case wire.EdgeRecovering, wire.EdgeUp, wire.EdgeDraining, wire.EdgeLeaving, wire.EdgeDown:
			if joining {
				return Broken("edge %s stands behind a joining one", e.Name)
			}
		default:
			return Broken("edge %s has the state %q", e.Name, e.State)
		}
		if err := checkEdge(&e); err != nil {
			return fmt.Errorf("%w: %w", ErrState, err)
		}
		if e.State == wire.EdgeLeaving && !e.Removing || e.Removing && (e.State == wire.EdgeUp || !ring.InRing(e.State)) {
			return Broken("edge %s is %s, removing: %v", e.Name, e.State, e.Removing)
		}
		if e.Asks != 0 && (e.Asks <= e.Capacity || !ring.InRing(e.State)) {
			return Broken("edge %s has %d and asks for %d", e.Name, e.Capacity, e.Asks)
		}
		if e.Since > p.Version {
			return Broken("edge %s is %s since version %d of %d", e.Name, e.State, e.Since, p.Version)
		}
	}
	if len(p.Edges) > MaxEdges || p.Streams.Len() > MaxStreams || len(p.Balancers) > MaxBalancers || len(p.Purges) > keepPurges {
		return Broken("%d edges, %d streams, %d balancers, %d purges", len(p.Edges), p.Streams.Len(), len(p.Balancers), len(p.Purges))
	}
	return nil
}

// checkRing: each member is the low one of exactly one pair that is not
// retiring, and the next member is the high one of it.
func checkRing(p *wire.Placement) error {
	members := ring.Members(p)
	high := make(map[string]string, len(members))
	for i, e := range members {
		if len(members) > 1 {
			high[e.Name] = members[(i+1)%len(members)].Name
		} else {
			high[e.Name] = ""
		}
	}
	low := make(map[string]bool, len(members))
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.ID == 0 || q.ID >= p.NextPair {
			return Broken("pair %d, the next is %d", q.ID, p.NextPair)
		}
		want, member := high[q.Low]
		if !member {
			return Broken("pair %d: %s is no member of the ring", q.ID, q.Low)
		}
		if q.High == q.Low {
			return Broken("pair %d: %s is both members", q.ID, q.Low)
		}
		if q.Retiring {
			continue
		}
		if q.High != want || low[q.Low] {
			return Broken("pair %d is (%s, %s), the ring has (%s, %s) once", q.ID, q.Low, q.High, q.Low, want)
		}
		low[q.Low] = true
	}
	if len(low) != len(members) {
		return Broken("%d members, %d pairs that are not retiring", len(members), len(low))
	}
	return nil
}

// checkSides: a pair with one living member is that member's, and slots are given
// only to others.
func checkSides(p *wire.Placement) error {
	for i := range p.Pairs {
		q := &p.Pairs[i]
		low, _ := p.Edge(q.Low)
		high, _ := p.Edge(q.High)
		l, h := ring.Delivers(low.State), ring.Delivers(high.State)
		switch {
		case l && !h && q.Boundary != q.Slots, h && !l && q.Boundary != 0:
			return Broken("pair %d (%s %s, %s %s): boundary %d of %d", q.ID, q.Low, low.State, q.High, high.State, q.Boundary, q.Slots)
		}
		for _, a := range q.Adopted {
			if a.Edge == q.Low || a.Edge == q.High || a.From >= a.To || a.To > q.Slots {
				return Broken("pair %d of %d slots gives %d to %d to %s", q.ID, q.Slots, a.From, a.To, a.Edge)
			}
		}
	}
	return nil
}

func checkStreams(p *wire.Placement) error {
	last := ""
	for s := range p.Streams.All() {
		if last >= s.Stream {
			return Broken("stream %q stands behind %q", s.Stream, last)
		}
		last = s.Stream
		if len(s.Pairs) == 0 {
			return Broken("stream %q is on no pair", s.Stream)
		}
		seen := map[wire.PairID]bool{}
		for _, id := range s.Pairs {
			q, _ := p.Pair(id)
			if q == nil || q.Retiring || seen[id] {
				return Broken("stream %q: pair %d is unknown, retiring or there twice", s.Stream, id)
			}
			seen[id] = true
		}
	}
	return nil
}

func checkLists(p *wire.Placement) error {
	for i := 1; i < len(p.Balancers); i++ {
		if p.Balancers[i-1].Name >= p.Balancers[i].Name {
			return Broken("balancer %s stands behind %s", p.Balancers[i].Name, p.Balancers[i-1].Name)
		}
	}
	for i := range p.Purges {
		if p.Purges[i].Seq > p.Version || i > 0 && p.Purges[i-1].Seq >= p.Purges[i].Seq {
			return Broken("purge %d is out of order", p.Purges[i].Seq)
		}
	}
	return nil
}
