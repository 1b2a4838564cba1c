package loads

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// hall is a ring of edges, some balancers that hear their reports, and a crowd. Its
// clock is a number of milliseconds.
type hall struct {
	p         *wire.Placement
	balancers []*Loads
	edges     []*counter
	at        int64
	later     map[int64][]func()
	calls     int   // openings that were sent back
	phase     int64 // when the first viewer comes, between two reports
	placing   map[*Loads]bool
	waiting   map[*Loads][]func()
}

// counter is an edge that counts what it is given.
type counter struct {
	name     string
	opened   uint64
	pairs    map[wire.PairID]int // what it delivers
	told     map[wire.PairID]int // what of it the other members know
	sequence uint64
	stores   bool
}

func (c *counter) delivering() (n int) {
	for _, sessions := range c.pairs {
		n += sessions
	}
	return n
}

func newHall(balancers int, capacities ...int) *hall {
	h := &hall{p: &wire.Placement{Admission: ring.FailSafeAdmission}, later: map[int64][]func(){}, placing: map[*Loads]bool{}, waiting: map[*Loads][]func(){}}
	for i, c := range capacities {
		name := fmt.Sprintf("e%d", i+1)
		h.p.Edges = append(h.p.Edges, wire.Edge{Name: name, Capacity: c, State: wire.EdgeUp, Incarnation: 1})
		h.edges = append(h.edges, &counter{name: name, pairs: map[wire.PairID]int{}})
	}
	h.p = ring.Form(h.p.Index())
	for range balancers {
		h.balancers = append(h.balancers, New())
	}
	for _, l := range h.balancers {
		l.Follow(h.p, h.now())
	}
	return h
}

func (h *hall) now() time.Time { return time.UnixMilli(h.at) }

func (h *hall) after(ms int64, do func()) { h.later[h.at+ms] = append(h.later[h.at+ms], do) }

// report is one on its way to all balancers. Streams are told with every eighth.
func (h *hall) report(c *counter) {
	r := wire.Report{Edge: c.name, Incarnation: 1, Sequence: c.sequence + 1, Capacity: 100, Opened: c.opened, Delivering: c.delivering()}
	if c.sequence%8 == 0 {
		r.Streams = []string{}
		if c.stores {
			r.Streams = []string{"/s/"}
		}
	}
	c.sequence++
	for i := range h.p.Pairs {
		if q := &h.p.Pairs[i]; q.Low == c.name || q.High == c.name {
			r.Pairs = append(r.Pairs, wire.PairLoad{Pair: q.ID, Delivering: c.pairs[q.ID], Sessions: h.sum(c, q)})
		}
	}
	h.after(3, func() {
		for _, l := range h.balancers {
			l.Take(r, h.now())
		}
	})
}

// sum is a pair's as an edge knows it: of the other member's what that told last.
func (h *hall) sum(c *counter, q *wire.Pair) int {
	other := q.High
	if c.name == q.High {
		other = q.Low
	}
	return c.pairs[q.ID] + h.edge(other).told[q.ID]
}

func (h *hall) edge(name string) *counter {
	return h.edges[slices.IndexFunc(h.edges, func(e *counter) bool { return e.name == name })]
}

// viewer comes to a balancer, which asks the edge that it chooses.
func (h *hall) viewer(l *Loads) {
	h.ask(l, l.Opening(ring.Rules{HotShare: ring.DefaultHotShare}, "/s/"))
}

func (h *hall) ask(l *Loads, o *Opening) {
	p := h.p
	c, most := o.Choose(p, h.now())
	if c.Edge == "" {
		panic(c.Reason)
	}
	ask := func() {
		edge, q := h.edge(c.Edge), h.pair(c.Pair)
		count := func() wire.EdgeCount {
			return wire.EdgeCount{Incarnation: 1, Opened: edge.opened, Delivering: edge.delivering(), Sessions: h.sum(edge, q), Own: edge.pairs[c.Pair]}
		}
		back := func(learn func()) {
			h.calls++
			told := count()
			h.after(2, func() { l.NotOpened(c.Edge, c.Pair, &told); learn(); h.ask(l, o) })
		}
		switch {
		case most > 0 && edge.delivering() >= most:
			back(o.SentBack)
			return
		case edge.delivering() >= ring.LimitsOf(h.p)[c.Edge]:
			back(func() { o.Refused(c.Edge) })
			return
		}
		edge.opened++
		edge.pairs[c.Pair]++
		edge.stores = true
		answer := &wire.OpenAnswer{SessionID: wire.SessionID{Pair: c.Pair}, EdgeCount: count()}
		h.after(2, func() { l.Opened(c.Edge, "/s/", answer, h.now()) })
	}
	if !c.Place {
		h.after(2, ask)
		return
	}
	if h.placing[l] { // one places it, the others wait
		l.NotOpened(c.Edge, c.Pair, nil)
		h.waiting[l] = append(h.waiting[l], func() { h.ask(l, o) })
		return
	}
	h.placing[l] = true
	h.after(15, func() { // a commit
		defer func() {
			waiting := h.waiting[l]
			h.placing[l], h.waiting[l] = false, nil
			for _, do := range waiting {
				do()
			}
		}()
		if len(h.p.Stream("/s/")) != len(p.Stream("/s/")) {
			l.NotOpened(c.Edge, c.Pair, nil)
			h.ask(l, o)
			return
		}
		pairs := append(slices.Clone(p.Stream("/s/")), c.Pair)
		next := *h.p
		next.Streams = wire.StreamsOf(wire.StreamPlace{Stream: "/s/", Pairs: pairs})
		h.p = next.Index()
		h.p.Version++
		h.after(2, ask)
	})
}

