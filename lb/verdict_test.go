package lb

import (
	"net/http"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// What the API says of the next failure, and how bad all is, the metrics say as well.
func TestAPIAndMetricSayTheSameOfTheNextFailure(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	metric := func(name string) float64 {
		for _, m := range plains {
			if m.name == name {
				return m.value(c.lb)
			}
		}
		t.Fatalf("there is no metric %s", name)
		return 0
	}
	next := func() (s wire.Survival, gauge float64) {
		var status wire.Status
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &status)
		if level := metric("tandem_lb_verdict"); level != float64(status.Verdict.Level) {
			t.Errorf("the metric says %v, the API %d", level, status.Verdict.Level)
		}
		return status.Verdict.Survives, metric("tandem_lb_next_failure_survived")
	}
	until(t, "the next failure is survived", func() bool { s, gauge := next(); return s == wire.Yes && gauge == 1 })
	e := c.lb.Placement().Edges[0]
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
	until(t, "no second edge is there", func() bool { s, gauge := next(); return s == wire.No && gauge == 0 })
}
