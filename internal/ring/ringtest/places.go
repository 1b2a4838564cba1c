// Package ringtest is what tests judge a ring by: reckoned in another way than the ring
// reckons it.
//
// The package starts no goroutine.
package ringtest

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Places is how many sessions fit in all: each takes one of a pair and one of a member of
// it, and who of both delivers it can be changed. It is the least that separates what
// pairs hold from what edges deliver, looked for among all 2^edges cuts.
func Places(p *wire.Placement, limits map[string]int) int {
	least := 1 << 30
	for cut := range 1 << len(p.Edges) {
		n, in := 0, map[string]bool{}
		for i, e := range p.Edges {
			if cut>>i&1 == 1 {
				n += limits[e.Name]
				in[e.Name] = true
			}
		}
		for i := range p.Pairs {
			if q := &p.Pairs[i]; !in[q.Low] || !in[q.High] {
				n += ring.PairLimit(p, q)
			}
		}
		least = min(least, n)
	}
	return least
}
