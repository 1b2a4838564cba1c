package systest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// An edge returns with an empty disk: all comes from its neighbours, nothing
// from the origin, and viewers go home. With its disk it copies nothing.
func TestAnEdgeReturnsWithoutItsDisk(t *testing.T) {
	h := start(t, "--capacity", "16")
	a := seat(t, h)
	for i := range 4 { // every rendition is on the edges before it begins
		a.watch(1, stored, player.Config{Speed: 20, Rendition: i})
	}
	a.wg.Wait()
	a.watch(40, stored, player.Config{For: 10 * time.Minute, Speed: 4, Buffer: 24 * time.Second, Retries: 1})
	h.Await("everybody is in", 30*time.Second, func(s *wire.Status) bool { return s.Sessions >= 40 })
	settled(t, h)
	for round := 1; ; round++ {
		asked, others := wiped(t, h, "edge-2")
		if len(asked) == 0 {
			break
		}
		if len(others) == 0 || round == 3 {
			t.Fatalf("the recovery asked the origin: %q, while %v were declared dead", asked, others)
		}
		t.Logf("%v were declared dead meanwhile, on a machine that had no time for them: who took over asked the origin", others)
		settled(t, h)
	}
	killed(t, h, "edge-2")
	returned(t, h, "edge-2") // with its disk
	nothingSeen(t, a.report(false), 44, 400)
}

// wiped kills an edge, lets it return with an empty disk, and tells what the origin was
// asked for meanwhile, and who else was declared dead.
func wiped(t *testing.T, h *cluster.Harness, name string) (asked, others []string) {
	t.Helper()
	killed(t, h, name)
	n, err := h.Node(name)
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(n.Dir, "data")))
	h.OriginCounts(true)
	before := originAsked(t, h, name) // in all its lives
	since := time.Now().UnixMilli()
	returned(t, h, name)
	for path, count := range h.OriginCounts(false) {
		if isSegment(path) {
			asked = append(asked, fmt.Sprintf("%s %d times", path, count))
		}
	}
	s, err := h.Status()
	must(t, err)
	for _, e := range s.Edges {
		if e.Name == name && e.StoreBytes == 0 {
			t.Errorf("%s holds nothing", name)
		}
	}
	if n := originAsked(t, h, name) - before; n != 0 {
		asked = append(asked, fmt.Sprintf("by %s, %d times", name, n))
	}
	var history []wire.Event
	must(t, h.API("/api/v1/history", &history))
	for _, e := range history {
		if e.Kind == "edge_down" && e.Edge != name && e.Time >= since {
			others = append(others, e.Edge)
		}
	}
	return asked, others
}

// originAsked is how often an edge has asked the origin, as balancers tell it.
func originAsked(t *testing.T, h *cluster.Harness, name string) int64 {
	t.Helper()
	s, err := h.Status()
	must(t, err)
	for _, e := range s.Edges {
		if e.Name == name {
			return e.OriginAsked
		}
	}
	t.Fatalf("no edge is called %s", name)
	return 0
}

// settled waits until the edges hold all that viewers ask for: for 3 s the origin is asked
// for no segment.
func settled(t *testing.T, h *cluster.Harness) {
	t.Helper()
	began := time.Now()
	h.OriginCounts(true)
	quiet, last := time.Now(), 0
	for deadline := time.Now().Add(time.Minute); time.Since(quiet) < 3*time.Second; time.Sleep(100 * time.Millisecond) {
		n := 0
		for path, count := range h.OriginCounts(false) {
			if isSegment(path) {
				n += count
			}
		}
		if n != last {
			quiet, last = time.Now(), n
		}
		if time.Now().After(deadline) {
			t.Fatalf("the origin is asked for segments all the time: %v", h.OriginCounts(false))
		}
	}
	t.Logf("the edges have all that viewers ask for after %s", time.Since(began).Round(time.Millisecond))
}

func isSegment(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".m4s" || ext == ".mp4" || ext == ".ts"
}
