package lb

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// lose declares an edge dead; it lives on.
func (c *stage) lose(m *member, cause string) {
	c.t.Helper()
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: m.edge.Name, Incarnation: m.edge.Incarnation, Cause: cause})
}

// A machine that stood still for two seconds has all edges declared dead. They are asked
// all the same, with a session and without one: nobody else is left.
func TestWhoIsDeclaredDeadIsAskedWhereNobodyElseIsLeft(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	in := c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(time.Hour)) + "/film/a.m4s"
	for _, m := range c.members {
		c.lose(m, "silent")
	}
	for _, path := range []string{in, "/film/b.m4s"} {
		if resp, body := c.viewer(nil, path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	back := c.members[1]
	e := back.edge
	e.Incarnation++ // it is back, and not ready
	c.propose(placement.Command{Kind: placement.EdgeUp, Edge: &e})
	back.locked(func() { back.edge = e })
	if s := c.state(e.Name); s != wire.EdgeRecovering {
		t.Fatal(s)
	}
	if resp, body := c.viewer(nil, strings.Replace(in, "a.m4s", "c.m4s", 1)); resp.StatusCode != http.StatusOK || back.asked["/film/c.m4s"] != 1 {
		t.Errorf("%s %s: not by the one that is back", resp.Status, body)
	}
}

// Who stops by its own wish is not asked after, and of many that are dead three are.
func TestNotAllThatAreDeadAreAsked(t *testing.T) {
	c := newStage(t, stageOptions{edges: 6, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	for i, m := range c.members {
		if i == 0 {
			c.lose(m, wire.CauseStopping)
			continue
		}
		m.locked(func() { m.answers = func(http.ResponseWriter) { panic(http.ErrAbortHandler) } })
		c.lose(m, "silent")
	}
	resp, _ := c.viewer(nil, c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(time.Hour))+"/film/a.m4s")
	asked := 0
	for _, m := range c.members {
		m.locked(func() { asked += m.asked["/film/a.m4s"] })
	}
	if resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusBadGateway || asked == 0 || asked > mostLost || c.members[0].asked["/film/a.m4s"] != 0 {
		t.Errorf("%s; %d were asked", resp.Status, asked)
	}
}
