package loads

import (
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// openings are the sessions of an edge that its latest report does not show: those that
// it is asked for now, and those that it has given a slot since. Without them all who
// come between two reports, or while an edge makes up its mind, would be sent to the
// edge that was the least loaded before them.
type openings struct {
	asked  map[wire.PairID]int // chosen, and not answered yet
	given  []given
	total  int    // what the edge delivered when it gave the latest of its slots that is known here
	latest uint64 // the number of that slot
}

// given is a slot that an edge gave.
type given struct {
	pair   wire.PairID
	sum    int    // of the pair with it, as far as the edge knows
	number uint64 // it was the edge's so-manieth, in this life; 0: it does not say
}

// without are those that a report does not show either. Of another life nothing is known
// but what is asked for.
func (o openings) without(r *wire.Report, same bool) openings {
	next := openings{asked: o.asked}
	if !same {
		return next
	}
	for _, g := range o.given {
		if g.number > r.Opened {
			next.given = append(next.given, g)
		}
	}
	if o.latest > r.Opened {
		next.total, next.latest = o.total, o.latest
	}
	return next
}

// delivers is what an edge delivers with them. Its own word of a moment ago counts more:
// that knows what it gave to viewers of other balancers.
func (o *openings) delivers(r *wire.Report) int {
	n := max(r.Delivering+len(o.given), o.total)
	for _, asked := range o.asked {
		n += asked
	}
	return n
}

// since adds them up by pair.
func (o *openings) since(by map[wire.PairID]int) {
	for pair, n := range o.asked {
		by[pair] += n
	}
	for _, g := range o.given {
		by[g.pair]++
	}
}

// sums takes the edge's own word for pairs of which it knows more than anybody else has
// said.
func (o *openings) sums(by map[wire.PairID]int) {
	for _, g := range o.given {
		by[g.pair] = max(by[g.pair], g.sum)
	}
}

// answered takes back that an edge is asked.
func (o *openings) answered(pair wire.PairID) {
	if o.asked[pair]--; o.asked[pair] <= 0 {
		delete(o.asked, pair)
	}
}

// Choose picks an edge for a viewer by what is known now, and counts it at once, so that
// whoever chooses next knows of it. The figures are the caller's; what it is told by
// edges, it writes into them and chooses again by Again.
func (l *Loads) Choose(p *wire.Placement, rules ring.Rules, stream string, now time.Time) (ring.Choice, ring.Figures) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follow(p, now)
	f := l.figures(p)
	f.Rules, f.Stores = rules, l.stores(p, stream)
	return l.opening(ring.Choose(p, f, stream)), f
}

// Again is Choose by figures that the caller has; who stores the stream may be known
// better by now.
func (l *Loads) Again(p *wire.Placement, f ring.Figures, stream string, now time.Time) ring.Choice {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follow(p, now)
	f.Stores = l.stores(p, stream)
	return l.opening(ring.Choose(p, f, stream))
}

// opening counts that an edge is asked for a session from now on.
func (l *Loads) opening(c ring.Choice) ring.Choice {
	if h := l.heard[c.Edge]; h != nil {
		h.asked[c.Pair]++
	}
	return c
}

// NotOpened takes back what Choose has counted.
func (l *Loads) NotOpened(edge string, pair wire.PairID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.heard[edge]; h != nil {
		h.answered(pair)
	}
}

// Opened counts the session that the edge has given a slot, until a report shows it, and
// takes the edge for one that stores the stream: it fetches it now.
func (l *Loads) Opened(edge, stream string, a *wire.OpenAnswer, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[edge]
	if h == nil {
		return
	}
	h.answered(a.Pair)
	h.sent[stream] = now
	if a.Opened > 0 && a.Opened <= h.report.Opened {
		return // the report was quicker
	}
	h.given = append(h.given, given{a.Pair, a.Sessions, a.Opened})
	if a.Opened > h.latest {
		h.total, h.latest = a.Delivering, a.Opened
	}
}

// Follow takes the members of a pair for edges that store a stream which was placed there
// just now: the first viewer's edge fetches it for both (S107), and no report shows it
// yet, whichever balancer placed it.
func (l *Loads) Follow(p *wire.Placement, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follow(p, now)
}

// follow is Follow. The caller holds mu.
func (l *Loads) follow(p *wire.Placement, now time.Time) {
	before := l.placement
	if before != nil && p.Version <= before.Version {
		return
	}
	l.placement = p
	if before == nil {
		return
	}
	for _, stream := range before.Streams.Changed(p.Streams) {
		had := before.Stream(stream)
		for _, id := range p.Stream(stream) {
			q, ok := p.Pair(id)
			if !ok || slices.Contains(had, id) {
				continue
			}
			for _, member := range []string{q.Low, q.High} {
				if h := l.heard[member]; h != nil {
					h.sent[stream] = now
				}
			}
		}
	}
}
