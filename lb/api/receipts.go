package api

import (
	"slices"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// keepLives bounds the edges' lives of which takeovers are counted; the
// placement keeps the receipts of fewer deaths. Of each life so many of the last
// seconds are kept in which there were any.
const (
	keepLives   = 512
	keepSeconds = 64
)

// beforeNoticed is how long before a death was noticed its responses may have failed:
// another balancer may have noticed it first, and later than this one, by a clock that
// is not quite the same. What a life lived through earlier was not its death.
const beforeNoticed = 3 * time.Second

// lived is what the responses in hand lived through in one second of an edge's life.
type lived struct {
	second                    int64 // Unix
	finished, broken, longest int64 // longest in milliseconds
}

// Receipts adds to each death what only this balancer knows of it.
type Receipts struct {
	mu    sync.Mutex
	lives map[ring.Life][]lived // the oldest first; guarded by mu
	order []ring.Life           // the oldest first; guarded by mu
}

// NewReceipts has none.
func NewReceipts() *Receipts { return &Receipts{lives: map[ring.Life][]lived{}} }

// Moved notes how a response of that life of an edge, which failed under it, went on.
func (r *Receipts) Moved(life ring.Life, now time.Time, gap time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seconds, known := r.lives[life]
	if !known {
		if len(r.order) >= keepLives {
			delete(r.lives, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, life)
	}
	if n := len(seconds); n == 0 || seconds[n-1].second != now.Unix() {
		if n >= keepSeconds {
			seconds = slices.Delete(seconds, 0, 1)
		}
		seconds = append(seconds, lived{second: now.Unix()})
	}
	l := &seconds[len(seconds)-1]
	if ok {
		l.finished++
		l.longest = max(l.longest, gap.Milliseconds())
	} else {
		l.broken++
	}
	r.lives[life] = seconds
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
		d := &deaths[i]
		since := time.UnixMilli(d.Noticed).Add(-beforeNoticed).Unix()
		for _, l := range r.lives[ring.Life{Edge: d.Edge, Incarnation: d.Incarnation}] {
			if l.second >= since {
				d.Finished, d.Broken, d.LongestGap = d.Finished+l.finished, d.Broken+l.broken, max(d.LongestGap, l.longest)
			}
		}
		if d.Boundaries == nil {
			d.Boundaries = []wire.BoundaryMove{}
		}
	}
	return deaths
}
