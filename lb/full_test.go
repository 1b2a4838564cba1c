package lb

import (
	"net/http"
	"testing"

	"tandem/internal/wire"
)

// fillUp opens sessions until a viewer is refused.
func (c *stage) fillUp(path string) {
	c.t.Helper()
	for range 100 {
		resp, _ := c.viewer(nil, path)
		c.mirror()
		for _, m := range c.members {
			c.report(m)
		}
		if resp.StatusCode == http.StatusServiceUnavailable {
			return
		}
	}
	c.t.Fatal("it is never full")
}

// What was opened and is not played makes way: the edges say how much of their load
// that is, and are asked though they are full.
func TestAFullClusterAsksWhoeverHasProvisionalSessions(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 4})
	c.fillUp(entryPath)
	opened := c.opened()
	if resp, _ := c.viewer(nil, entryPath); resp.StatusCode != http.StatusServiceUnavailable || c.opened() != opened {
		t.Fatalf("%s, %d opened", resp.Status, c.opened()-opened)
	}
	m := c.member("edge-2")
	m.locked(func() { m.yields = true })
	c.report(m)
	resp, _ := c.viewer(nil, entryPath)
	c.sessionAt(resp)
	if c.opened() != opened+1 {
		t.Fatal("nobody has made way")
	}
}

// A full cluster is full at every door.
func TestAFullClusterServesNobodyWithoutASession(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 4})
	const segment, other = "/film/v0/seg1.m4s", "/film/poster"
	person := c.person()
	c.sessionAt(first(c.viewer(person, entryPath, "User-Agent", "one")))
	for _, path := range []string{segment, other} {
		if resp, _ := c.viewer(nil, path); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s while there is room", path, resp.Status)
		}
	}
	c.fillUp(entryPath)
	if resp, _ := c.viewer(nil, segment, "User-Agent", "none"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a viewer that has no session: %s", resp.Status)
	}
	if resp, _ := c.viewer(nil, segment); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(wire.HeaderReason) != wire.ReasonCluster || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("a viewer that may be any of many: %s %v", resp.Status, resp.Header)
	}
	if resp, _ := c.viewer(nil, other); resp.StatusCode != http.StatusForbidden {
		t.Fatalf("what has no name of a segment: %s", resp.Status)
	}
	if resp, _ := c.viewer(person, segment, "User-Agent", "one"); resp.StatusCode != http.StatusOK {
		t.Fatalf("a viewer that has a session: %s", resp.Status)
	}
}

// Whoever was refused often enough costs nobody anything more.
func TestWhoIsRefusedOftenIsRefusedAtOnce(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 1, config: func(cfg *Config) { cfg.MaxRefused = 3 }})
	m := c.member("edge-1")
	m.locked(func() { m.refusal = wire.ReasonLimit })
	for range 3 {
		if resp, _ := c.viewer(nil, entryPath); resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatal(resp.Status)
		}
	}
	m.locked(func() { m.refusal = "" })
	resp, _ := c.viewer(nil, entryPath)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get(wire.HeaderReason) != wire.ReasonClient || resp.Header.Get("Retry-After") == "" || m.opened != 0 {
		t.Fatalf("%s %v, %d opened", resp.Status, resp.Header, m.opened)
	}
}

// An edge's word that a client opens more than it plays is the last one.
func TestAClientThatOpensMoreThanItPlaysIsToldSo(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	for _, m := range c.members {
		m.locked(func() { m.refusal = wire.ReasonClient })
	}
	if resp, _ := c.viewer(nil, entryPath); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get(wire.HeaderReason) != wire.ReasonClient {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
}
