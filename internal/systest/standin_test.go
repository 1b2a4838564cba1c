package systest

import (
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Two of three balancers are dead, then an edge dies: nobody can commit it. Its
// neighbours stand in, the balancer that is left leads viewers to them, status says so;
// a balancer that comes back makes it true. Nobody sees anything.
//
//	tandem demo; kill -9 lb-2 lb-3; kill -9 edge-1; tandem status
func TestAnEdgeDiesWhileTheBalancersHaveNoMajority(t *testing.T) {
	h := start(t, "--capacity", "16")
	f := h.File()
	a := seat(t, h)
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Buffer: 12 * time.Second, Retries: 1})
	s := h.Await("everybody is in", 20*time.Second, sessions(24))
	name := busiest(s)

	for _, other := range f.Names(cluster.RoleLB)[1:] {
		must(t, h.Kill(other))
	}
	h.Await("no majority", 20*time.Second, func(s *wire.Status) bool { return !s.Majority })
	must(t, h.Kill(name))
	h.Await("its neighbours stand in for all of its sessions", 20*time.Second, func(s *wire.Status) bool {
		for _, e := range s.Edges {
			if e.Name == name && (e.State != wire.EdgeSilent || len(e.StandIns) != 2) {
				return false
			}
		}
		return !s.Majority && s.Sessions == 24
	})
	time.Sleep(2 * time.Second) // viewers go on

	must(t, h.Restart(f.Names(cluster.RoleLB)[1]))
	h.Await("the death is committed", 30*time.Second, func(s *wire.Status) bool {
		return s.Majority && cluster.EdgeState(s, name) == wire.EdgeDown && s.Sessions == 24
	})
	must(t, h.Restart(f.Names(cluster.RoleLB)[2]))
	returned(t, h, name)
	h.Await("all is as it was", 20*time.Second, func(s *wire.Status) bool { return s.Sessions == 24 && cluster.AllUp(s) })
	nothingSeen(t, a.report(false), 24, 100)
}
