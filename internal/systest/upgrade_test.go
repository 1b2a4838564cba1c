package systest

import (
	"fmt"
	"io"
	"os"
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
