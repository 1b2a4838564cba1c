package systest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

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
	a.watch(40, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 1})
	h.Await("everybody is in", 30*time.Second, func(s *wire.Status) bool { return s.Sessions >= 40 })
	time.Sleep(20 * time.Second / 2) // all pairs have been asked for all of it

	killed(t, h, "edge-2")
	n, err := h.Node("edge-2")
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(n.Dir, "data")))
	h.OriginCounts(true)
	returned(t, h, "edge-2")
	for path, count := range h.OriginCounts(false) {
		if isSegment(path) {
			t.Errorf("the recovery asked the origin %d times for %s", count, path)
		}
	}
	s, err := h.Status()
	must(t, err)
	for _, e := range s.Edges {
		if e.Name == "edge-2" && (e.StoreBytes == 0 || e.OriginAsked != 0) {
			t.Errorf("edge-2 holds %d bytes and asked the origin %d times", e.StoreBytes, e.OriginAsked)
		}
	}
	killed(t, h, "edge-2")
	returned(t, h, "edge-2") // with its disk
	nothingSeen(t, a.report(false), 44, 400)
}

func isSegment(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".m4s" || ext == ".mp4" || ext == ".ts"
}
