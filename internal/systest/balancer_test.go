package systest

import (
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Balancers die: the Raft leader, a follower, all at once. Viewers go on at the
// others, the placement is what it was, and an edge's death is still noticed.
func TestBalancersDie(t *testing.T) {
	h := start(t)
	f := h.File()
	a := seat(t, h)
	a.watch(30, stored, player.Config{For: 10 * time.Minute, Buffer: 20 * time.Second, Retries: 40, Others: f.Viewers})
	before := h.Await("everybody is in", 20*time.Second, sessions(30))
	time.Sleep(3 * time.Second) // buffers fill

	leader := before.Leader
	must(t, h.Kill(leader))
	now := h.Await("another leader", 20*time.Second, func(s *wire.Status) bool { return s.Leader != "" && s.Leader != leader })
	must(t, h.Restart(leader))

	follower := ""
	for _, name := range f.Names(cluster.RoleLB) {
		if name != now.Leader {
			follower = name
		}
	}
	awaitBalancers(h, 3)
	must(t, h.Kill(follower))
	killed(t, h, "edge-1")
	must(t, h.Restart(follower))
	returned(t, h, "edge-1")
	awaitBalancers(h, 3)

	for _, name := range f.Names(cluster.RoleLB) {
		must(t, h.Kill(name))
	}
	for _, name := range f.Names(cluster.RoleLB) {
		must(t, h.Restart(name))
	}
	after := h.Await("all is as it was", 30*time.Second, func(s *wire.Status) bool {
		return s.Leader != "" && s.Sessions == 30 && cluster.AllUp(s)
	})
	if boundaries(before) != boundaries(after) || before.Streams != after.Streams {
		t.Errorf("placement before %s (%d streams)\nafter %s (%d streams)", boundaries(before), before.Streams, boundaries(after), after.Streams)
	}
	if after.Version < before.Version {
		t.Errorf("the placement went back from version %d to %d", before.Version, after.Version)
	}
	r := a.report(false)
	if r.Stalls > 0 || r.Wrong > 0 || r.GivenUp > 0 || r.Refused > 0 {
		t.Errorf("viewers saw more than a connection that had to be made again: %s", r)
	}
}

// awaitBalancers waits until so many balancers are there and one leads.
func awaitBalancers(h *cluster.Harness, n int) {
	h.Await("the balancers are there", 20*time.Second, func(s *wire.Status) bool {
		alive := 0
		for _, b := range s.Balancers {
			if b.Alive {
				alive++
			}
		}
		return alive == n && s.Leader != ""
	})
}
