package systest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Every node of a cluster of an older build is replaced by one of this build, one after the
// other, and then by the older one again, under 120 viewers who know one address and try
// nothing twice: no request fails.
//
//	make upgrade FROM=REVISION [ONLY=up]
func TestEveryNodeIsUpgradedAndBack(t *testing.T) {
	to := os.Getenv("TANDEM_UPGRADE_TO")
	if to == "" {
		t.Skip("make upgrade FROM=REVISION")
	}
	h := start(t, "--balancers", "3", "--edges", "4", "--capacity", "200", "--lb-flags", "--drain-time=20s")
	from := h.Dir + "/from"
	put(t, h.Binary, from)
	a := seat(t, h)
	a.watch(120, stored, player.Config{For: 30 * time.Minute, Buffer: 12 * time.Second, Retries: 0})
	h.Await("everybody is in", 30*time.Second, sessions(120))
	ways := []string{to, from}
	if os.Getenv("TANDEM_UPGRADE_ONLY") == "up" {
		ways = ways[:1]
	}
	for _, binary := range ways {
		put(t, binary, h.Binary)
		replaceAll(t, h)
		if t.Failed() {
			break
		}
	}
	nothingSeen(t, a.report(false), 120, 1000)
}

// put puts a program in the place of another one, as install does.
func put(t *testing.T, binary, at string) {
	t.Helper()
	in, err := os.Open(binary)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(at+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, err)
	must(t, out.Close())
	must(t, os.Rename(at+".new", at))
}

// replaceAll lets every node go on as the program that lies there now: balancers first.
func replaceAll(t *testing.T, h *cluster.Harness) {
	t.Helper()
	f := h.File()
	for _, name := range f.Names(cluster.RoleLB) {
		old, err := h.Upgrade(name)
		must(t, err)
		h.Await(name+" is a member again", 30*time.Second, func(s *wire.Status) bool {
			return balancerIs(s, name, func(b wire.BalancerInfo) bool { return b.Alive && b.Voter && b.Problem == "" && b.Version == s.Version })
		})
		must(t, old.AwaitGone(60*time.Second))
	}
	for _, name := range f.Names(cluster.RoleEdge) {
		must(t, h.Terminate(name))
		must(t, h.Restart(name))
		h.Await(name+" is up again", 60*time.Second, cluster.AllUp)
	}
	f = h.File()
	for _, role := range []string{cluster.RoleLB, cluster.RoleEdge} {
		for _, name := range f.Names(role) {
			exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", f.Node(name).PID))
			if err != nil || strings.HasSuffix(exe, " (deleted)") {
				t.Errorf("%s still runs the former program: %s %v", name, exe, err)
			}
		}
	}
}

// In a roll-out a balancer's build reckons otherwise than the others': here where it puts a
// boundary. All have the leader's placement all the same, within a moment of each change, and
// so have the edges; viewers see nothing, of deaths either.
func TestBuildsThatReckonOtherwiseHaveOnePlacement(t *testing.T) {
	t.Parallel()
	h := start(t, "--balancers", "3", "--edges", "4", "--capacity", "20")
	build := otherBuild(t)
	a := seat(t, h)
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 1})
	h.Await("everybody is in", 30*time.Second, sessions(24))
	must(t, h.Kill("lb-2"))
	must(t, h.RestartAs("lb-2", build))
	h.Await("lb-2 is a member again", 30*time.Second, allVote(3))
	onePlacement(t, h)
	killed(t, h, "edge-2")
	onePlacement(t, h)
	returned(t, h, "edge-2")
	onePlacement(t, h)
	var history []wire.Event
	must(t, h.API("/api/v1/history", &history))
	if !slices.ContainsFunc(history, func(e wire.Event) bool { return e.Kind == "renewed" && strings.Contains(e.Text, "lb-") }) {
		t.Errorf("nobody had another placement, so nothing was tried: %+v", history)
	}
	nothingSeen(t, a.report(false), 24, 100)
}

// otherBuild is this program, but that pairs have their boundary elsewhere.
func otherBuild(t *testing.T) string {
	t.Helper()
	const file, line, other = "../ring/membership.go", "q.Boundary, q.Home = q.Slots/2, q.Slots/2\n\treturn q", "q.Boundary, q.Home = q.Slots/2+1, q.Slots/2+1\n\treturn q"
	text, err := os.ReadFile(file)
	must(t, err)
	if !strings.Contains(string(text), line) {
		t.Fatalf("%s has no line %q", file, line)
	}
	dir := t.TempDir()
	from, err := filepath.Abs(file)
	must(t, err)
	must(t, os.WriteFile(dir+"/other.go", []byte(strings.Replace(string(text), line, other, 1)), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{from: dir + "/other.go"}})
	must(t, err)
	must(t, os.WriteFile(dir+"/overlay.json", overlay, 0o600))
	cmd := exec.Command("go", "build", "-trimpath", "-overlay", dir+"/overlay.json", "-o", dir+"/tandem", "tandem/cmd/tandem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir + "/tandem"
}

// onePlacement waits until all balancers have the same boundaries in the same version.
func onePlacement(t *testing.T, h *cluster.Harness) {
	t.Helper()
	f := h.File()
	var told []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		told = nil
		for _, name := range f.Names(cluster.RoleLB) {
			text := name + " does not answer"
			if s := at(h, name); s != nil {
				text = fmt.Sprintf("version %d:", s.Version)
				for _, q := range s.Pairs {
					text += fmt.Sprintf(" %d at %d of %d,", q.ID, q.Boundary, q.Slots)
				}
			}
			told = append(told, text)
		}
		if len(slices.Compact(told)) == 1 {
			return
		}
	}
	t.Fatalf("balancers have different placements:\n%s", strings.Join(told, "\n"))
}
