package systest

import (
	"context"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Figures 16 and 17 with real processes: 4 edges of capacity 8 deliver 6 each;
// after the death of edge-1 the others deliver 8 each; after its return every
// boundary is what it was. The 25th viewer is refused, until one leaves.
func TestFigure16To17To16(t *testing.T) {
	t.Parallel()
	h := start(t, "--capacity", "8", "--edge-flags", "--session-idle=8s")
	a := seat(t, h)
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Retries: 1})
	h.Await("24 viewers", 20*time.Second, sessions(24))
	six := map[string]int{"edge-1": 6, "edge-2": 6, "edge-3": 6, "edge-4": 6}
	before := h.Await("6 each", 10*time.Second, delivering(six))
	refused(t, h)

	must(t, h.Kill("edge-1"))
	began := time.Now()
	h.Await("8 each", 10*time.Second, delivering(map[string]int{"edge-2": 8, "edge-3": 8, "edge-4": 8}))
	t.Logf("the three others deliver 8 each %s after the kill", time.Since(began).Round(time.Millisecond))
	time.Sleep(2 * time.Second)

	returned(t, h, "edge-1")
	after := h.Await("6 each again", 10*time.Second, delivering(six))
	if boundaries(before) != boundaries(after) {
		t.Errorf("boundaries before %s\nafter %s", boundaries(before), boundaries(after))
	}

	a.stops[0]() // one leaves; its slot is free when it has been idle
	h.Await("23 viewers", 20*time.Second, sessions(23))
	f := h.File()
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	seen := make(chan struct{}, 100)
	done := make(chan player.Report, 1)
	go func() {
		done <- player.Play(ctx, player.Config{Entry: f.Viewers[0] + stored, Progress: func(player.Report) { seen <- struct{}{} }})
	}()
	select {
	case <-seen:
	case <-ctx.Done():
	}
	stop()
	if r := <-done; r.Refused > 0 || r.Segments == 0 {
		t.Errorf("after one has left, the next one is not admitted: %s (%s)", r, r.Reason)
	}
	nothingSeen(t, a.report(false), 24, 24*5)
}

// Two neighbours die at once: what they held together comes from the origin
// again, and everybody for whom there is capacity goes on.
func TestTwoNeighboursDieAtOnce(t *testing.T) {
	h := start(t, "--capacity", "12")
	a := seat(t, h)
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Buffer: 16 * time.Second, Retries: 3})
	h.Await("24 viewers", 20*time.Second, sessions(24))
	time.Sleep(2 * time.Second)
	for _, name := range []string{"edge-1", "edge-2"} {
		must(t, h.Kill(name))
	}
	h.Await("both are declared dead", 10*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, "edge-1") == wire.EdgeDown && cluster.EdgeState(s, "edge-2") == wire.EdgeDown
	})
	time.Sleep(6 * time.Second)
	s, err := h.Status()
	must(t, err)
	for _, e := range s.Edges {
		if e.Delivering > e.Capacity {
			t.Errorf("%s delivers %d with a capacity of %d", e.Name, e.Delivering, e.Capacity)
		}
	}
	for _, name := range []string{"edge-1", "edge-2"} {
		must(t, h.Restart(name))
	}
	h.Await("all are back", 30*time.Second, cluster.AllUp)
	r := a.report(false)
	if r.Wrong > 0 || r.GivenUp > 0 || r.Stalls > 0 {
		t.Errorf("24 viewers, capacity 24 left: %s", r)
	}
}
