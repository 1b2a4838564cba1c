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

// Receipts is what only this balancer knows of deaths, until it has told (counted.go).
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

// counts are what the responses in this balancer's hands lived through at each death of
// which there are receipts; of the others it has nothing to tell.
func (r *Receipts) counts(deaths []wire.Receipt) (counts []wire.DeathCount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range deaths {
		c := wire.DeathCount{Edge: d.Edge, Incarnation: d.Incarnation}
		since := time.UnixMilli(d.Noticed).Add(-beforeNoticed).Unix()
		for _, l := range r.lives[ring.Life{Edge: d.Edge, Incarnation: d.Incarnation}] {
			if l.second >= since {
				c.Finished, c.Broken, c.LongestGap = c.Finished+l.finished, c.Broken+l.broken, max(c.LongestGap, l.longest)
			}
		}
		if c.Finished+c.Broken > 0 {
			counts = append(counts, c)
		}
	}
	return counts
}

// newestFirst is the receipts of all deaths as they are shown.
func newestFirst(deaths []wire.Receipt) []wire.Receipt {
	if deaths == nil {
		deaths = []wire.Receipt{} // a list in JSON, not null
	}
	slices.Reverse(deaths)
	for i := range deaths {
		if deaths[i].Boundaries == nil {
			deaths[i].Boundaries = []wire.BoundaryMove{}
		}
	}
	return deaths
}
