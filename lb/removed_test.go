package lb

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/lb/api"
)

// A balancer that an operator takes out while it serves is not ready at once, serves whom it
// has, and has them go elsewhere, once.
func TestABalancerThatIsTakenOutGetsNoMoreViewers(t *testing.T) {
	var told atomic.Int32
	var stands atomic.Pointer[time.Time]
	now := func() time.Time {
		if at := stands.Load(); at != nil {
			return *at
		}
		return time.Now()
	}
	all := balancersOf(t, stageOptions{deps: func(d *Deps) { d.Now, d.TakenOut = now, func() { told.Add(1) } }}, func(*Config) {})
	for _, c := range all {
		until(t, c.lb.cfg.Name+" knows three that vote", func() bool {
			return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3
		})
	}
	out, other := all[1], all[0]
	if out.lb.node.IsLeader() {
		out, other = all[0], all[1]
	}
	other.addEdge("edge-1", 8)
	other.addEdge("edge-2", 8)
	until(t, "it has the edges", func() bool { _, ok := out.lb.Placement().Edge("edge-2"); return ok })
	resp, _ := out.viewer(nil, entryPath)
	if told.Load() != 0 {
		t.Fatal("it is told to go before anything has happened")
	}
	at := time.Now()
	stands.Store(&at) // by its own log, then: no time passes in which it would miss the others
	other.api(http.MethodDelete, "/balancers/"+out.lb.cfg.Name, nil, http.StatusOK, nil)
	until(t, "it is not ready", func() bool {
		got, text := out.request(out.client, http.MethodGet, out.url+wire.PathHealth, nil)
		return got.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(text), "it was taken out of the cluster")
	})
	stands.Store(nil)
	for c, want := range map[*stage]string{out: "1", other: ""} {
		if got, _ := c.request(c.client, http.MethodGet, c.admin.URL+api.Prefix+"/status", nil); got.Header.Get(api.HeaderStale) != want {
			t.Errorf("%s: its view is told as %v", c.lb.cfg.Name, got.Header)
		}
	}
	until(t, "its viewers are to go elsewhere", func() bool { return told.Load() > 0 })
	if got, body := out.viewer(nil, resp.Header.Get("Location")); got.StatusCode != http.StatusOK || string(body) != "object "+entryPath {
		t.Errorf("its viewer: %s %q", got.Status, body)
	}
	asked := func() int64 {
		pong, _ := out.lb.control.Balancer(other.lb.cfg.Name)
		return pong.Time
	}
	for range 2 {
		was := asked()
		until(t, "it has asked the others again", func() bool { return asked() > was })
	}
	if n := told.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Without a majority no order is begun, and nothing is told of what one would do: all say so,
// and what to do.
func TestWithoutAMajorityNoOrderIsBegun(t *testing.T) {
	all := balancersOf(t, stageOptions{}, func(*Config) {})
	for _, c := range all {
		until(t, c.lb.cfg.Name+" knows three that vote", func() bool {
			return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3
		})
	}
	left := all[2]
	m := left.addEdge("edge-1", 8)
	left.addEdge("edge-2", 8)
	all[0].stop()
	all[1].stop()
	until(t, "nobody leads", func() bool { _, led := left.lb.node.Leader(); return !led })
	before := left.lb.Placement().Version
	purged := 0
	m.locked(func() { purged = m.asked[wire.PathPurge] })
	var under sync.WaitGroup
	for _, row := range [][3]string{
		{http.MethodGet, "/edges/edge-1/remove", ""},
		{http.MethodPost, "/edges/edge-1/drain", ""},
		{http.MethodPost, "/purge", `{"prefix": "/"}`},
		{http.MethodPost, "/keys/tokens/rotate", ""},
		{http.MethodPost, "/nodes/edge-2/revoke", ""},
		{http.MethodDelete, "/balancers/lb-1", ""},
	} {
		under.Go(func() {
			text := string(left.api(row[0], row[1], row[2], http.StatusServiceUnavailable, nil))
			if !strings.Contains(text, "no majority of them is there; start those that are gone") || !strings.Contains(text, "nothing has changed") {
				t.Errorf("%s %s: %s", row[0], row[1], text)
			}
		})
	}
	under.Wait()
	if now := left.lb.Placement().Version; now != before {
		t.Errorf("version %d after %d", now, before)
	}
	m.locked(func() {
		if m.asked[wire.PathPurge] != purged {
			t.Error("an edge was told to purge")
		}
	})
	left.api(http.MethodGet, "/status", nil, http.StatusOK, nil)
}

// A second process of an edge's name, a clone of its machine say, is refused as a member; what
// it reports all the same hides nothing of what the edge itself does.
func TestAClonesReportsHideNothing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	m := c.member("edge-1")
	c.report(m)
	clone := m.report()
	clone.Incarnation, clone.StoreBytes = m.edge.Incarnation+5, 7
	c.node(http.MethodPost, wire.PathReport, clone, http.StatusOK, &wire.ReportAnswer{})
	c.report(m)
	var edges []wire.EdgeStatus
	c.api(http.MethodGet, "/edges", nil, http.StatusOK, &edges)
	if e := edges[0]; e.ReportAge < 0 || e.StoreBytes == clone.StoreBytes {
		t.Errorf("%+v", e)
	}
}