func (h *hall) pair(id wire.PairID) *wire.Pair {
	q, _ := h.p.Pair(id)
	return q
}

// run lets so many viewers come, one in apart milliseconds.
func (h *hall) run(viewers int, apart float64) map[string]int {
	come := 0
	for ; h.at < 60_000 && (come < viewers || len(h.later) > 0); h.at++ {
		for i, c := range h.edges {
			if come < viewers && (h.at+int64(60*i))%250 == 0 {
				h.report(c)
			}
			if (h.at+int64(50*i))%200 == 0 { // a notice
				c.told = maps.Clone(c.pairs)
			}
		}
		for len(h.later[h.at]) > 0 {
			due := h.later[h.at]
			delete(h.later, h.at)
			for _, do := range due {
				do()
			}
		}
		delete(h.later, h.at)
		for h.at > 300+h.phase && come < viewers && float64(come)*apart <= float64(h.at-301-h.phase) {
			h.viewer(h.balancers[come%len(h.balancers)])
			come++
		}
	}
	has := map[string]int{}
	for _, c := range h.edges {
		has[c.name] = c.delivering()
	}
	return has
}

// TestAHotStreamIsEvenOverSeveralBalancers: each balancer hears of what the others open
// with the next report, and of who stores the stream with the eighth. The crowd is spread
// within a tenth all the same, also where all come in the same moment: first over the
// members of the pair, then over all edges.
func TestAHotStreamIsEvenOverSeveralBalancers(t *testing.T) {
	for _, balancers := range []int{1, 3} {
		for _, apart := range []float64{0, 0.2, 3, 20} {
			for phase := int64(0); phase < 250; phase += 61 {
				if phase > 0 && apart != 0 && apart != 3 {
					break
				}
				for _, crowd := range []struct{ viewers, capacity, over int }{{20, 100, 2}, {50, 200, 2}, {100, 100, 4}, {200, 100, 4}, {500, 200, 4}} {
					h := newHall(balancers, crowd.capacity, crowd.capacity, crowd.capacity, crowd.capacity)
					h.phase = phase
					has := h.run(crowd.viewers, apart)
					what := fmt.Sprintf("%d balancers, %d viewers %g ms apart, from %d on, on pairs %v: %v", balancers, crowd.viewers, apart, phase, h.p.Stream("/s/"), has)
					list := slices.Sorted(maps.Values(has))
					if list[0] > 0 != (crowd.over == 4) {
						t.Error(what)
					}
					even := float64(crowd.viewers) / float64(crowd.over)
					for _, n := range list[len(list)-crowd.over:] { // the others have nobody
						if float64(n) < 0.9*even-1 || float64(n) > 1.1*even+1 {
							t.Errorf("%s; even is %.1f", what, even)
							break
						}
					}
				}
			}
		}
	}
}

// TestWhoComesAtOnceIsSpreadToo: nobody waits for an answer of an edge before the next
// one is sent to another.
func TestWhoComesAtOnceIsSpreadToo(t *testing.T) {
	h := newHall(1, 200, 200, 200, 200)
	h.run(1, 0)
	h.edges[0].pairs[1], h.edges[1].pairs[1] = 0, 0
	has := h.run(40, 0)
	if has["e1"]+has["e2"] != 40 || has["e1"] < 18 || has["e2"] < 18 {
		t.Error(has)
	}
}

