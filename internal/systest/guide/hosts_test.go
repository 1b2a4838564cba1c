//go:build linux

package guide

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/bench/lab"
	"tandem/internal/cluster"
)

// commandLimit is how long one block of commands may take.
const commandLimit = 90 * time.Second

// machines are the guide's hosts, in the order of their addresses.
var machines = []string{"origin", "lb-1", "lb-2", "lb-3", "edge-1", "edge-2", "edge-3", "edge-4", "desk"}

// host is one machine: its namespaces live as long as its first process.
type host struct {
	name, dir string
	net       *lab.Host
	pid       int // of its first process
}

// lay makes the machines, with the reader's copy of the project in their common
// working directory.
func lay(t *testing.T) map[string]*host {
	t.Helper()
	dir, err := os.MkdirTemp("", "tandem-guide-")
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("evidence (logs, files of each host): %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	project, err := filepath.Abs("../../..")
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o755))
	must(t, os.Symlink(cluster.Binary(t), filepath.Join(dir, "bin", "tandem")))
	must(t, os.Symlink(filepath.Join(project, "deploy"), filepath.Join(dir, "deploy")))
	l, err := lab.New(dir)
	must(t, err)
	t.Cleanup(l.Close)
	all, names := map[string]*host{}, ""
	for _, name := range machines {
		n, err := l.Host(name)
		must(t, err)
		all[name] = &host{name: name, dir: filepath.Join(dir, "hosts", name), net: n}
		names += n.IP + " " + name + "\n"
	}
	for _, h := range all {
		h.boot(t, names)
	}
	return all
}

// ownPaths are where a host has files of its own.
var ownPaths = map[string]string{"etc": "/etc", "varlib": "/var/lib", "run": "/run", "bin": "/usr/local/bin"}

// boot makes the host's files and namespaces.
func (h *host) boot(t *testing.T, names string) {
	t.Helper()
	for _, d := range []string{"etc/systemd/system", "etc/keepalived", "varlib", "run", "bin"} {
		must(t, os.MkdirAll(filepath.Join(h.dir, d), 0o755))
	}
	for _, name := range []string{"passwd", "group", "nsswitch.conf", "ld.so.cache", "protocols", "services"} {
		text, err := os.ReadFile("/etc/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(h.dir, "etc", name), text, 0o644)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, os.WriteFile(filepath.Join(h.dir, "etc/hosts"), []byte("127.0.0.1 localhost\n"+names), 0o644))
	self, err := os.Executable()
	must(t, err)
	manager := fmt.Sprintf("#!/bin/sh\n%s=1 exec %s \"$@\"\n", managerEnv, self)
	must(t, os.WriteFile(filepath.Join(h.dir, "bin/systemctl"), []byte(manager), 0o755))
	script := "set -e; hostname " + h.name + "; "
	for from, to := range ownPaths {
		script += "mount --bind " + filepath.Join(h.dir, from) + " " + to + "; "
	}
	script += "echo $$ up; while :; do sleep 1000; done"
	cmd := h.net.Command(context.Background(), "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script)
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	word := make([]byte, 16)
	if n, err := out.Read(word); err != nil || !strings.Contains(string(word[:n]), "up") {
		t.Fatalf("%s: no namespaces: %q %v", h.name, word[:n], err)
	}
	// `ip netns exec` becomes unshare, whose only child is the host's first process.
	kids, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	must(t, err)
	h.pid, err = strconv.Atoi(strings.TrimSpace(string(kids)))
	must(t, err)
}

// command is a shell with the script, on the host.
func (h *host) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", "-t", strconv.Itoa(h.pid), "-m", "-u", "-p", "-n", "-w"+filepath.Dir(filepath.Dir(h.dir)), "sh", "-ec", script)
	cmd.WaitDelay = time.Second // what it has started may hold its output
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root"}
	return cmd
}

// do runs a block of commands and wants all of them to succeed.
func (h *host) do(t *testing.T, what fmt.Stringer, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	out, err := h.command(ctx, script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s, on %s: %v\n%s\n%s", what, h.name, err, script, out)
	}
	return string(out)
}
