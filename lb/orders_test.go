package lb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// fill gives every pair so many sessions on each side, and has all edges report.
func (c *stage) fill(each int) {
	c.t.Helper()
	p := c.lb.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, m := range c.members {
			if m.edge.Name != q.Low && m.edge.Name != q.High {
				continue
			}
			m.locked(func() {
				for n := range each {
					m.table(q).Set(q.Boundary - 1 - n)
					m.table(q).Set(q.Boundary + n)
				}
			})
		}
	}
	for _, m := range c.members {
		c.report(m)
	}
}

// TestOrdersThatWouldLoseSomebodyAskForForce: four edges of 8 deliver 24; without one
// they can still, without two they can't.
func TestOrdersThatWouldLoseSomebodyAskForForce(t *testing.T) {
	for _, order := range []string{"drain", "remove"} {
		t.Run(order, func(t *testing.T) {
			c := newStage(t, stageOptions{edges: 4, capacity: 8})
			c.place("/film/")
			c.fill(3)
			var p wire.Preview
			c.api(http.MethodGet, "/edges/edge-1/"+order, nil, http.StatusOK, &p)
			if p.Order != order || p.Moves < 6 || p.Excess != 0 || p.PeakLoad != 8 || p.PeakCap != 8 || p.MarginNow != 0 || p.Margin >= 0 || p.LimitNow != 24 || p.Limit >= 24 {
				t.Fatalf("%+v", p)
			}
			c.api(http.MethodPost, "/edges/edge-1/drain", nil, http.StatusOK, nil)
			before := c.lb.Placement().Version
			text := c.api(http.MethodPost, "/edges/edge-2/"+order, nil, http.StatusConflict, nil)
			var said call.Problem
			if err := json.Unmarshal(text, &said); err != nil || said.Reason != "would_lose" || !strings.Contains(said.Error, "leave 8 sessions without an edge") {
				t.Fatalf("%s", text)
			}
			if c.lb.Placement().Version != before {
				t.Fatal("it was carried out")
			}
			c.api(http.MethodPost, "/edges/edge-2/"+order+"?force=maybe", nil, http.StatusBadRequest, nil)
			c.api(http.MethodPost, "/edges/edge-2/"+order+"?force=true", nil, http.StatusOK, nil)
			if e, _ := c.lb.Placement().Edge("edge-2"); e.State == wire.EdgeUp {
				t.Fatal("it was not carried out")
			}
		})
	}
}

// A preview of what would be refused is refused by the same words, and one of what changes nothing
// says so: it said that the cluster admits nobody, now and then.
func TestAPreviewIsWhatTheOrderWouldBeTold(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.fill(1)
	for path, want := range map[string]string{"/edges/edge-1/accept": "edge-1 is up and waits for nothing"} {
		if text := string(c.api(http.MethodGet, path, nil, http.StatusConflict, nil)); !strings.Contains(text, want) {
			t.Errorf("%s: %s", path, text)
		}
	}
	c.api(http.MethodPost, "/edges/edge-1/drain", nil, http.StatusOK, nil)
	before := c.lb.Placement().Version
	var p wire.Preview
	if c.api(http.MethodGet, "/edges/edge-1/drain", nil, http.StatusOK, &p); p.Already != wire.EdgeDraining {
		t.Errorf("%+v", p)
	}
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: "edge-2", Incarnation: 1, Cause: "ping", By: "lb-1"})
	var said call.Problem
	text := c.api(http.MethodGet, "/edges/edge-2/drain", nil, http.StatusConflict, nil)
	if err := json.Unmarshal(text, &said); err != nil || !strings.Contains(said.Error, "edge-2 is down; only an edge that is up can be drained") {
		t.Errorf("%s", text)
	}
	if c.api(http.MethodGet, "/edges/edge-2/remove", nil, http.StatusOK, &p); p.LimitNow == 0 {
		t.Errorf("%+v", p)
	}
	if now := c.lb.Placement().Version; now > before+1 {
		t.Errorf("version %d after %d: something was carried out", now, before)
	}
}

// TestOneThatLeavesIsNotReckonedWith: while edge-1 leaves it delivers, but who goes on by
// it has to find room as well.
func TestOneThatLeavesIsNotReckonedWith(t *testing.T) {
	for _, order := range []string{"drain", "remove"} {
		c := newStage(t, stageOptions{edges: 4, capacity: 8})
		c.place("/film/")
		c.fill(3)
		c.api(http.MethodPost, "/edges/edge-1/remove", nil, http.StatusOK, nil)
		if e, _ := c.lb.Placement().Edge("edge-1"); e.State != wire.EdgeLeaving {
			t.Fatalf("edge-1 is %s", e.State)
		}
		var p wire.Preview
		c.api(http.MethodGet, "/edges/edge-2/"+order, nil, http.StatusOK, &p)
		if p.Excess != 8 {
			t.Errorf("%s: %+v", order, p)
		}
		c.api(http.MethodPost, "/edges/edge-2/"+order, nil, http.StatusConflict, nil)
	}
}

