package lb

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/lb/proxy"
)

func (c *stage) suspect(edge string, incarnation uint64) {
	c.t.Helper()
	c.node(http.MethodPost, wire.PathSuspect, wire.Suspicion{Edge: edge, Incarnation: incarnation, By: "edge-9", Cause: "silent", SilentMS: 600}, http.StatusNoContent, nil)
}

func (m *member) pings() (n int) {
	m.locked(func() { n = m.pinged })
	return n
}

func TestSuspicionAloneKillsNobody(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	m := c.members[1]
	c.suspect(m.edge.Name, 1)
	until(t, "pinged", func() bool { return m.pings() > 0 })
	until(t, "the check has ended", func() bool { return !c.lb.control.Checks.Suspected(m.edge.Name) })
	if c.state(m.edge.Name) != wire.EdgeUp || len(c.lb.node.Deaths()) != 0 {
		t.Fatalf("%s is %s", m.edge.Name, c.state(m.edge.Name))
	}
}

func TestSuspicionOfAFormerLifeIsNotEvenChecked(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	m := c.members[0]
	c.suspect(m.edge.Name, 7)
	c.suspect("edge-77", 1)
	c.suspect(c.members[1].edge.Name, 1) // a later one that is checked
	until(t, "the later one was checked", func() bool { return c.members[1].pings() > 0 })
	if m.pings() != 0 {
		t.Fatalf("%d pings", m.pings())
	}
}

func TestEdgeThatDoesNotAnswerIsDeclaredDead(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	for range 3 {
		if resp, _ := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatal(resp.Status)
		}
	}
	for _, m := range c.members {
		c.report(m)
	}
	q := c.lb.Placement().Pairs[0]
	for _, m := range c.members {
		if m.edge.Name == q.Low {
			m.Close()
		}
	}
	c.suspect(q.Low, 1)
	until(t, "declared dead", func() bool { return c.state(q.Low) == wire.EdgeDown })
	deaths := c.lb.node.Deaths()
	if len(deaths) != 1 || deaths[0].Cause != "silent" || deaths[0].By != "edge-9" || deaths[0].Moved != 2 {
		t.Fatalf("%+v", deaths)
	}
	if after := c.lb.Placement().Pairs[0]; after.Boundary != 0 || after.Home != q.Home {
		t.Fatalf("the boundary is %d, home %d", after.Boundary, after.Home)
	}
}

func TestEdgeThatHangsIsDeclaredDeadAndPassedByMeanwhile(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.PingTimeout = 400 * time.Millisecond }})
	m := c.members[0]
	frozen := make(chan struct{})
	defer close(frozen)
	m.locked(func() { m.frozen = frozen })
	c.lb.control.Checks.Failed(m.edge.Name, proxy.CauseStalled)
	if !c.lb.control.Checks.Suspected(m.edge.Name) {
		t.Fatal("not suspected while it is being checked")
	}
	until(t, "declared dead", func() bool { return c.state(m.edge.Name) == wire.EdgeDown })
	if n := m.pings(); n < 2 { // more where the judge itself was late
		t.Fatalf("%d pings, want two beside each other", n)
	}
}

func TestAnotherLifeThatAnswersIsNotThisOne(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	m := c.members[2]
	m.locked(func() { m.edge.Incarnation = 2 }) // it was started again and has not registered yet
	c.suspect(m.edge.Name, 1)
	until(t, "the former life is declared dead", func() bool { return c.state(m.edge.Name) == wire.EdgeDown })
}

func TestMissingReportsLeadToAPing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(c *Config) { c.SilentFor = 300 * time.Millisecond }})
	silent := c.members[0]
	until(t, "the silent edge is pinged", func() bool { return silent.pings() > 0 })
	silent.Close()
	until(t, "declared dead", func() bool { return c.state(silent.edge.Name) == wire.EdgeDown })
}
