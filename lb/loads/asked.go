package loads

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tandem/internal/wire"
)

// Asked is what the edges but one have asked of origins for clients, by their latest
// reports, of those clients for whom it was most: budgets are one for all edges. It fades
// as what edges count does (budget.Rate).
func (l *Loads) Asked(but string, now time.Time) []wire.Asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums := map[string]wire.Asked{}
	for name, h := range l.heard {
		if name == but || len(h.report.Asked) == 0 {
			continue
		}
		left := math.Exp(-max(0, now.Sub(h.at).Minutes()))
		for _, a := range h.report.Asked {
			sum := sums[a.Client]
			sums[a.Client] = wire.Asked{Client: a.Client, Misses: sum.Misses + left*a.Misses, Renewals: sum.Renewals + left*a.Renewals}
		}
	}
	var asked []wire.Asked
	for _, a := range sums {
		if max(a.Misses, a.Renewals) >= 1 {
			asked = append(asked, a)
		}
	}
	slices.SortFunc(asked, func(a, b wire.Asked) int {
		return cmp.Or(cmp.Compare(max(b.Misses, b.Renewals), max(a.Misses, a.Renewals)), cmp.Compare(a.Client, b.Client))
	})
	return asked[:min(len(asked), wire.MaxAsked)]
}
