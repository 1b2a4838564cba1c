package lb

import (
	"net/http"
	"testing"

	"tandem/internal/wire"
)

// What a balancer has counted is the same at every balancer, and there when it is dead.
func TestWhatABalancerCountedOutlivesIt(t *testing.T) {
	all := threeBalancers(t, func(*Config) {})
	c := all[0]
	until(t, "all vote", func() bool { return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3 })
	for _, name := range []string{"edge-1", "edge-2", "edge-3"} {
		c.addEdge(name, 8)
	}
	resp, _ := c.viewer(nil, entryPath)
	token, _ := c.sessionAt(resp)
	pair, _ := c.lb.Placement().Pair(token.Pair)
	text, _, _ := wire.SplitPath(resp.Header.Get("Location"))
	c.member(pair.Low).Close()
	c.member(pair.High).Close()
	if resp, body := c.viewer(nil, wire.SessionPrefix+text+"/film/a.m4s"); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, body)
	}
	c.lb.counts.refused(wire.ReasonCluster)
	shows := func(c *stage) (s wire.Status, finished int64) {
		var receipts []wire.Receipt
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
		for _, r := range receipts {
			finished += r.Finished
		}
		return s, finished
	}
	for _, at := range all {
		until(t, at.lb.cfg.Name+" shows it", func() bool {
			s, finished := shows(at)
			return s.Takeovers == 1 && s.Refused == 1 && finished >= 1
		})
	}
	c.lb.counts.refused(wire.ReasonCluster) // it is not time yet to tell of it, and never will be
	c.stop()
	for _, at := range all[1:] {
		until(t, at.lb.cfg.Name+" shows what was told last", func() bool { s, _ := shows(at); return s.Refused == 2 })
		if s, finished := shows(at); s.Takeovers != 1 || finished < 1 {
			t.Errorf("%s: %d takeovers, %d in receipts", at.lb.cfg.Name, s.Takeovers, finished)
		}
	}
}
