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
	t.Parallel()
	h := start(t)
	f := h.File()
	a := seat(t, h)
	a.watch(30, stored, player.Config{For: 10 * time.Minute, Buffer: 20 * time.Second, Retries: 40, Others: f.Viewers})
	before := h.Await("everybody is in", 20*time.Second, sessions(30))
	a.buffered(30, 8) // of 2 s

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
	counted := whatWasToldOutlives(t, h)

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
	if after.Takeovers < counted {
		t.Errorf("%d takeovers, after %d", after.Takeovers, counted)
	}
	if after.Version < before.Version {
		t.Errorf("the placement went back from version %d to %d", before.Version, after.Version)
	}
	r := a.report(false)
	if r.Stalls > 0 || r.Wrong > 0 || r.GivenUp > 0 || r.Refused > 0 {
		t.Errorf("viewers saw more than a connection that had to be made again: %s", r)
	}
}

// whatWasToldOutlives kills the balancer that has finished most responses, as soon as the
// others have what it had counted: a second is four times what they may lack (takeover.md).
// Its counts are theirs, and stay.
func whatWasToldOutlives(t *testing.T, h *cluster.Harness) (sum int64) {
	t.Helper()
	f := h.File()
	most := ""
	for tries := 0; sum == 0; tries++ {
		if tries == 10 {
			t.Fatal("ten deaths, and no response was taken over")
		}
		killed(t, h, "edge-2")
		most, sum = counts(t, &f)
		returned(t, h, "edge-2")
	}
	told := func(*wire.Status) bool {
		for _, name := range f.Names(cluster.RoleLB) {
			if s := at(h, name); name != most && (s == nil || s.Takeovers < sum) {
				return false
			}
		}
		return true
	}
	h.Await("what each has counted is told", time.Second, told) // since before the edge was back, at the latest
	must(t, h.Kill(most))
	h.Await("what the dead one had counted is there", 5*time.Second, told)
	must(t, h.Restart(most))
	awaitBalancers(h, 3)
	return sum
}

// counts are the responses that balancers have finished in their lives of now, and who most.
func counts(t *testing.T, f *cluster.File) (most string, sum int64) {
	t.Helper()
	highest := -1.0
	for _, name := range f.Names(cluster.RoleLB) {
		own := metric(t, f.Node(name).Admin, "tandem_lb_takeovers_total", "")
		if sum += int64(own); own > highest {
			most, highest = name, own
		}
	}
	return most, sum
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
