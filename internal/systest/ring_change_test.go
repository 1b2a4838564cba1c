package systest

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Drain, resume, join and remove, each while viewers watch: nobody sees it.
func TestRingChangesUnderViewers(t *testing.T) {
	t.Parallel()
	h := start(t, "--capacity", "40")
	a := seat(t, h)
	a.watch(60, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 0})
	s := h.Await("everybody is in", 20*time.Second, sessions(60))

	name := busiest(s)
	order(t, h, "drain", name)
	h.Await("nobody is at the drained edge", 20*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, name) == wire.EdgeDraining && delivering(map[string]int{name: 0})(s) && s.Sessions == 60
	})
	order(t, h, "resume", name)
	h.Await("it delivers again", 20*time.Second, func(s *wire.Status) bool { return cluster.AllUp(s) && !delivering(map[string]int{name: 0})(s) })

	must(t, h.Add(newcomer(t, h, "edge-5")))
	h.Await("edge-5 is in the ring", 30*time.Second, func(s *wire.Status) bool {
		return len(s.Edges) == 5 && cluster.AllUp(s) && inPair(s, "edge-5")
	})
	order(t, h, "remove", "edge-3")
	h.Await("the ring has closed over edge-3", 40*time.Second, func(s *wire.Status) bool {
		return cluster.EdgeState(s, "edge-3") == "" && !inPair(s, "edge-3") && s.Sessions == 60
	})
	time.Sleep(2 * time.Second)
	nothingSeen(t, a.report(false), 60, 400)
}

// order gives an order. The balancer that is asked may be a report behind the one that
// said that all is well; until it has heard of it, it says that somebody would be lost.
func order(t *testing.T, h *cluster.Harness, what, edge string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		out, errs, code := h.Command(what, edge)
		if code == 0 {
			return
		}
		if !strings.Contains(errs, "without an edge") || time.Now().After(end) {
			t.Fatalf("tandem %s %s: exit %d: %s%s", what, edge, code, out, errs)
		}
	}
}

func inPair(s *wire.Status, edge string) bool {
	for _, p := range s.Pairs {
		if p.Low == edge || p.High == edge {
			return true
		}
	}
	return false
}

// newcomer makes the command line of one more edge from that of edge-1.
func newcomer(t *testing.T, h *cluster.Harness, name string, more ...string) cluster.Node {
	t.Helper()
	old, err := h.Node("edge-1")
	must(t, err)
	ports, err := cluster.Ports(2)
	must(t, err)
	n := cluster.Node{Name: name, Role: cluster.RoleEdge, Dir: filepath.Join(filepath.Dir(old.Dir), name)}
	listen, admin := address(ports[0]), address(ports[1])
	n.HTTP, n.Admin = "http://"+listen, "http://"+admin
	for _, arg := range old.Args {
		switch "http://" + arg {
		case old.HTTP:
			arg = listen
		case old.Admin:
			arg = admin
		}
		if arg == "edge-1" {
			arg = name
		}
		n.Args = append(n.Args, strings.Replace(arg, old.Dir+string(filepath.Separator), n.Dir+string(filepath.Separator), 1))
	}
	n.Args = append(n.Args, more...)
	return n
}
