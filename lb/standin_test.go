package lb

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// leaderless is a balancer with four edges, whose two other balancers have died.
func leaderless(t *testing.T) *stage {
	t.Helper()
	all := threeBalancers(t, func(c *Config) { c.SilentFor = 300 * time.Millisecond })
	c := all[0]
	until(t, "all vote", func() bool { return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3 })
	for _, name := range []string{"edge-1", "edge-2", "edge-3", "edge-4"} {
		c.addEdge(name, 8)
	}
	resp, _ := c.viewer(nil, entryPath) // the stream is placed while somebody leads
	c.sessionAt(resp)
	all[1].stop()
	all[2].stop()
	until(t, "nobody leads", func() bool { _, ok := c.lb.node.Leader(); return !ok })
	return c
}

// TestWithoutAMajorityViewersGoWhereAnEdgeStandsIn: two of three balancers are dead,
// then an edge: nobody can commit its death, but its neighbour has found it dead and
// says so.
func TestWithoutAMajorityViewersGoWhereAnEdgeStandsIn(t *testing.T) {
	c := leaderless(t)
	p := c.lb.Placement()
	pair, _ := p.Pair(p.Stream("/film/")[0])
	dead, neighbour := c.member(pair.Low), c.member(pair.High)
	dead.Close()
	path := c.token(wire.SessionID{Pair: pair.ID}, "/film/", time.Now().Add(time.Hour)) + "/film/a.m4s"
	said := neighbour.report()
	said.StandsIn = []wire.StandIn{{Edge: dead.edge.Name, Incarnation: dead.edge.Incarnation, Since: time.Now().UnixMilli()}}
	until(t, "the silent edge is passed by", func() bool {
		neighbour.locked(func() { neighbour.sequence++; said.Sequence = neighbour.sequence })
		c.node(http.MethodPost, wire.PathReport, said, http.StatusOK, &wire.ReportAnswer{})
		e, _ := c.lb.Placement().Edge(dead.edge.Name)
		return e.State == wire.EdgeDown
	})
	if e, _ := c.lb.node.Placement().Edge(dead.edge.Name); e.State != wire.EdgeUp {
		t.Fatalf("the placement itself says %s: somebody has committed it", e.State)
	}
	if resp, body := c.viewer(nil, path); resp.StatusCode != http.StatusOK || string(body) != "object /film/a.m4s" {
		t.Fatalf("%s %q", resp.Status, body)
	}
	if n := c.lb.counts.takeoversAll.load(); n != 0 {
		t.Fatalf("%d responses were taken over: the dead edge was asked first", n)
	}
	resp, _ := c.viewer(nil, entryPath) // a placed stream can still be opened
	token, _ := c.sessionAt(resp)
	if edge, _ := ring.Route(c.lb.Placement(), pair, token.Slot); edge != neighbour.edge.Name {
		t.Fatalf("opened at %s", edge)
	}
	var s wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	i := slices.IndexFunc(s.Edges, func(e wire.EdgeStatus) bool { return e.Name == dead.edge.Name })
	if s.Majority || s.Edges[i].State != wire.EdgeSilent || !slices.Equal(s.Edges[i].StandIns, []string{neighbour.edge.Name}) {
		t.Fatalf("majority %v, %+v", s.Majority, s.Edges[i])
	}
	// A sign of life ends it.
	c.report(dead)
	until(t, "the edge is back", func() bool {
		e, _ := c.lb.Placement().Edge(dead.edge.Name)
		return e.State == wire.EdgeUp
	})
}

// TestOneEdgesWordIsNotEnough: neither an edge that is no neighbour is believed, nor
// a word against an edge that this balancer hears, nor one about a former life.
func TestOneEdgesWordIsNotEnough(t *testing.T) {
	c := leaderless(t)
	since := time.Now().UnixMilli()
	c.member("edge-2").Close() // silent for this balancer as well
	for _, row := range []struct {
		about, by string
		says      wire.StandIn
		holds     bool
	}{
		{"a former life", "edge-3", wire.StandIn{Edge: "edge-2", Incarnation: 7, Since: since}, false},
		{"nobody", "edge-3", wire.StandIn{Edge: "edge-9", Incarnation: 1, Since: since}, false},
		{"itself", "edge-3", wire.StandIn{Edge: "edge-3", Incarnation: 1, Since: since}, false},
		{"one that is heard", "edge-4", wire.StandIn{Edge: "edge-1", Incarnation: 1, Since: since}, false},
		{"one that is no neighbour", "edge-4", wire.StandIn{Edge: "edge-2", Incarnation: 1, Since: since}, false},
		{"a silent one", "edge-3", wire.StandIn{Edge: "edge-2", Incarnation: 1, Since: since}, true},
	} {
		until(t, row.about+": edge-2 has been silent for long enough", func() bool {
			e, _ := c.lb.node.Placement().Edge("edge-2")
			_, at, _ := c.lb.control.Loads.Last(e)
			return time.Since(at) > 400*time.Millisecond
		})
		c.report(c.member("edge-1"))
		said := c.member(row.by).report()
		said.StandsIn = []wire.StandIn{row.says}
		c.node(http.MethodPost, wire.PathReport, said, http.StatusOK, &wire.ReportAnswer{})
		var down []string
		for _, e := range c.lb.Placement().Edges {
			if e.State == wire.EdgeDown {
				down = append(down, e.Name)
			}
		}
		if want := []string{row.says.Edge}; row.holds != slices.Equal(down, want) || !row.holds && len(down) > 0 {
			t.Errorf("%s: shown as down: %v", row.about, down)
		}
	}
}

// TestWithAMajorityOnlyACommitCounts: while somebody leads, an edge's word is a
// suspicion like any other; the edge answers, so nothing changes.
func TestWithAMajorityOnlyACommitCounts(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.SilentFor = 50 * time.Millisecond }})
	e, _ := c.lb.node.Placement().Edge("edge-1")
	until(t, "edge-1 has been silent for long enough", func() bool {
		_, at, _ := c.lb.control.Loads.Last(e)
		return time.Since(at) > 100*time.Millisecond
	})
	said := c.member("edge-2").report()
	said.StandsIn = []wire.StandIn{{Edge: "edge-1", Incarnation: 1, Since: time.Now().UnixMilli()}}
	c.node(http.MethodPost, wire.PathReport, said, http.StatusOK, &wire.ReportAnswer{})
	if e, _ := c.lb.Placement().Edge("edge-1"); e.State != wire.EdgeUp || c.lb.control.Silent() != nil {
		t.Fatalf("shown as %s, silent %v", e.State, c.lb.control.Silent())
	}
}
