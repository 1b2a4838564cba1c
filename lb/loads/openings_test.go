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
}

// counter is an edge that counts what it is given.
type counter struct {
	name     string
	opened   uint64
	pairs    map[wire.PairID]int // what it delivers
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
	h := &hall{p: &wire.Placement{Admission: ring.FailSafeAdmission}, later: map[int64][]func(){}}
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
	for i := range h.p.Pairs { // notices keep both members' tables equal
		if q := &h.p.Pairs[i]; q.Low == c.name || q.High == c.name {
			r.Pairs = append(r.Pairs, wire.PairLoad{Pair: q.ID, Sessions: h.sum(q.ID)})
		}
	}
	h.after(3, func() {
		for _, l := range h.balancers {
			l.Take(r, h.now())
		}
	})
}

func (h *hall) sum(pair wire.PairID) (n int) {
	for _, c := range h.edges {
		n += c.pairs[pair]
	}
	return n
}

// viewer comes to a balancer, which asks the edge that it chooses.
func (h *hall) viewer(l *Loads) {
	p := h.p
	c, _ := l.Choose(p, ring.Rules{HotShare: ring.DefaultHotShare}, "/s/", h.now())
	if c.Edge == "" {
		panic(c.Reason)
	}
	ask := func() {
		edge := h.edges[slices.IndexFunc(h.edges, func(e *counter) bool { return e.name == c.Edge })]
		edge.opened++
		edge.pairs[c.Pair]++
		edge.stores = true
		answer := &wire.OpenAnswer{SessionID: wire.SessionID{Pair: c.Pair}, Opened: edge.opened, Delivering: edge.delivering(), Sessions: h.sum(c.Pair)}
		h.after(2, func() { l.Opened(c.Edge, "/s/", answer, h.now()) })
	}
	if !c.Place {
		h.after(2, ask)
		return
	}
	h.after(15, func() { // a commit
		if len(h.p.Stream("/s/")) != len(p.Stream("/s/")) {
			l.NotOpened(c.Edge, c.Pair)
			h.viewer(l)
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

// run lets so many viewers come, one in apart milliseconds.
func (h *hall) run(viewers int, apart float64) map[string]int {
	come := 0
	for ; h.at < 60_000 && (come < viewers || len(h.later) > 0); h.at++ {
		for i, c := range h.edges {
			if come < viewers && (h.at+int64(60*i))%250 == 0 {
				h.report(c)
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
		for h.at > 300 && come < viewers && float64(come)*apart <= float64(h.at-301) {
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
// within a tenth all the same: first over the members of the pair, then over all edges.
func TestAHotStreamIsEvenOverSeveralBalancers(t *testing.T) {
	for _, balancers := range []int{1, 3} {
		for _, apart := range []float64{5, 20, 40} {
			for _, crowd := range []struct{ viewers, capacity, over int }{{20, 100, 2}, {50, 200, 2}, {100, 100, 4}, {200, 100, 4}, {500, 200, 4}} {
				h := newHall(balancers, crowd.capacity, crowd.capacity, crowd.capacity, crowd.capacity)
				has := h.run(crowd.viewers, apart)
				what := fmt.Sprintf("%d balancers, %d viewers %g ms apart on pairs %v: %v", balancers, crowd.viewers, apart, h.p.Stream("/s/"), has)
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
	c, _ := l.Choose(h.p, ring.Rules{}, "/s/", h.now())
	if c.Edge != "e1" && c.Edge != "e2" {
		t.Fatal(c)
	}
	l.NotOpened(c.Edge, c.Pair)
	for range 2 {
		l.mu.Lock()
		l.opening(ring.Choice{Edge: "e1", Pair: 1})
		l.mu.Unlock()
	}
	count(5)
	report(1, 4, 3)
	count(5) // asked for
	l.NotOpened("e1", 1)
	count(4)
	given := func(number uint64, delivering int) {
		l.Opened("e1", "/s/", &wire.OpenAnswer{SessionID: wire.SessionID{Pair: 1}, Opened: number, Delivering: delivering}, h.now())
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
	if n := l.Delivering(wire.Edge{Name: "e1", Incarnation: 2}); n != 0 {
		t.Errorf("a new life delivers %d", n)
	}
}
