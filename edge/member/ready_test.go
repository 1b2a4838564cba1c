package member

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/clock"
	"tandem/edge/fetch"
	"tandem/edge/prefetch"
	"tandem/edge/recovery"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestWhoIsReadySaysSoUntilItIsTaken: balancers without a leader can note nothing, and a
// returned edge does not wait the minute for which copies count (claims 28, 30).
func TestWhoIsReadySaysSoUntilItIsTaken(t *testing.T) {
	said := make(chan string, 100)
	balancer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said <- r.URL.Path
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer balancer.Close()
	p := &wire.Placement{Version: 1, Edges: []wire.Edge{{Name: "e1", Capacity: 8, State: wire.EdgeRecovering, Incarnation: 1}}}
	p = ring.Form(p.Index())
	m := &Member{
		cfg: Config{Name: "e1", NoticeEvery: 200 * time.Millisecond, Balancers: []string{balancer.URL}}, log: zerolog.Nop(), now: time.Now,
		tables: newTables("e1"), view: fetch.NewView("e1", time.Now), clock: clock.New(time.Now, zerolog.Nop()), changed: make(chan struct{}),
		call: call.NewClient("e1", wire.Secret{}, nil), next: &segments{}, Prefetch: prefetch.New(prefetch.Deps{Logger: zerolog.Nop(), Now: time.Now}),
		Copier: recovery.New(recovery.Deps{Name: "e1", Now: time.Now}),
	}
	m.Foresight.member = m
	m.view.Swap(p)
	m.tables.follow(p, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = m.copying(ctx) }()
	for range 2 {
		select {
		case path := <-said:
			if path != wire.PathReady {
				t.Error(path)
			}
		case <-time.After(recovery.Every / 6):
			t.Fatal("it is not taken, and it says it no more")
		}
	}
}

// TestASpareTableIsNotMadeReady: who has a table lest two die at once has nothing of what its
// sessions play, and would fetch it in vain before it says that it is ready.
func TestASpareTableIsNotMadeReady(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tables["e1"].delivered(1, id.Slot, wire.Track{Kind: wire.VideoTrack, Manifest: "/s/m.mpd", Target: "/s/1", Sequence: 1, At: 10}, false)
	for edge, want := range map[string]int{"e2": 1, "e3": 0} {
		r.tell("e1", edge)
		if r.has(edge, id) == nil {
			t.Fatalf("%s was not told", edge)
		}
		if lists := r.tables[edge].lists(); len(lists) != want {
			t.Errorf("%s gets %v", edge, lists)
		}
	}
	p := &wire.Placement{Version: 1, Admission: ring.PairAdmission}
	for _, name := range []string{"e1", "e2", "e3", "e4"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: 8, State: wire.EdgeUp, Incarnation: 1})
	}
	p = ring.Form(p.Index())
	p.Edges[0].State, p.Edges[0].Removing = wire.EdgeLeaving, true
	for edge, want := range map[string]bool{"e2": true, "e3": false, "e4": true} { // e4 stands in the place of the one that leaves
		tables := newTables(edge)
		tables.follow(p.Index(), 0)
		if got := tables.table(1).comes(p, 0); got != want {
			t.Errorf("a slot of e1's comes to %s: %v", edge, got)
		}
	}
}
