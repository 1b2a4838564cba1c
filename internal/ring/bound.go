package ring

import "tandem/internal/wire"

// Most is how many sessions an edge may deliver already for it to be who the figures
// take it for; 0: whatever it delivers. It is for who chooses by figures that lag: an
// edge that has that many, since others have chosen it in the same moment, sends the
// opening back, and the next choice is by what it says.
//
// That many are a few more than what the next best edge has, or, where this pair is the
// one whose share keeps the stream from one more pair, as many as bring it there if the
// pair's other member gets as many meanwhile.
func Most(p *wire.Placement, f Figures, stream string, c Choice) int {
	if f.Choose == ChooseFirst || c.Edge == "" || c.Place || c.Above {
		return 0
	}
	placed, have := pairsOf(p, stream), f.Delivering[c.Edge]
	next, hot := -1, f.HotShare > 0
	for _, q := range placed {
		hot = hot && (q.ID == c.Pair || f.busy(p, q, placed))
		for _, edge := range []string{q.Low, q.High} {
			if n := f.Delivering[edge]; edge != c.Edge && f.stores(edge) && f.open(p, q, edge) && (next < 0 || n < next) {
				next = n
			}
		}
	}
	most := 0
	if next >= 0 {
		most = max(next, have) + lag(next)
	}
	if q, ok := p.Pair(c.Pair); ok && hot {
		left := (f.HotShare*PairLimit(p, q)+99)/100 - f.Sum[c.Pair]
		if _, more := spread(p, f, placed); more && left > 0 && (most == 0 || have+(left+1)/2 < most) {
			most = have + (left+1)/2
		}
	}
	return most
}

// lag is by how much figures of a moment ago may be wrong without an edge being asked
// again.
func lag(n int) int { return 2 + n/16 }
