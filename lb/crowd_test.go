package lb

import (
	"net/http"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// TestAnEdgeThatOthersHaveFilledMeanwhileIsPassedBy: another balancer has sent so many to
// one edge that this one does not know of yet. The first viewer learns it there, and no
// other one goes there until they are even.
func TestAnEdgeThatOthersHaveFilledMeanwhileIsPassedBy(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 100})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	q, _ := c.lb.Placement().Pair(1)
	low, high := c.member(q.Low), c.member(q.High)
	low.locked(func() { low.opened = 20 })
	for i := range 10 {
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatalf("viewer %d: %s %s", i+1, resp.Status, body)
		}
	}
	low.locked(func() {
		if low.opened != 20 || low.sentBack != 1 {
			t.Errorf("%s has %d and has sent %d back", q.Low, low.opened, low.sentBack)
		}
	})
	high.locked(func() {
		if high.opened != 10 {
			t.Errorf("%s has %d", q.High, high.opened)
		}
	})
}

// TestAnEdgeThatIsAlwaysBusierGivesASlotInTheEnd: sending back has an end.
func TestAnEdgeThatIsAlwaysBusierGivesASlotInTheEnd(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 100})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	for _, m := range c.members {
		m.locked(func() { m.busier = true })
	}
	if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound || c.opened() != 1 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	back := 0
	for _, m := range c.members {
		m.locked(func() { back += m.sentBack })
	}
	if back != 3 {
		t.Errorf("sent back %d times", back)
	}
}

// TestWhoIsRefusedEverywhereForAMomentGetsIn: each edge refuses twice, as one does while
// others make room there; none of them is full.
func TestWhoIsRefusedEverywhereForAMomentGetsIn(t *testing.T) {
	for _, refusal := range []string{wire.ReasonLimit, wire.ReasonPairFull, wire.ReasonStale} {
		c := newStage(t, stageOptions{edges: 3, capacity: 8})
		for _, m := range c.members {
			m.locked(func() { m.refusal, m.times = refusal, 2 })
		}
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Errorf("%s twice at each edge: %s %s", refusal, resp.Status, body)
		}
	}
}
