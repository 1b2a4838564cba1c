package systest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// A hundred viewers, more than three edges may be given; each of the four edges is killed and
// brought back in turn. Nobody sees it.
func TestEachEdgeKilledUnderAHundredViewers(t *testing.T) {
	h := start(t, "--capacity", "40") // limit 30 each: a hundred viewers need all four edges
	a := seat(t, h)
	a.watch(100, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 1})
	h.Await("everybody is in", 20*time.Second, sessions(100))
	for _, name := range []string{"edge-1", "edge-2", "edge-3", "edge-4"} {
		s, err := h.Status()
		must(t, err)
		for _, e := range s.Edges {
			if e.Name == name && e.Delivering == 0 {
				t.Errorf("%s delivers to nobody; its death shows nothing", name)
			}
		}
		killed(t, h, name)
		time.Sleep(1500 * time.Millisecond) // viewers go on without it
		returned(t, h, name)
	}
	nothingSeen(t, a.report(false), 100, 1000)
	var receipts []wire.Receipt
	must(t, h.API("/api/v1/receipts", &receipts))
	if len(receipts) != 4 {
		t.Errorf("%d receipts for 4 deaths", len(receipts))
	}
	for _, r := range receipts {
		if r.Lost != 0 || r.Moved == 0 {
			t.Errorf("receipt of %s: %d lost, %d moved", r.Edge, r.Lost, r.Moved)
		}
	}
}

// The same on a live channel, with players that never try again.
func TestAnEdgeKilledUnderLiveViewers(t *testing.T) {
	t.Parallel()
	h := start(t)
	a := seat(t, h)
	a.watch(20, "/live/master.m3u8", player.Config{For: 10 * time.Minute, Retries: 0})
	s := h.Await("everybody is in", 20*time.Second, sessions(20))
	time.Sleep(4 * time.Second) // buffers fill
	name := busiest(s)
	killed(t, h, name)
	time.Sleep(4 * time.Second)
	returned(t, h, name)
	nothingSeen(t, a.report(false), 20, 60)
}

// An edge that hangs is worse than one that dies: nothing fails.
func TestAnEdgeThatHangs(t *testing.T) {
	t.Parallel()
	h := start(t)
	a := seat(t, h)
	a.watch(30, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 10 * time.Second, Retries: 0})
	s := h.Await("everybody is in", 20*time.Second, sessions(30))
	name := busiest(s)
	must(t, h.Stop(name))
	h.Await(name+" is declared dead", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, name) == wire.EdgeDown })
	must(t, h.Cont(name))
	h.Await(name+" has come back by itself", 30*time.Second, cluster.AllUp)
	nothingSeen(t, a.report(false), 30, 100)
}

// Cold edges, fifty viewers: the origin is asked once for each segment for each
// pair, and not once more because an edge dies in the middle.
func TestTheOriginIsAskedOnceAPair(t *testing.T) {
	t.Parallel()
	h := start(t)
	a := seat(t, h)
	h.OriginCounts(true)
	a.watch(50, stored, player.Config{Speed: 4, Buffer: 12 * time.Second, Retries: 1})
	s := h.Await("everybody is in", 20*time.Second, sessions(50))
	time.Sleep(2 * time.Second)
	killed(t, h, busiest(s))
	nothingSeen(t, a.report(true), 50, 50*30)
	var streams []wire.StreamStatus
	must(t, h.API("/api/v1/streams", &streams))
	pairs := 0
	for _, s := range streams {
		if s.Stream == "/sample/" {
			pairs = len(s.Pairs)
		}
	}
	if pairs == 0 {
		t.Fatalf("/sample/ is not placed: %v", streams)
	}
	segments, asked := 0, 0
	for path, n := range h.OriginCounts(false) {
		if !isSegment(path) {
			continue
		}
		segments++
		asked += n
		if n > pairs {
			t.Errorf("%s: the origin was asked %d times for %d pairs", path, n, pairs)
		}
	}
	t.Logf("%d segments on %d pairs: the origin was asked %d times", segments, pairs, asked)
	if segments < 120 {
		t.Errorf("only %d segments were asked for; 4 renditions have 30 each", segments)
	}
}

// The document's limit, filled: each edge killed in turn loses nobody, and
// nobody delivers more than it can.
func TestFilledToTheLimit(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 4} {
		t.Run(fmt.Sprintf("%d edges", n), func(t *testing.T) {
			h := start(t, "--edges", fmt.Sprint(n), "--capacity", "12", "--edge-flags", "--session-idle=20s")
			a := seat(t, h)
			fits := n * 12 * (n - 1) / n
			a.watch(fits, stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Retries: 1})
			everybody(t, h, fits) // sums of reports count one twice who is on its way between edges
			refused(t, h)
			for i := range n {
				name := fmt.Sprintf("edge-%d", i+1)
				killed(t, h, name)
				s := h.Await("everybody is with the others", 10*time.Second, sessions(fits))
				for _, e := range s.Edges {
					if e.Delivering > e.Capacity {
						t.Errorf("%s dead: %s delivers %d with a capacity of %d", name, e.Name, e.Delivering, e.Capacity)
					}
				}
				returned(t, h, name)
			}
			nothingSeen(t, a.report(false), fits, 3*fits)
		})
	}
}

// busiest is the edge that delivers most.
func busiest(s *wire.Status) string {
	name, most := "", -1
	for _, e := range s.Edges {
		if e.Delivering > most {
			name, most = e.Name, e.Delivering
		}
	}
	return name
}

// refused checks that one viewer more is refused, and told why and how long.
func refused(t *testing.T, h *cluster.Harness) {
	t.Helper()
	f := h.File()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.Viewers[0]+stored, nil)
	must(t, err)
	req.Close = true // a connection of its own: a viewer of its own
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || resp.Header.Get(wire.HeaderReason) == "" {
		t.Errorf("one viewer too many: %s, Retry-After %q, %s %q; want 503 with both",
			resp.Status, resp.Header.Get("Retry-After"), wire.HeaderReason, resp.Header.Get(wire.HeaderReason))
	}
}
