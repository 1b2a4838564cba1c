package budget

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"tandem/internal/wire"
)

// maxRated bounds the clients that a rate limit knows; beyond, who has most left is
// forgotten.
const maxRated = 20_000

// toldPart is what part of its budget a client has to have spent here until others are
// told of it.
const toldPart = 64

// Rate bounds what each client may do a minute, all of it at once if it likes. What a
// client has spent fades: in a minute to 1/e of what it was, so that who spends steadily has spent
// a minute's worth. Where several processes count the same clients each tells the others
// what they have spent there (Told, Heard): the budget is one.
type Rate struct {
	each int // a minute; 0: any number
	now  func() time.Time

	mu        sync.Mutex
	buckets   map[string]bucket // by client; guarded by mu, as below
	elsewhere map[string]bucket // what others have told
}

type bucket struct {
	spent float64 // at
	at    time.Time
}

// left is what of it has not faded.
func (b bucket) left(now time.Time) float64 {
	return b.spent * math.Exp(-max(0, now.Sub(b.at).Minutes()))
}

// NewRate bounds a client to so many a minute; 0: any number.
func NewRate(each int, now func() time.Time) *Rate {
	return &Rate{each: each, now: now, buckets: map[string]bucket{}, elsewhere: map[string]bucket{}}
}

// Left tells whether a client has something left.
func (l *Rate) Left(address string) bool {
	if l.each == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	client, now := wire.ClientOf(address), l.now()
	return l.buckets[client].left(now)+l.elsewhere[client].left(now)+1 <= float64(l.each)
}

// Spend takes so much from what a client has left.
func (l *Rate) Spend(address string, n int) {
	if l.each == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	client, now := wire.ClientOf(address), l.now()
	b, known := l.buckets[client]
	if !known && len(l.buckets) >= maxRated {
		l.forget(now)
	}
	l.buckets[client] = bucket{b.left(now) + float64(n), now}
}

// Told is what the clients have spent here that have spent most, by client: of those who
// have spent a part worth telling, so many at most.
func (l *Rate) Told(most int) map[string]float64 {
	if l.each == 0 {
		return nil
	}
	l.mu.Lock()
	now, told := l.now(), map[string]float64{}
	for client, b := range l.buckets {
		if spent := b.left(now); spent >= max(1, float64(l.each)/toldPart) {
			told[client] = spent
		}
	}
	l.mu.Unlock()
	return heaviest(told, most)
}

// heaviest are those of the highest figures, so many at most.
func heaviest(of map[string]float64, most int) map[string]float64 {
	if len(of) <= most {
		return of
	}
	order := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Compare(of[b], of[a]) })
	for _, client := range order[most:] {
		delete(of, client)
	}
	return of
}

// Heard takes what clients have spent at all others together, as of now. What was heard
// before fades like what was spent here, and is never less than is true: the more of both
// counts, whoever tells it and however often.
func (l *Rate) Heard(spent map[string]float64) {
	if l.each == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for client, b := range l.elsewhere {
		if b.left(now) < 1 {
			delete(l.elsewhere, client)
		}
	}
	for client, n := range spent {
		if b, known := l.elsewhere[client]; (known || len(l.elsewhere) < maxRated) && n > b.left(now) {
			l.elsewhere[client] = bucket{n, now}
		}
	}
}

// forget drops those that have all left again; where none has, the one of a few that
// has most left. It needs mu.
func (l *Rate) forget(now time.Time) {
	const few = 64
	seen, most, least := 0, "", math.Inf(1)
	for client, b := range l.buckets {
		spent := b.left(now)
		if spent < 1 {
			delete(l.buckets, client)
			return
		}
		if spent < least {
			most, least = client, spent
		}
		if seen++; seen == few {
			break
		}
	}
	delete(l.buckets, most)
}