// TestWhatAReportDoesNotShowYetCounts: a report that was on its way when a slot was
// given, or asked for, does not wipe it out; one that shows it is not added to it.
func TestWhatAReportDoesNotShowYetCounts(t *testing.T) {
	h := newHall(1, 100, 100)
	l, e := h.balancers[0], h.p.Edges[0]
	sequence := uint64(0)
	report := func(incarnation, opened uint64, delivering int) {
		sequence++
		l.Take(wire.Report{Edge: "e1", Incarnation: incarnation, Sequence: sequence, Opened: opened, Delivering: delivering}, h.now())
	}
	count := func(want int) {
		t.Helper()
		if n := l.Delivering(e); n != want {
			t.Fatalf("e1 delivers %d, not %d", n, want)
		}
	}
	report(1, 4, 3)
	l.Take(wire.Report{Edge: "e2", Incarnation: 1, Sequence: 1, Delivering: 50}, h.now())
	for range 2 {
		if c, _ := l.Opening(ring.Rules{}, "/s/").Choose(h.p, h.now()); c.Edge != "e1" {
			t.Fatal(c)
		}
	}
	count(5)
	report(1, 4, 3)
	count(5) // asked for
	l.NotOpened("e1", 1, nil)
	count(4)
	given := func(number uint64, delivering int) {
		l.Opened("e1", "/s/", &wire.OpenAnswer{SessionID: wire.SessionID{Pair: 1}, EdgeCount: wire.EdgeCount{Incarnation: 1, Opened: number, Delivering: delivering}}, h.now())
	}
	given(6, 5)
	count(5) // another balancer's is among them
	report(1, 6, 2)
	count(2) // some have ended
	given(6, 5)
	count(2) // the report was quicker
	given(8, 0)
	count(3)
	report(1, 7, 3)
	count(4) // made before the eighth
	report(1, 8, 4)
	count(4)
	given(9, 5)
	report(2, 0, 0)
	e.Incarnation = 2
	count(0) // a new life
	given(10, 6)
	count(0) // the former life's answer came late
	l.NotOpened("e1", 1, &wire.EdgeCount{Incarnation: 1, Opened: 11, Delivering: 7})
	count(0)
	l.NotOpened("e1", 1, &wire.EdgeCount{Incarnation: 2, Opened: 1, Delivering: 1})
	count(1)
}

// TestAMovedBoundaryCounts: until the edges' reports are by the placement that has moved
// it, whoever chooses next knows that one has sessions of the other.
func TestAMovedBoundaryCounts(t *testing.T) {
	h := newHall(1, 100, 100)
	l := h.balancers[0]
	report := func(edge string, sequence, version uint64, delivering int) {
		l.Take(wire.Report{Edge: edge, Incarnation: 1, Sequence: sequence, Version: version, Delivering: delivering}, h.now())
	}
	count := func(e1, e2 int) {
		t.Helper()
		if f := l.Figures(h.p); f.Delivering["e1"] != e1 || f.Delivering["e2"] != e2 {
			t.Fatalf("%v, not %d and %d", f.Delivering, e1, e2)
		}
	}
	report("e1", 1, 7, 10)
	report("e2", 1, 7, 20)
	l.Moved(8, "e1", "e2", 4)
	count(14, 16)
	report("e1", 2, 8, 14)
	count(14, 16)
	report("e2", 2, 7, 20)
	count(14, 16)
	report("e2", 3, 9, 16)
	count(14, 16)
	l.Moved(8, "e1", "e2", 4) // the reports were quicker
	count(14, 16)
}

// TestBothSidesOfAPairCount: an edge hears of the other side with the next notice; the
// balancer has heard of both by then. Not while a boundary moves: one session may be on
// both.
func TestBothSidesOfAPairCount(t *testing.T) {
	h := newHall(1, 100, 100)
	l := h.balancers[0]
	report := func(edge string, sequence uint64, boundary, delivers, sessions int) {
		l.Take(wire.Report{Edge: edge, Incarnation: 1, Sequence: sequence, Delivering: delivers, Pairs: []wire.PairLoad{
			{Pair: 1, Boundary: boundary, Delivering: delivers, Sessions: sessions},
		}}, h.now())
	}
	sum := func(want int) {
		t.Helper()
		if n := l.Figures(h.p).Sum[1]; n != want {
			t.Errorf("%d sessions, want %d", n, want)
		}
	}
	report("e1", 1, 50, 20, 25)
	report("e2", 1, 50, 15, 30)
	sum(35)
	report("e1", 2, 60, 24, 34)
	sum(34)
	report("e2", 2, 60, 11, 30)
	sum(35)
	l.NotOpened("e1", 1, &wire.EdgeCount{Incarnation: 1, Opened: 9, Delivering: 27, Sessions: 31, Own: 27})
	sum(38)
}

// TestNobodyIsKeptOutByWhatOthersAskFor: an edge may refuse who asks now, and its report
// may count already whom it has not answered. Who would be refused asks it as well.
func TestNobodyIsKeptOutByWhatOthersAskFor(t *testing.T) {
	h := newHall(1, 8, 8, 8, 8)
	l := h.balancers[0]
	for i, c := range h.edges {
		delivers := 6 // the limit
		if i == 0 {
			delivers = 5
		}
		l.Take(wire.Report{Edge: c.name, Incarnation: 1, Sequence: 1, Capacity: 8, Delivering: delivers}, h.now())
	}
	if c, _ := l.Opening(ring.Rules{}, "/s/").Choose(h.p, h.now()); c.Edge != "e1" {
		t.Fatal(c)
	}
	next := l.Opening(ring.Rules{}, "/s/")
	if c, _ := next.Choose(h.p, h.now()); c.Edge != "" {
		t.Fatalf("%+v: the last place is asked for", c)
	}
	next.Anew()
	if c, _ := next.Choose(h.p, h.now()); c.Edge != "e1" {
		t.Fatalf("%+v: e1 has one place, and has not said who gets it", c)
	}
	next.Refused("e1")
	if c, _ := next.Choose(h.p, h.now()); c.Edge != "" || !next.Doubts() {
		t.Fatal(c)
	}
}
