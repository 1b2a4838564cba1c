package lb

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

func TestLeavingEdgeGoesWhenItsHeirsHaveCopied(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	c.api(http.MethodPost, "/edges/edge-1/remove", nil, http.StatusOK, nil)
	p := c.lb.Placement()
	heirs := ring.Successors(p, "edge-1")
	if c.state("edge-1") != wire.EdgeLeaving || len(heirs) == 0 {
		t.Fatalf("%s, heirs %v", c.state("edge-1"), heirs)
	}
	for i, name := range heirs {
		if _, ok := c.lb.Placement().Edge("edge-1"); !ok {
			t.Fatalf("it left when %d of %d had copied", i, len(heirs))
		}
		ready := wire.Ready{Edge: name, Incarnation: 1, Version: p.Version - 1} // of a moment before it was asked to leave
		c.node(http.MethodPost, wire.PathReady, ready, http.StatusNoContent, nil)
		ready.Version = p.Version
		c.node(http.MethodPost, wire.PathReady, ready, http.StatusNoContent, nil)
	}
	until(t, "it has left", func() bool { _, ok := c.lb.Placement().Edge("edge-1"); return !ok })
	// Its pair retires, and ends when both members report it empty.
	for _, m := range c.members[1:] {
		c.report(m)
	}
	until(t, "no pair retires", func() bool {
		for _, q := range c.lb.Placement().Pairs {
			if q.Retiring {
				return false
			}
		}
		return true
	})
}

func TestEdgeAboveItsCapacityIsRelieved(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	q := c.lb.Placement().Pairs[0]
	low := c.members[0]
	last := c.lb.Placement().Pairs[2] // the low member's other pair
	for _, m := range c.members[:2] {
		m.locked(func() {
			for range 4 {
				m.table(&q).Allot([]wire.Run{{From: 0, To: q.Slots}}, ring.ViewOf(&q, q.Low), q.Slots)
			}
		})
	}
	for _, m := range []*member{low, c.members[2]} {
		m.locked(func() {
			for range 6 {
				m.table(&last).Allot([]wire.Run{{From: 0, To: last.Slots}}, ring.ViewOf(&last, last.High), last.Slots)
			}
		})
	}
	before := [2]int{q.Boundary, last.Boundary}
	c.propose(placement.Command{Kind: placement.MoveBoundary, Pair: last.ID, Before: last.Boundary, Boundary: 0})
	for range 2 {
		for _, m := range c.members {
			c.report(m)
		}
	}
	until(t, "boundaries have moved", func() bool {
		p := c.lb.Placement()
		tables := c.lb.control.Loads.Tables(p, time.Now())
		return ring.Delivering(p, tables)["edge-1"] <= 8
	})
	if p := c.lb.Placement(); p.Pairs[0].Boundary == before[0] && p.Pairs[2].Boundary == 0 {
		t.Fatalf("%+v", p.Pairs)
	}
}

// A boundary could not go home, as after a removal at the limit: home is where it is then, so that
// nobody stands in for one who is not away.
func TestABoundaryThatNobodyBringsHomeIsAtHome(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	const home = 7
	c.propose(placement.Command{Kind: placement.MoveBoundary, Pair: 1, Before: 4, Boundary: home})
	var full []ring.Load
	for id := range wire.PairID(3) {
		full = append(full, ring.Load{Pair: id + 1, Taken: []wire.Run{{From: 0, To: 8}}})
	}
	c.propose(placement.Command{Kind: placement.Settle, Loads: full}) // edge-1 would have 11 of 8
	until(t, "home is where the boundary is", func() bool {
		q, _ := c.lb.Placement().Pair(1)
		return q.Boundary < home && q.Home == q.Boundary
	})
}

func TestMemberThatStaysDeadIsRemoved(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.DeadAfter = 50 * time.Millisecond }})
	c.members[1].Close()
	c.lb.control.Checks.Failed("edge-2", proxy.CauseRefused)
	until(t, "it is to be removed", func() bool { e, _ := c.lb.Placement().Edge("edge-2"); return e.Removing })
	p := c.lb.Placement()
	for _, name := range ring.Successors(p, "edge-2") { // that hold by now what they will need
		if _, ok := c.lb.Placement().Edge("edge-2"); !ok {
			t.Fatal("it went before its heirs were ready")
		}
		c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: name, Incarnation: 1, Version: p.Version}, http.StatusNoContent, nil)
	}
	until(t, "it is removed", func() bool { _, ok := c.lb.Placement().Edge("edge-2"); return !ok })
}

func TestReceiptTellsWhatResponsesLivedThrough(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	for _, moved := range []proxy.Takeover{
		{From: "edge-1", Life: 1, Lost: true, To: "edge-2", OK: true, Gap: 30 * time.Millisecond, Cause: proxy.CauseReset, Phase: "body"},
		{From: "edge-1", Life: 1, Lost: true, To: "edge-2", OK: true, Gap: 10 * time.Millisecond, Cause: proxy.CauseReset, Phase: "head"},
		{From: "edge-1", Life: 1, Lost: true, Cause: proxy.CauseReset, Phase: "body"},
		{From: "edge-1", Life: 1, Cause: proxy.CauseVersion, Phase: "body"},
		{From: "edge-1", Life: 2, Lost: true, To: "edge-2", OK: true, Gap: time.Second, Cause: proxy.CauseReset, Phase: "head"},
		{From: "edge-3", To: "edge-2", OK: true, Cause: proxy.CauseReset, Phase: "head"},
	} {
		c.lb.moved(moved)
	}
	c.members[0].Close()
	c.lb.control.Checks.Failed("edge-1", proxy.CauseReset)
	until(t, "declared dead", func() bool { return c.state("edge-1") == wire.EdgeDown })
	var receipts []wire.Receipt
	until(t, "told", func() bool {
		c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
		return len(receipts) == 1 && receipts[0].Finished > 0
	})
	if receipts[0].Finished != 2 || receipts[0].LongestGap != 30 || receipts[0].Broken != 1 || receipts[0].Cause != proxy.CauseReset {
		t.Fatalf("%+v", receipts)
	}
	var s wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	if s.Takeovers != 4 {
		t.Fatalf("%d takeovers", s.Takeovers)
	}
}

// TestOneThatIsDownStandsInForNobody: of two dead neighbours neither is said to deliver
// for the other.
func TestOneThatIsDownStandsInForNobody(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	for _, name := range []string{"edge-1", "edge-2"} {
		c.propose(placement.Command{Kind: placement.EdgeDown, Name: name, Incarnation: 1})
	}
	var edges []wire.EdgeStatus
	c.api(http.MethodGet, "/edges", nil, http.StatusOK, &edges)
	for _, e := range edges {
		if want := e.State == wire.EdgeUp; e.FailSafe != want {
			t.Errorf("%s is %s, fail-safe: %v", e.Name, e.State, e.FailSafe)
		}
	}
}
