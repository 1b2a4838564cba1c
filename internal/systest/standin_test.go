package systest

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Two of three balancers are dead, then an edge dies: nobody can commit it. Its
// neighbours stand in, the balancer that is left leads viewers to them, status says so;
// a balancer that comes back makes it true. Nobody sees anything, and what was taken over
// is made ready as after any death.
//
//	tandem demo; kill -9 lb-2 lb-3; kill -9 edge-1; tandem status
func TestAnEdgeDiesWhileTheBalancersHaveNoMajority(t *testing.T) {
	t.Parallel()
	h := start(t, "--capacity", "16")
	f := h.File()
	crowd := apart(seat(t, h), 24, func(i int) (string, player.Config) {
		return stored, player.Config{For: 10 * time.Minute, Buffer: 12 * time.Second, Rendition: i, Start: 3 * i}
	})
	everybody(t, h, 24)
	crowd.further(24)
	s, err := h.Status()
	must(t, err)
	name, had := busiest(s), 0
	for _, e := range s.Edges {
		had = max(had, e.Delivering)
	}

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
	out, errs, code := h.Command("status")
	for _, words := range []string{name + " is silent, ", " stand in", "No majority of the balancers"} {
		if !strings.Contains(strings.ReplaceAll(out, "\n", " "), words) {
			t.Errorf("tandem status: %d %q %q; want %q", code, out, errs, words)
		}
	}
	crowd.further(24)
	inherited, prefetched := 0.0, 0.0
	for _, edge := range f.Names(cluster.RoleEdge) {
		if edge != name {
			inherited += metric(t, f.Node(edge).Admin, "tandem_edge_inherited_sessions_total", "")
			prefetched += metric(t, f.Node(edge).Admin, "tandem_edge_prefetched_total", "")
		}
	}
	t.Logf("%s delivered %d: %.0f sessions inherited, %.0f segments made ready", name, had, inherited, prefetched)
	if int(inherited) < had || prefetched == 0 {
		t.Errorf("%.0f inherited of %d, %.0f segments made ready", inherited, had, prefetched)
	}

	must(t, h.Restart(f.Names(cluster.RoleLB)[1]))
	h.Await("the death is committed", 30*time.Second, func(s *wire.Status) bool {
		return s.Majority && cluster.EdgeState(s, name) == wire.EdgeDown && s.Sessions == 24
	})
	must(t, h.Restart(f.Names(cluster.RoleLB)[2]))
	returned(t, h, name)
	h.Await("all is as it was", 20*time.Second, func(s *wire.Status) bool { return s.Sessions == 24 && cluster.AllUp(s) })
	var sum player.Report
	for _, r := range crowd.leave() {
		sum.Add(r)
	}
	t.Log(sum)
	nothingSeen(t, sum, 24, 100)
}