// TestWhatIsNotKnownIsAskedBeforeAnOrder: a balancer that has just begun has heard of no
// session, and takes no order for harmless by that: it asks the edges, and where one does
// not answer it says so.
func TestWhatIsNotKnownIsAskedBeforeAnOrder(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.place("/film/")
	c.fill(3)
	c.api(http.MethodPost, "/edges/edge-1/drain", nil, http.StatusOK, nil)
	forget := func() { c.lb.control.Loads.Keep(new(wire.Placement).Index()) }
	for _, order := range []string{"drain", "remove"} {
		var p wire.Preview
		forget()
		c.api(http.MethodGet, "/edges/edge-3/"+order, nil, http.StatusOK, &p)
		if p.Excess != 8 {
			t.Errorf("%s: %+v", order, p)
		}
		forget()
		c.api(http.MethodPost, "/edges/edge-3/"+order, nil, http.StatusConflict, nil)
	}
	forget()
	if tables, silent := c.lb.control.Tables(t.Context(), c.lb.Placement(), ""); len(tables) != 4 || len(silent) != 0 {
		t.Errorf("asked, %d of 4 tables are known, and %v have not told", len(tables), silent)
	}
	forget()
	c.member("edge-2").locked(func() { c.member("edge-2").mute = true })
	const want = "edge-2 has not told lb-1 its load; wait a second, ask another balancer, or force it"
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if text := c.api(method, "/edges/edge-3/drain", nil, http.StatusServiceUnavailable, nil); !strings.Contains(string(text), want) {
			t.Errorf("%s: %s", method, text)
		}
	}
	c.api(http.MethodPost, "/edges/edge-3/drain?force=true", nil, http.StatusOK, nil)
}

// TestNothingIsSettledByNoLoads: an edge stops, and the balancer that makes it true has just
// begun: the others get no more than they can deliver all the same.
func TestNothingIsSettledByNoLoads(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.place("/film/")
	c.fill(3)
	c.lb.control.Loads.Keep(new(wire.Placement).Index())
	c.node(http.MethodPost, wire.PathStopping, wire.Stopping{Edge: "edge-1", Incarnation: 1}, http.StatusNoContent, nil)
	p := c.lb.Placement()
	tables, _ := c.lb.control.Tables(t.Context(), p, "")
	for name, n := range ring.Delivering(p, tables) {
		if n > 8 {
			t.Errorf("%s has %d of 8", name, n)
		}
	}
}

// TestOfTwoOrdersAtOnceOneIsRefused: each of them can be borne, and not both; whoever gave
// the second one saw the cluster before the first.
func TestOfTwoOrdersAtOnceOneIsRefused(t *testing.T) {
	for _, kind := range []placement.Kind{placement.Drain, placement.Remove} {
		c := newStage(t, stageOptions{edges: 4, capacity: 8})
		c.place("/film/")
		c.fill(3)
		loads := c.lb.control.Loads.Tables(c.lb.Placement(), time.Now())
		order := func(edge string, lossless bool) error {
			_, err := c.lb.control.Proposals.Propose(t.Context(), placement.Command{Kind: kind, Name: edge, Lossless: lossless, Loads: loads})
			return err
		}
		var orders sync.WaitGroup
		var refused atomic.Int32
		for _, edge := range []string{"edge-1", "edge-2"} {
			orders.Go(func() {
				if errors.Is(order(edge, true), placement.ErrWouldLose) {
					refused.Add(1)
				}
			})
		}
		orders.Wait()
		if refused.Load() != 1 {
			t.Errorf("%s: %d of 2 were refused", kind, refused.Load())
		}
		if err := order("edge-3", false); err != nil {
			t.Errorf("%s, forced: %v", kind, err)
		}
	}
}

// TestALargeEdgeWaitsUntilItIsAccepted: by its capacity the limits of the others would
// fall, so an operator sees that before it joins.
func TestALargeEdgeWaitsUntilItIsAccepted(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.place("/film/")
	c.addEdge("edge-5", 1000)
	status := func(name string) (e wire.EdgeStatus) {
		t.Helper()
		var all []wire.EdgeStatus
		c.api(http.MethodGet, "/edges", nil, http.StatusOK, &all)
		for _, e = range all {
			if e.Name == name {
				return e
			}
		}
		t.Fatalf("no %s in %+v", name, all)
		return e
	}
	if e := status("edge-5"); e.State != wire.EdgePending {
		t.Fatalf("%+v", e)
	}
	var p wire.Preview
	c.api(http.MethodGet, "/edges/edge-5/accept", nil, http.StatusOK, &p)
	if !p.Lowers || p.Order != "accept" || p.Excess != 0 || p.LimitNow != 24 || p.Limit >= 64 {
		t.Fatalf("%+v", p)
	}
	c.api(http.MethodPost, "/edges/edge-1/accept", nil, http.StatusConflict, nil) // it waits for nothing
	c.api(http.MethodPost, "/edges/edge-5/accept", nil, http.StatusOK, nil)
	if e := status("edge-5"); e.State != wire.EdgeJoining {
		t.Fatalf("%+v", e)
	}
	// A member that states more has what it had until that is accepted.
	m := c.members[0]
	m.locked(func() { m.edge.Capacity = 500 })
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: m.edge}, http.StatusOK, nil)
	if e := status("edge-1"); e.Capacity != 8 || e.Asks != 500 {
		t.Fatalf("%+v", e)
	}
	c.api(http.MethodPost, "/edges/edge-1/accept", nil, http.StatusOK, nil)
	if e := status("edge-1"); e.Capacity != 500 || e.Asks != 0 {
		t.Fatalf("%+v", e)
	}
}

