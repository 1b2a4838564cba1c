package placement

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"tandem/internal/wire"
)

// How much is kept of what has changed. Who is further behind is given the whole.
const (
	keepChanges = 4096  // versions
	keepTouched = 20000 // names and numbers in them
)

// Changes remembers what each of the last versions has changed, by name: the values
// are those of the present placement, so that what changed ten times is told once.
type Changes struct {
	mu      sync.Mutex
	current *wire.Placement // guarded by mu, as all below
	digest  string          // of current
	log     []touched       // oldest first, each from where the one before ends
	size    int             // of all in log
}

// touched is what one step has changed.
type touched struct {
	from, to  uint64
	ring      bool // other edges, or in another order
	edges     []string
	pairs     []wire.PairID
	streams   []string
	balancers bool
	trust     bool
	upstreams bool
}

func (t *touched) size() int { return 1 + len(t.edges) + len(t.pairs) + len(t.streams) }

// Follow notes what has changed. A placement that is no successor, from a snapshot,
// makes everybody ask for the whole.
func (c *Changes) Follow(p *wire.Placement, digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.current
	c.current, c.digest = p, digest
	if before == nil || p.Version <= before.Version {
		c.log, c.size = nil, 0
		return
	}
	t := difference(before, p)
	c.log = append(c.log, t)
	c.size += t.size()
	for len(c.log) > keepChanges || c.size > keepTouched {
		c.size -= c.log[0].size()
		c.log = c.log[1:]
	}
}

// difference is what lies between two placements, the second made from the first.
func difference(a, b *wire.Placement) touched {
	t := touched{from: a.Version, to: b.Version, trust: a.Trust != b.Trust, upstreams: !wire.SameUpstreams(a.Upstreams, b.Upstreams), balancers: !slices.Equal(a.Balancers, b.Balancers), streams: a.Streams.Changed(b.Streams)}
	if !same(a.Edges, b.Edges) {
		t.ring = !slices.EqualFunc(a.Edges, b.Edges, func(x, y wire.Edge) bool { return x.Name == y.Name })
		for _, e := range b.Edges {
			if was, ok := a.Edge(e.Name); !ok || was != e {
				t.edges = append(t.edges, e.Name)
			}
		}
	}
	if !same(a.Pairs, b.Pairs) {
		for i := range b.Pairs {
			if was, ok := a.Pair(b.Pairs[i].ID); !ok || !was.Equal(&b.Pairs[i]) {
				t.pairs = append(t.pairs, b.Pairs[i].ID)
			}
		}
		for i := range a.Pairs {
			if _, ok := b.Pair(a.Pairs[i].ID); !ok {
				t.pairs = append(t.pairs, a.Pairs[i].ID)
			}
		}
	}
	return t
}

// same tells whether two lists are one in memory.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Since is what has changed from a version on; nil: it is not known any more, or
// nothing has.
func (c *Changes) Since(version uint64) *wire.PlacementDelta {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, ok := slices.BinarySearchFunc(c.log, version, func(t touched, version uint64) int { return cmp.Compare(t.from, version) })
	if !ok {
		return nil
	}
	p := c.current
	d := &wire.PlacementDelta{Cluster: p.Cluster, From: version, To: p.Version, Admission: p.Admission, NextPair: p.NextPair, Digest: c.digest}
	edges, pairs, streams := map[string]bool{}, map[wire.PairID]bool{}, map[string]bool{}
	ring := false
	for i := range c.log[first:] {
		t := &c.log[first+i]
		ring = ring || t.ring
		if t.balancers {
			d.Balancers = &p.Balancers
		}
		if t.trust {
			d.Trust = p.Trust
		}
		if t.upstreams {
			all := append([]wire.Upstream{}, p.Upstreams...) // none is told as well
			d.Upstreams = &all
		}
		addAll(edges, t.edges)
		addAll(pairs, t.pairs)
		addAll(streams, t.streams)
	}
	tellRing(d, p, ring, edges, pairs)
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		if place, ok := p.Streams.Get(name); ok {
			d.Streams = append(d.Streams, place)
		} else {
			d.StreamsGone = append(d.StreamsGone, name)
		}
	}
	for _, purge := range p.Purges {
		if purge.Seq > version { // its number is the version that it came with
			d.Purges = append(d.Purges, purge)
			d.PurgesFrom = p.Purges[0].Seq
		}
	}
	return d
}

// tellRing puts edges and pairs that have changed into a delta.
func tellRing(d *wire.PlacementDelta, p *wire.Placement, ring bool, edges map[string]bool, pairs map[wire.PairID]bool) {
	for _, e := range p.Edges {
		if ring {
			d.Ring = append(d.Ring, e.Name)
		}
		if edges[e.Name] {
			d.Edges = append(d.Edges, e)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(pairs)) {
		if q, ok := p.Pair(id); ok {
			d.Pairs = append(d.Pairs, *q)
		} else {
			d.PairsGone = append(d.PairsGone, id)
		}
	}
}

func addAll[K comparable](set map[K]bool, keys []K) {
	for _, key := range keys {
		set[key] = true
	}
}
