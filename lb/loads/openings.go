package loads

import (
	"slices"
	"time"

	"tandem/internal/wire"
)

// openings are the sessions of an edge that its latest report does not show: those that
// it is asked for now, and those that it has given a slot since. Without them all who
// come between two reports, or while an edge makes up its mind, would be sent to the
// edge that was the least loaded before them.
type openings struct {
	asked  map[wire.PairID]int // chosen, and not answered yet
	given  []given
	total  int                    // what the edge delivered when it answered last, as far as its report does not show that
	latest uint64                 // the number of its slots then
	pairs  map[wire.PairID]paired // the same of its pairs
	moved  []moved
}

// given is a slot that an edge gave.
type given struct {
	pair   wire.PairID
	number uint64 // it was the edge's so-manieth, in this life; 0: it does not say
}

// paired is what an edge had in a pair when it answered.
type paired struct {
	number   uint64
	own, sum int
}

// moved is by how much a boundary has changed what an edge delivers.
type moved struct {
	version uint64 // of the placement from which on a report shows it
	n       int
}

// without are those that a report does not show either. Of another life nothing is known
// but what is asked for.
func (o openings) without(r *wire.Report, same bool) openings {
	next := openings{asked: o.asked, pairs: map[wire.PairID]paired{}}
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
	for pair, told := range o.pairs {
		if told.number > r.Opened {
			next.pairs[pair] = told
		}
	}
	for _, m := range o.moved {
		if m.version > r.Version {
			next.moved = append(next.moved, m)
		}
	}
	return next
}

// delivers is what an edge delivers with them. Its own word of a moment ago counts more:
// that knows what it gave to viewers of other balancers.
func (o *openings) delivers(r *wire.Report) int {
	n := max(r.Delivering+len(o.given), o.total)
	for _, m := range o.moved {
		n += m.n
	}
	return max(n, 0)
}

// asks is for how many sessions an edge is asked now.
func (o *openings) asks() (n int) {
	for _, asked := range o.asked {
		n += asked
	}
	return n
}

// since adds up by pair what the edge has given by its own word, and its report does not
// show.
func (o *openings) since(r *wire.Report, by map[wire.PairID]int) {
	if len(o.given) == 0 && len(o.pairs) == 0 {
		return
	}
	mine := map[wire.PairID]int{}
	for _, g := range o.given {
		mine[g.pair]++
	}
	for pair, told := range o.pairs {
		at := slices.IndexFunc(r.Pairs, func(load wire.PairLoad) bool { return load.Pair == pair })
		if at >= 0 {
			mine[pair] = max(mine[pair], told.own-r.Pairs[at].Delivering)
		}
	}
	for pair, n := range mine {
		by[pair] += n
	}
}

// sums takes the edge's own word for pairs of which it knows more than anybody else has
// said.
func (o *openings) sums(by map[wire.PairID]int) {
	for pair, told := range o.pairs {
		by[pair] = max(by[pair], told.sum)
	}
}

// answered takes back that an edge is asked.
func (o *openings) answered(pair wire.PairID) {
	if o.asked[pair]--; o.asked[pair] <= 0 {
		delete(o.asked, pair)
	}
}

// told takes what an edge had when it answered.
func (o *openings) told(pair wire.PairID, c *wire.EdgeCount) {
	if c.Opened >= o.latest {
		o.total, o.latest = c.Delivering, c.Opened
	}
	if c.Opened >= o.pairs[pair].number {
		o.pairs[pair] = paired{c.Opened, c.Own, c.Sessions}
	}
}

// life is what is known of an edge, where an answer of it is not one of a former life
// that came late.
func (l *Loads) life(edge string, c *wire.EdgeCount) *heard {
	h := l.heard[edge]
	if h != nil && c.Incarnation != 0 && c.Incarnation != h.report.Incarnation {
		return nil
	}
	return h
}

// NotOpened takes back what Choose has counted. What the edge has by its answer counts
// for everybody who chooses next; nil: it did not say.
func (l *Loads) NotOpened(edge string, pair wire.PairID, c *wire.EdgeCount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heard[edge]
	if h == nil {
		return
	}
	h.answered(pair)
	if c != nil && l.life(edge, c) != nil && c.Opened > h.report.Opened {
		h.told(pair, c)
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
	if l.life(edge, &a.EdgeCount) == nil {
		return
	}
	h.sent[stream] = now
	if a.Opened > 0 && a.Opened <= h.report.Opened {
		return // the report was quicker
	}
	h.given = append(h.given, given{a.Pair, a.Opened})
	if a.Opened > 0 {
		h.told(a.Pair, &a.EdgeCount)
	}
}

// Moved counts that a boundary, from a version on, has given sessions of one edge to
// another: until reports show it, both are chosen by that.
func (l *Loads) Moved(version uint64, to, from string, sessions int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for edge, n := range map[string]int{to: sessions, from: -sessions} {
		if h := l.heard[edge]; h != nil && h.report.Version < version && n != 0 {
			h.moved = append(h.moved, moved{version, n})
		}
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
