package lb

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// A node of the cluster that shows another secret, or whose clock is off, is named with
// what to do; what strangers call themselves is no news.
func TestStatusTellsWhichNodeDoesNotFit(t *testing.T) {
	now := time.Now()
	var later atomic.Int64
	c := newStage(t, stageOptions{edges: 3, capacity: 8, now: func() time.Time { return now.Add(time.Duration(later.Load())) }})
	verdict := func() string {
		var s wire.Status
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		return strings.Join([]string{s.Verdict.Text, s.Verdict.More, s.Verdict.Next}, " | ")
	}
	says := func(words string, want bool) {
		t.Helper()
		if said := verdict(); strings.Contains(said, words) != want {
			t.Errorf("%q: want it said: %v, in %s", words, want, said)
		}
	}
	report := c.member("edge-2").report()
	report.Time = now.Add(time.Minute).UnixMilli()
	c.node(http.MethodPost, wire.PathReport, report, http.StatusOK, &wire.ReportAnswer{})
	says("The clock of edge-2 is 1m0s ahead", true)
	says("Set the clock of edge-2", true)

	c.propose(placement.Command{Kind: placement.EdgeDown, Name: "edge-1", Incarnation: 1})
	knocks := func(name, auth string) {
		t.Helper()
		header := []string{wire.HeaderFrom, name}
		if auth != "" {
			header = append(header, wire.HeaderAuth, auth)
		}
		if resp, _ := c.request(c.client, http.MethodPost, c.url+wire.PathRegister, strings.NewReader("{}"), header...); resp.StatusCode != http.StatusForbidden {
			t.Fatalf("%s was let in: %s", name, resp.Status)
		}
	}
	knocks("edge-1", "")
	knocks("edge-9", "Bearer of nothing")
	says("refused", false)
	knocks("edge-1", "Bearer of nothing")
	says("edge-1 is down, and its calls are refused, for it shows another secret than this cluster's", true)
	says("Give edge-1 this cluster's secret file", true)
	later.Store(int64(time.Hour))
	says("refused", false)
	says("Bring edge-1 back", true)
	says("clock of", false)
}

// An edge that trusts another authority calls nobody here. So those that are down are
// called, and what comes of it is told.
func TestAnEdgeThatIsDownIsCalled(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(stranger.Close)
	e := c.member("edge-2").edge
	e.HTTP, e.Incarnation = stranger.URL, e.Incarnation+1
	c.propose(placement.Command{Kind: placement.EdgeUp, Edge: &e})
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
	until(t, "it is said why it is not heard", func() bool {
		var s wire.Status
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		return strings.Contains(s.Verdict.Text, "edge-2 is down, and its calls are refused, for it refuses what this balancer shows")
	})
}
