package sealedhead

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"
)

// Life of a grant, and how many an edge has at most: a balancer has one, and its former
// one.
const (
	Life       = 2 * time.Minute
	grantsMost = 64
)

// Grant is what an edge gives to a balancer, over TLS. Seconds is how long it is good.
type Grant struct {
	ID      []byte `json:"id"`
	Key     []byte `json:"key"`
	Seconds int    `json:"seconds"`
}

// Grants are those that an edge has given.
type Grants struct {
	edge string
	now  func() time.Time

	Opened  atomic.Int64 // requests
	Refused atomic.Int64 // of them: changed, played back, of nobody

	mu sync.Mutex
	by map[[idSize]byte]*grant // guarded by mu
}

type grant struct {
	*sealer
	balancer string
	allowed  func() error // whether the balancer is one still
	until    time.Time
	seen     window // guarded by Grants.mu
}

// NewGrants is for an edge of that name.
func NewGrants(edge string, now func() time.Time) *Grants {
	return &Grants{edge: edge, now: now, by: map[[idSize]byte]*grant{}}
}

// Give makes a grant for a balancer, which allowed looks at before each request that is
// opened with it.
func (g *Grants) Give(balancer string, allowed func() error) (Grant, error) {
	var id [idSize]byte
	key := make([]byte, keySize)
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	_, _ = rand.Read(key)
	s, err := newSealer(id, key, g.edge, balancer)
	if err != nil {
		return Grant{}, err
	}
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var first *grant
	for at, other := range g.by {
		switch {
		case now.After(other.until):
			delete(g.by, at)
		case first == nil || other.until.Before(first.until):
			first = other
		}
	}
	if len(g.by) >= grantsMost {
		delete(g.by, first.id)
	}
	g.by[id] = &grant{sealer: s, balancer: balancer, allowed: allowed, until: now.Add(Life)}
	return Grant{ID: id[:], Key: key, Seconds: int(Life / time.Second)}, nil
}

func (g *Grants) find(id [idSize]byte) *grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.by[id]; f != nil && !g.now().After(f.until) {
		return f
	}
	return nil
}

// Proves tells whether a balancer has sealed a request that has not been opened yet; it
// may still be.
func (g *Grants) Proves(text string) bool {
	f, number, _, err := g.look(text)
	g.mu.Lock()
	defer g.mu.Unlock()
	return err == nil && !f.seen.has(number)
}

func (g *Grants) look(text string) (f *grant, number uint64, head []byte, err error) {
	id, number, raw, err := split([]byte(text))
	if err != nil {
		return nil, 0, nil, err
	}
	if f = g.find(id); f == nil {
		return nil, 0, nil, ErrUnknown
	}
	if head, err = f.open(asking, number, raw); err != nil {
		return nil, 0, nil, err
	}
	return f, number, head, f.allowed()
}

// Open opens a request: its head, once, and what seals the answer's. The error says why
// not, and is counted.
func (g *Grants) Open(text string) (head []byte, answer Answer, err error) {
	f, number, head, err := g.look(text)
	if err == nil {
		g.mu.Lock()
		if !f.seen.take(number) {
			err = ErrReplayed
		}
		g.mu.Unlock()
	}
	if err != nil {
		g.Refused.Add(1)
		return nil, Answer{}, err
	}
	g.Opened.Add(1)
	return head, Answer{f.sealer, number}, nil
}

// Answer seals the head of the answer to one request.
type Answer struct {
	by     *sealer
	number uint64
}

// Append appends a head, sealed.
func (a Answer) Append(dst, head []byte) []byte { return a.by.seal(dst, answering, a.number, head) }
