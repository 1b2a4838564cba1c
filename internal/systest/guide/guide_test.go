//go:build linux

package guide

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
)

// entry is the sample at the viewers' address.
const entry = "http://10.91.0.100/sample/master.m3u8"

func TestMain(m *testing.M) {
	if os.Getenv(managerEnv) != "" {
		if err := manage(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "systemctl:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(cluster.Run(m))
}

// What the guide says works, in the order in which it is said. Through the upgrade of
// every machine viewers play who know one address and never try again: they see
// nothing. When the balancer with the viewers' address dies, viewers who try again
// see no stall.
func TestTheGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster of processes")
	}
	if os.Geteuid() != 0 {
		asRoot(t)
		return
	}
	g := &guide{t: t, hosts: lay(t)}
	section := ""
	for _, s := range read(t, "../../../docs/deploy.md") {
		if s.section != section {
			g.after(section)
			section = s.section
			t.Log(section)
			g.before(section)
		}
		for _, name := range s.hosts {
			h := g.hosts[name]
			if h == nil {
				t.Fatalf("%s: there is no host %q", s, name)
			}
			if out := h.do(t, s, s.script); testing.Verbose() && name == "desk" {
				t.Logf("%s\n%s", strings.TrimSpace(s.script), out)
			}
		}
	}
	g.after(section)
}

type guide struct {
	t     *testing.T
	hosts map[string]*host
	watch func() // ends the viewers that a section has
}

// watches lets viewers play through the address until the end of what follows. Those
// who may try again have a buffer of 4 s.
func (g *guide) watches(what string, retries int) (end func()) {
	ctx, cancel := context.WithCancel(g.t.Context())
	cmd := g.hosts["desk"].command(ctx, fmt.Sprintf("exec tandem bench --url %s --origin http://origin:8090 --viewers 30 --for 24h --buffer 4s --retries %d --json", entry, retries))
	var out, told strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &told
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // nsenter passes no signal on
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	must(g.t, cmd.Start())
	return func() {
		g.t.Helper()
		cancel()
		_ = cmd.Wait() // its answer is in what it prints
		var seen player.Report
		if err := json.Unmarshal([]byte(out.String()), &seen); err != nil {
			g.t.Fatalf("viewers: %v: %s %s", err, &out, &told)
		}
		g.t.Logf("%s: %s", what, seen)
		if seen.Segments < 30 || seen.Stalls+seen.Wrong+seen.GivenUp+seen.StepsBack+seen.Refused > 0 || retries == 0 && seen.Errors > 0 {
			g.t.Errorf("%s: viewers have seen it; first error: %s", what, seen.FirstError)
		}
	}
}

// before and after say what viewers do in a section. Those of an upgrade know one
// address and try nothing twice.
func (g *guide) before(section string) {
	switch section[:2] {
	case "7.":
		g.watch = g.watches("every node upgraded", 0)
	case "8.":
		g.watch = g.watches("machines out and back", 3)
	case "9.":
		g.watch = g.watches("disks lost", 3)
	}
}

func (g *guide) after(section string) {
	if g.watch != nil {
		g.watch()
		g.watch = nil
	}
	switch {
	case strings.HasPrefix(section, "5."):
		g.moves()
	case strings.HasPrefix(section, "7."):
		g.reloads()
	case strings.HasPrefix(section, "8."):
		g.hosts["lb-3"].do(g.t, what("a balancer that has replaced another one is stopped in order"), "if [ -e /run/unit.tandem-lb.killed ]; then exit 1; fi")
	}
}

// reloads looks at what a reload does, and what other operators do without one.
func (g *guide) reloads() {
	h := g.hosts["lb-1"]
	h.do(g.t, what("the reload of a setting"), `until grep '"applied":\["max-connections"\]' /run/unit.tandem-lb.log; do sleep 0.2; done`)
	h.do(g.t, what("a reload by a file that can't be used fails"), "echo 'max-conections: 1' >> /etc/tandem/lb.yaml; if systemctl reload tandem-lb; then exit 1; fi; sed -i '$d' /etc/tandem/lb.yaml; systemctl reload tandem-lb")
	h.do(g.t, what("another operator is let in"), `tandem operator otto --role viewer > otto; grep '^  - ' otto >> /etc/tandem/operators.yaml
		until curl -fsk -o /dev/null -H "Authorization: Bearer $(sed -n 's/^token: //p' otto)" https://127.0.0.1:9080/metrics; do sleep 0.2; done
		sed -i '$d' /etc/tandem/operators.yaml`)
}

// holder is the balancer that has the viewers' address.
func (g *guide) holder() *host {
	g.t.Helper()
	var all []string
	for _, name := range []string{"lb-1", "lb-2", "lb-3"} {
		if strings.Contains(g.hosts[name].do(g.t, what("who has the address"), "ip -4 addr show dev eth0"), "10.91.0.100/") {
			all = append(all, name)
		}
	}
	if len(all) != 1 {
		g.t.Fatalf("the viewers' address is at %q", all)
	}
	return g.hosts[all[0]]
}

// moves kills the balancer that has the address, in the middle of viewers.
func (g *guide) moves() {
	end := g.watches("the balancer with the address killed", 3)
	time.Sleep(3 * time.Second) // they play
	h := g.holder()
	h.do(g.t, what("kill -9 of the balancer with the address"), "kill -9 $(cat /run/unit.tandem-lb.main)")
	h.do(g.t, what("it comes back"), "until curl -fsk -o /dev/null https://127.0.0.1:9080/readyz; do sleep 0.2; done")
	end()
	if now := g.holder(); now == h {
		g.t.Errorf("the address is still at %s, which was killed", h.name)
	}
}

type what string

func (w what) String() string { return string(w) }

// asRoot runs this test once more, as root.
func asRoot(t *testing.T) {
	cmd := exec.Command("sudo", "-n", "env", "PATH="+os.Getenv("PATH"), "TANDEM_BIN="+cluster.Binary(t), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	out, err := cmd.CombinedOutput()
	t.Logf("as root: %s", out)
	if err != nil {
		t.Fatalf("network namespaces need root: run the test as root, or allow sudo without a password: %v", err)
	}
}
