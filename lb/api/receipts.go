package api

import (
	"slices"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// keepLives bounds the edges' lives of which takeovers are counted; the
// placement keeps the receipts of fewer deaths.
const keepLives = 512

// lived is what the responses in hand lived through at one life of an edge.
type lived struct {
	finished, broken, longest int64 // longest in milliseconds
}

// Receipts adds to each death what only this balancer knows of it.
type Receipts struct {
	mu    sync.Mutex
	lives map[ring.Life]*lived // guarded by mu
	order []ring.Life          // the oldest first; guarded by mu
}

// NewReceipts has none.
func NewReceipts() *Receipts { return &Receipts{lives: map[ring.Life]*lived{}} }

// Moved notes how a response of that life of an edge went on.
func (r *Receipts) Moved(life ring.Life, gap time.Duration, ok bool) {
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
	if ok {
		l.finished++
		l.longest = max(l.longest, gap.Milliseconds())
	} else {
		l.broken++
	}
}

// list is the receipts of all deaths, newest first.
func (r *Receipts) list(deaths []wire.Receipt) []wire.Receipt {
	if deaths == nil {
		deaths = []wire.Receipt{} // a list in JSON, not null
	}
	slices.Reverse(deaths)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range deaths {
		if l := r.lives[ring.Life{Edge: deaths[i].Edge, Incarnation: deaths[i].Incarnation}]; l != nil {
			deaths[i].Finished, deaths[i].Broken, deaths[i].LongestGap = l.finished, l.broken, l.longest
		}
		if deaths[i].Boundaries == nil {
			deaths[i].Boundaries = []wire.BoundaryMove{}
		}
	}
	return deaths
}
