package lb

import (
	"slices"
	"sync"

	"tandem/internal/wire"
	"tandem/lb/proxy"
)

// keepLives bounds the edges' lives of which takeovers are counted; the
// placement keeps the receipts of fewer deaths.
const keepLives = 512

// lived is what the responses in hand lived through at one life of an edge.
type lived struct {
	finished, broken, longest int64 // longest in milliseconds
}

// receipts adds to each death what only this balancer knows of it.
type receipts struct {
	mu    sync.Mutex
	lives map[edgeLife]*lived // guarded by mu
	order []edgeLife          // the oldest first; guarded by mu
}

func newReceipts() *receipts { return &receipts{lives: map[edgeLife]*lived{}} }

func (r *receipts) moved(life edgeLife, t proxy.Takeover) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lives[life]
	if l == nil {
		if len(r.order) >= keepLives {
			delete(r.lives, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		l = &lived{}
		r.lives[life] = l
		r.order = append(r.order, life)
	}
	if t.OK {
		l.finished++
		l.longest = max(l.longest, t.Gap.Milliseconds())
	} else {
		l.broken++
	}
}

// list is the receipts of all deaths, newest first.
func (r *receipts) list(deaths []wire.Receipt) []wire.Receipt {
	if deaths == nil {
		deaths = []wire.Receipt{} // a list in JSON, not null
	}
	slices.Reverse(deaths)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range deaths {
		if l := r.lives[edgeLife{deaths[i].Edge, deaths[i].Incarnation}]; l != nil {
			deaths[i].Finished, deaths[i].Broken, deaths[i].LongestGap = l.finished, l.broken, l.longest
		}
		if deaths[i].Boundaries == nil {
			deaths[i].Boundaries = []wire.BoundaryMove{}
		}
	}
	return deaths
}
