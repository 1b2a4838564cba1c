package edges

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/loads"
)

// ringOf are two edges, the first of which delivers four sessions of their first pair, and
// what is asked of the second.
func ringOf(t *testing.T, asked http.HandlerFunc) (*Asking, *wire.Placement) {
	s := httptest.NewServer(asked)
	t.Cleanup(s.Close)
	p := ring.Form((&wire.Placement{Edges: []wire.Edge{
		{Name: "e1", HTTP: "http://127.0.0.1:0", Capacity: 8, State: wire.EdgeUp}, {Name: "e2", HTTP: s.URL, Capacity: 8, State: wire.EdgeUp},
	}}).Index())
	known := loads.New()
	known.Take(wire.Report{Edge: "e1", Delivering: 4, Pairs: []wire.PairLoad{{Pair: 1, Taken: []wire.Run{{From: 0, To: 4}}}}}, time.Now())
	return New(call.NewClient("lb-1", wire.Secret{}, nil), known, time.Now), p
}

// Who gets sessions is told which, and waited for, for a while; where nobody gets any,
// nobody is asked.
func TestWhoGetsSessionsIsToldWhich(t *testing.T) {
	var answered, asked atomic.Int64
	a, p := ringOf(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var given []ring.Load
		if err := json.NewDecoder(r.Body).Decode(&given); err != nil || r.URL.Path != wire.PathForesee || len(given) != 1 || given[0].Pair != 1 || len(given[0].Taken) != 1 || given[0].Taken[0] != (wire.Run{From: 0, To: 4}) {
			t.Errorf("%s: %v, %v", r.URL.Path, given, err)
		}
		time.Sleep(10 * time.Millisecond)
		answered.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})
	a.ForetellState(context.Background(), p, "e2", wire.EdgeDraining)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d were asked, and nobody gets a session", n)
	}
	began := time.Now()
	a.ForetellState(context.Background(), p, "e1", wire.EdgeDraining)
	if waited := time.Since(began); answered.Load() != 1 && waited < foretold {
		t.Errorf("after %s %d were asked, and %d had answered", waited, asked.Load(), answered.Load())
	}
}

// An edge that does not answer keeps nobody waiting for longer.
func TestWhoDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	over := make(chan struct{})
	a, p := ringOf(t, func(http.ResponseWriter, *http.Request) { <-over })
	began := time.Now()
	a.ForetellState(context.Background(), p, "e1", wire.EdgeDraining)
	if waited := time.Since(began); waited < foretold {
		t.Errorf("waited %s", waited)
	}
	close(over)
}
