package lb

import (
	"net/http"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm"
)

// What the API says of the next failure the metric says as well.
func TestAPIAndMetricSayTheSameOfTheNextFailure(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	next := func() (s wire.Survival, gauge float64) {
		var status wire.Status
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &status)
		for _, m := range plains {
			if m.name == "tandem_lb_next_failure_survived" {
				return status.Verdict.Survives, m.value(c.lb)
			}
		}
		t.Fatal("there is no such metric")
		return "", 0
	}
	until(t, "the next failure is survived", func() bool { s, gauge := next(); return s == wire.Yes && gauge == 1 })
	e := c.lb.Placement().Edges[0]
	c.propose(raftfsm.Command{Kind: raftfsm.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
	until(t, "no second edge is there", func() bool { s, gauge := next(); return s == wire.No && gauge == 0 })
}
