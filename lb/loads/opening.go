package loads

import (
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Opening is one viewer's way to a slot. Each choice is by what is known at that moment;
// what edges have said to this viewer stands over that, until they are asked anew.
type Opening struct {
	l      *Loads
	rules  ring.Rules
	stream string

	refused map[string]bool      // edges that take no session
	full    map[wire.PairID]bool // pairs that take none
	above   map[string]bool      // edges that take some up to their capacity
	raised  bool                 // all do
	earned  bool                 // what was given no media makes way
	sure    bool                 // what edges are only asked for, and may refuse, keeps nobody out
	stays   bool                 // its stream gets no further pair while one of those that it has takes viewers
	sent    int                  // how often it was sent back by an edge that is busier than was known
}

// sendsBack is how often an edge may send an opening back by ring.Most: each costs a call.
const sendsBack = 3

// Opening begins one.
func (l *Loads) Opening(rules ring.Rules, stream string) *Opening {
	o := &Opening{l: l, rules: rules, stream: stream, above: map[string]bool{}}
	o.forget()
	return o
}

func (o *Opening) forget() {
	o.refused, o.full = map[string]bool{}, map[wire.PairID]bool{}
}

// Choose picks an edge, and counts it at once, so that whoever chooses next knows of it.
// most: ring.Most.
func (o *Opening) Choose(p *wire.Placement, now time.Time) (c ring.Choice, most int) {
	l := o.l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follow(p, now)
	f := o.figures(p)
	f.Rules, f.Stores = o.rules, l.stores(p, o.stream)
	c = ring.Choose(p, f, o.stream)
	if o.sent < sendsBack && !o.raised && !o.earned {
		most = ring.Most(p, f, o.stream, c)
	}
	if c.Above {
		o.above[c.Edge] = true
	}
	if h := l.heard[c.Edge]; h != nil {
		h.asked[c.Pair]++
	}
	return c, most
}

// Room is how many sessions more an edge may be given in this opening.
func (o *Opening) Room(p *wire.Placement, edge string) int {
	o.l.mu.Lock()
	defer o.l.mu.Unlock()
	f := o.figures(p)
	return f.Limits[edge] - f.Delivering[edge]
}

// Relief is what would make room for this opening by moving others.
func (o *Opening) Relief(p *wire.Placement, now time.Time) (ring.Relief, bool) {
	o.l.mu.Lock()
	f := o.figures(p)
	o.l.mu.Unlock()
	return ring.Relieve(p, f, func() map[wire.PairID]*ring.Table { return ring.TablesOf(p, o.l.Tables(p, now)) })
}

// Relieved takes back what was said of an edge that others have taken sessions from.
func (o *Opening) Relieved(edge string) { delete(o.refused, edge) }

// figures are Loads' with what this opening was told. The caller holds the lock.
func (o *Opening) figures(p *wire.Placement) ring.Figures {
	f := o.l.figures(p, !o.sure)
	if o.earned {
		o.l.makeWay(p, &f)
	}
	for _, e := range p.Edges {
		if o.raised || o.above[e.Name] {
			f.Limits[e.Name] = e.Capacity
		}
		if o.refused[e.Name] {
			f.Limits[e.Name] = min(f.Limits[e.Name], 0)
			f.Delivering[e.Name] = max(f.Delivering[e.Name], e.Capacity)
		}
	}
	for pair := range o.full {
		if q, ok := p.Pair(pair); ok {
			f.Sum[pair] = max(f.Sum[pair], ring.PairLimit(p, q))
		}
	}
	return f
}

// Refused takes an edge out of the choice.
func (o *Opening) Refused(edge string) { o.refused[edge] = true }

// Full takes a pair out of the choice.
func (o *Opening) Full(pair wire.PairID) { o.full[pair] = true }

// SentBack counts that an edge has more than it was chosen by.
func (o *Opening) SentBack() { o.sent++ }

// Doubts tells whether anything was taken out of the choice.
func (o *Opening) Doubts() bool { return len(o.refused)+len(o.full) > 0 }

// Anew is for when all edges have said how they are: nothing else that was said stands,
// and nobody is kept out by what others only ask for.
func (o *Opening) Anew() {
	o.forget()
	o.sure = true
}

// Stay opens the session where its stream is, however much its pairs have to do: that it
// be placed on one more helps others, and can't be had now. False: it does so already.
func (o *Opening) Stay() bool {
	before := o.stays
	o.stays, o.rules.HotShare = true, 0
	return !before
}

// Raise makes the limits those of a viewer that had a session already: limits keep room
// for a death, not against those who play. False: they are.
func (o *Opening) Raise() bool {
	before := o.raised
	o.raised = true
	return !before
}

// MakeWay makes the figures those that the edges would have if all sessions made way
// that were given no media yet. Whether one does an edge decides. False: they are.
func (o *Opening) MakeWay() bool {
	before := o.earned
	o.earned = true
	return !before
}
