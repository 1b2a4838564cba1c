package lb

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/call"
	"tandem/internal/wire"
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
