package systest

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"tandem/internal/cluster"
)

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// A demo comes up, brings a dead node back when told to, and leaves nothing
// behind; not even when it is killed itself.
func TestTheDemoComesAndGoes(t *testing.T) {
	h := start(t, "--restart-after", "1s")
	f := h.File()
	if len(f.Names(cluster.RoleEdge)) != 4 || len(f.Names(cluster.RoleLB)) != 3 || len(f.Streams) != 2 {
		t.Errorf("cluster.json: %d edges, %d balancers, streams %v", len(f.Names(cluster.RoleEdge)), len(f.Names(cluster.RoleLB)), f.Streams)
	}
	was, err := h.Node("edge-2")
	must(t, err)
	must(t, was.Signal(syscall.SIGKILL))
	must(t, was.AwaitGone(5*time.Second))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		is, err := h.Node("edge-2")
		must(t, err)
		if is.PID != was.PID && is.Running() {
			break
		}
		if time.Now().After(end) {
			t.Fatal("edge-2 was not brought back")
		}
	}
	took := h.End()
	t.Logf("ended in %s", took.Round(time.Millisecond))
	if took > 3*time.Second {
		t.Errorf("the demo took %s to end; 3 s are promised", took)
	}
	gone(t, h)
}

// Whatever happens to the demo, its nodes do not outlive it.
func TestTheDemoKilledTakesItsNodesAlong(t *testing.T) {
	h := start(t, "--edges", "2", "--balancers", "1")
	h.KillDemo()
	gone(t, h)
}

func gone(t *testing.T, h *cluster.Harness) {
	t.Helper()
	f := h.File()
	for i := range f.Nodes {
		if err := f.Nodes[i].AwaitGone(3 * time.Second); err != nil {
			t.Error(err)
		}
	}
}