// TestStatusSaysWhatTheLossOfAZoneWouldCost: two racks with two edges each, which the
// ring puts apart; a third zone can't be apart from itself.
func TestStatusSaysWhatTheLossOfAZoneWouldCost(t *testing.T) {
	c := newStage(t, stageOptions{})
	for i, zone := range []string{"rack-1", "rack-1", "rack-2", "rack-2"} {
		c.addEdgeIn("edge-"+string(rune('1'+i)), zone, 8)
	}
	c.place("/film/")
	c.fill(1)
	var s wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	if len(s.Zones) != 2 || s.Zones[0].Zone != "rack-1" || len(s.Zones[0].Edges) != 2 || s.Zones[0].Lost != 0 {
		t.Fatalf("%+v", s.Zones)
	}
	for _, q := range s.Pairs {
		if q.SameZone {
			t.Errorf("pair %d: %s and %s are in one zone", q.ID, q.Low, q.High)
		}
	}
	for _, e := range s.Edges {
		if !strings.HasPrefix(e.Zone, "rack-") {
			t.Errorf("%s is in %q", e.Name, e.Zone)
		}
	}
	c = newStage(t, stageOptions{})
	for _, name := range []string{"edge-1", "edge-2"} {
		c.addEdgeIn(name, "rack-1", 8)
	}
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	if !s.Pairs[0].SameZone {
		t.Fatalf("%+v", s.Pairs)
	}
}

// Before sessions go from one living edge to others, by a drain, a resume, a stop in order,
// a return or a removal, those that get them are told which, by the placement of before: they
// have what comes next in them ready when it is made.
func TestAPlannedTakeoverIsForetold(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.place("/film/")
	c.fill(3)
	told := func(what, want string) {
		t.Helper()
		var got []string
		for _, m := range c.members {
			m.locked(func() {
				for _, f := range m.foretold {
					if got = append(got, fmt.Sprintf("%s gets %v", m.edge.Name, f.given)); f.version >= c.lb.Placement().Version {
						t.Errorf("%s: told when it was made", what)
					}
				}
				m.foretold = nil
			})
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s: %q", what, s)
		}
	}
	const away = "edge-2 gets [{1 [{1 4}]}], edge-3 gets [{2 [{3 4}]} {3 [{4 5}]}], edge-4 gets [{4 [{4 7}]}]" // two that edge-2 and edge-4 have no room for then
	const home = "edge-1 gets [{1 [{1 4}]} {4 [{4 7}]}], edge-2 gets [{2 [{3 4}]}], edge-4 gets [{3 [{4 5}]}]"
	told("nothing", "")
	c.api(http.MethodPost, "/edges/edge-1/drain", nil, http.StatusOK, nil)
	told("drain", away)
	c.api(http.MethodPost, "/edges/edge-1/resume", nil, http.StatusOK, nil)
	told("resume", home)
	m := c.member("edge-1")
	c.node(http.MethodPost, wire.PathStopping, wire.Stopping{Edge: "edge-1", Incarnation: 1}, http.StatusNoContent, nil)
	told("stop", away)
	m.locked(func() { m.edge.Incarnation = 2 })
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: m.edge}, http.StatusOK, nil)
	c.report(m)
	c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: "edge-1", Incarnation: 2, Version: c.lb.Placement().Version}, http.StatusNoContent, nil)
	told("return", home)
	c.api(http.MethodPost, "/edges/edge-1/remove", nil, http.StatusOK, nil)
	for _, name := range []string{"edge-2", "edge-4"} {
		c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: name, Incarnation: 1, Version: c.lb.Placement().Version}, http.StatusNoContent, nil)
	}
	until(t, "edge-1 has left", func() bool { _, there := c.lb.Placement().Edge("edge-1"); return !there })
	told("removal", "edge-2 gets [{4 [{4 7}]}], edge-3 gets [{2 [{3 4}]} {3 [{4 5}]}], edge-4 gets [{1 [{1 4}]}]")
}
