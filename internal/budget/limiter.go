package budget

import "sync"

// Limiter counts connections, in all and by client: what there are of them is bounded,
// before a byte is read.
type Limiter struct {
	clientOf func(address string) string

	mu     sync.Mutex
	most   int            // guarded by mu, as all below
	each   int            // of one client
	open   int            // those that are counted
	counts map[string]int // by client
	beyond [2]int64       // connections that were one too many, in all and of one client, and no node's, since the start
}

// Place is a connection's own.
type Place struct {
	Address string
	client  string
	beyond  bool // one too many, and not counted
	each    bool // of its client
	node    bool // it has shown that it is a node's
}

// NewLimiter makes one. clientOf is what counts as one client of an address; empty: a
// proxy's, of many clients.
func NewLimiter(most, each int, clientOf func(address string) string) *Limiter {
	return &Limiter{clientOf: clientOf, most: most, each: each, counts: map[string]int{}}
}

// Enter counts a connection. False: it is one too many.
func (l *Limiter) Enter(address string) (Place, bool) {
	client := l.clientOf(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	has := l.counts[client]
	each := client != "" && has >= l.each
	full := each || l.open >= l.most || client != "" && has >= l.share()
	if !full {
		l.open++
		l.counts[client]++
	}
	return Place{Address: address, client: client, beyond: full, each: each}, !full
}

// Of what is left, where more than half is taken, a client may have so large a part, and
// always so many.
const (
	partOfRest = 8
	shareLeast = 64
)

// share is how many a client may have now: few clients that have all that one may leave
// room for many that have little (a dynamic threshold, Choudhury and Hahne 1998). Where one
// client may have more than half of all there is none. Called with mu held.
func (l *Limiter) share() int {
	if l.open <= l.most/2 || l.each > l.most/2 {
		return l.each
	}
	return min(l.each, max(shareLeast, (l.most-l.open)/partOfRest))
}

// Node notes that a connection is a node's: no budget is meant for those.
func (p *Place) Node() { p.node = true }

// Leave takes a connection out of the count.
func (l *Limiter) Leave(p *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p.beyond && !p.node && p.each:
		l.beyond[1]++
	case p.beyond && !p.node:
		l.beyond[0]++
	case !p.beyond:
		l.open--
		if l.counts[p.client]--; l.counts[p.client] <= 0 {
			delete(l.counts, p.client)
		}
	}
}

// Limit changes how many there may be; who is there already stays.
func (l *Limiter) Limit(most, each int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most, l.each = most, each
}

// Limited is how many there may be, in all and of one client.
func (l *Limiter) Limited() [2]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return [2]int{l.most, l.each}
}

// Open counts those that are open.
func (l *Limiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Beyond counts those that were one too many.
func (l *Limiter) Beyond() int64 {
	all, each := l.BeyondEach()
	return all + each
}

// BeyondEach is Beyond in two: those that were one too many in all, and of one client.
func (l *Limiter) BeyondEach() (all, each int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beyond[0], l.beyond[1]
}
