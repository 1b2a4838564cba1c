package systest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/cluster"
)

// TestCostIsMeasured: what `make bench` runs works, with the peers and with ours, at its
// shortest. Of the figures nothing is asked.
func TestCostIsMeasured(t *testing.T) {
	ours := cluster.Binary(t)
	bench := filepath.Join(t.TempDir(), "cost")
	build := exec.Command("go", "build", "-trimpath", "-o", bench, "tandem/bench/cost") // as the binary: what was compiled for it is used
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	args := []string{bench, "--tandem", "./" + filepath.Base(ours), "--rounds", "1", "--length", "100ms", "--sizes", "2048", "--steady", "2048:500", "--only", "nginx,Varnish,HAProxy,tandem,nodes with"}
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n", "env", "PATH=" + os.Getenv("PATH")}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Dir(ours) // the path is relative, as the Makefile's
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (network namespaces need root): %s", err, out)
	}
	for _, contender := range []string{"nginx static", "Varnish", "HAProxy", "tandem edge", "tandem balancer", "nodes with certificates: balancer"} {
		if !strings.Contains(string(out), "\n| "+contender+" |") {
			t.Errorf("no row of %s in\n%s", contender, out)
		}
	}
}
