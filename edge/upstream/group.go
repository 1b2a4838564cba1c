package upstream

import (
	"hash/fnv"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/wire"
)

// Defaults of a group.
const (
	defaultConnect = 2 * time.Second
	defaultNext    = 2 * time.Second
	defaultHung    = 4 * time.Second        // for one that is alone
	probeNext      = 300 * time.Millisecond // the same for a server that failed lately
	defaultAge     = 5 * time.Minute
)

// What tries beyond the first may add: a tenth of the requests, and a few at once.
const (
	budgetMost = 20.0
	budgetEach = 0.1
)

// group is one upstream: servers that hold the same.
type group struct {
	u       *Upstreams
	config  wire.Upstream
	servers []*server
	next    time.Duration // after how long without a head the next server is asked as well
	hung    time.Duration // the same where there is one server
	budget  budget

	mu      sync.Mutex
	strange map[string]*server // that redirects lead to; guarded by mu
}

func newGroup(u *Upstreams, c wire.Upstream) (*group, error) {
	g := &group{u: u, config: c, budget: budget{left: budgetMost}}
	g.next = min(c.Next.Or(defaultNext), u.cfg.HeadTimeout/2)
	g.hung = min(c.Next.Or(defaultHung), u.cfg.HeadTimeout/2)
	for i := range c.Servers {
		s, err := newServer(g, &c.Servers[i])
		if err != nil {
			return nil, err
		}
		g.servers = append(g.servers, s)
	}
	return g, nil
}

func (g *group) close() {
	for _, s := range g.servers {
		s.close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.strange {
		s.close()
	}
}

// candidate is a server to be tried, and after how long without a head the next
// one is asked as well.
type candidate struct {
	*server
	next  time.Duration
	again bool // it is the same server once more
}

// candidates are the servers in the order in which they are tried: those that are
// well, backups behind the others; a server that failed has one request to prove
// itself when its time is up; those that are not well come last.
func (g *group) candidates(target string) []candidate {
	if len(g.servers) == 1 {
		return []candidate{{server: g.servers[0], next: g.hung}}
	}
	now := g.u.deps.Now()
	var well, backup, ill []candidate
	for _, s := range g.order(target) {
		c := candidate{server: s, next: g.next}
		state := s.health.take(now)
		if state != fine {
			c.next = min(probeNext, g.next)
		}
		switch {
		case state == ailing:
			ill = append(ill, c)
		case s.backup:
			backup = append(backup, c)
		default:
			well = append(well, c)
		}
	}
	return append(append(well, backup...), ill...)
}

// ordered are candidates in the order that a request wants.
func (r *Request) ordered(all []candidate) []candidate {
	rank := func(c candidate) int {
		switch at := c.base.Scheme + "://" + c.base.Host; at {
		case r.First:
			return -1
		case r.Last:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return rank(a) - rank(b) })
	return all
}

// order is the policy's.
func (g *group) order(target string) []*server {
	if g.config.Policy != wire.UpstreamSpread {
		return g.servers
	}
	where, _, _ := strings.Cut(target, "?")
	where = path.Dir(where)
	all := slices.Clone(g.servers)
	weight := func(s *server) uint64 { // rendezvous: one that goes moves only its own
		h := fnv.New64a()
		_, _ = h.Write([]byte(s.name + "\x00" + where))
		return mixed(h.Sum64())
	}
	slices.SortStableFunc(all, func(a, b *server) int {
		if x, y := weight(a), weight(b); x != y {
			if x > y {
				return -1
			}
			return 1
		}
		return 0
	})
	return all
}

// mixed spreads what FNV leaves alike in the high bits (the finisher of MurmurHash3).
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// budget bounds tries beyond the first.
type budget struct {
	mu   sync.Mutex
	left float64 // guarded by mu
}

// earn is called for each request.
func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+budgetEach, budgetMost)
}

// spend takes one try. False: there is none left.
func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
