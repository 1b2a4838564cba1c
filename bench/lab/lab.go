package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Lab is a set of hosts, each a network namespace, on one bridge. The bridge
// has a namespace of its own, so nothing of the machine's network changes.
type Lab struct {
	prefix string
	Dir    string
	// Short bounds every socket's buffers at 128 KB, as where many viewers share a
	// machine: with more, a killed process's last megabytes are still delivered.
	// To be set before Host.
	Short bool
	Hosts map[string]*Host
	order []*Host
}

// Host is one machine of the lab.
type Host struct {
	lab  *Lab
	Name string
	IP   string
	link string // the hub's end of the cable

	mu    sync.Mutex
	procs []*exec.Cmd // guarded by mu
}

// New makes the hub.
func New(dir string) (*Lab, error) {
	l := &Lab{prefix: "tdm" + strconv.Itoa(os.Getpid()%10000), Dir: dir, Hosts: map[string]*Host{}}
	for _, args := range [][]string{
		{"netns", "add", l.ns("hub")},
		{"-n", l.ns("hub"), "link", "add", "br0", "type", "bridge"},
		{"-n", l.ns("hub"), "link", "set", "br0", "up"},
	} {
		if err := ip(args...); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *Lab) ns(name string) string { return l.prefix + "-" + name }

// Hub is the namespace of the bridge, br0: who listens there hears all.
func (l *Lab) Hub() string { return l.ns("hub") }

// Host adds a host of that name and plugs it in.
func (l *Lab) Host(name string) (*Host, error) {
	n := len(l.order) + 1
	h := &Host{lab: l, Name: name, IP: fmt.Sprintf("10.91.0.%d", n), link: fmt.Sprintf("p%d", n)}
	l.Hosts[name] = h
	l.order = append(l.order, h)
	for _, args := range [][]string{
		{"netns", "add", l.ns(name)},
		{"-n", l.ns("hub"), "link", "add", h.link, "type", "veth", "peer", "name", "eth0", "netns", l.ns(name)},
		{"-n", l.ns("hub"), "link", "set", h.link, "master", "br0", "up"},
		{"-n", l.ns(name), "addr", "add", h.IP + "/24", "dev", "eth0"},
		{"-n", l.ns(name), "link", "set", "eth0", "up"},
		{"-n", l.ns(name), "link", "set", "lo", "up"},
		append([]string{"netns", "exec", l.ns(name), "sysctl", "-q", "-w"}, l.sysctls()...),
	} {
		if err := ip(args...); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (l *Lab) sysctls() []string {
	all := []string{"net.ipv4.tcp_congestion_control=reno"}
	if l.Short {
		all = append(all, "net.ipv4.tcp_wmem=4096 65536 131072", "net.ipv4.tcp_rmem=4096 65536 131072")
	}
	return all
}

// Close ends every process and removes every namespace.
func (l *Lab) Close() {
	for _, h := range l.order {
		h.end()
	}
	for _, h := range l.order {
		_ = ip("netns", "del", l.ns(h.Name))
	}
	_ = ip("netns", "del", l.ns("hub"))
}

// Start runs a command on the host; its output goes to a file of its name.
func (h *Host) Start(name string, args ...string) (*exec.Cmd, error) {
	cmd := h.Command(context.Background(), args...)
	log, err := os.Create(filepath.Join(h.lab.Dir, h.Name+"-"+name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, h.Name, err)
	}
	h.mu.Lock()
	h.procs = append(h.procs, cmd)
	h.mu.Unlock()
	return cmd, nil
}

// Command is a command on the host that the caller starts and ends.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.lab.ns(h.Name)}, args...)...)
	cmd.Dir = h.lab.Dir
	cmd.SysProcAttr = ownGroup()
	return cmd
}

// Signal sends a signal to every process of the host.
func (h *Host) Signal(sig syscall.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cmd := range h.procs {
		_ = syscall.Kill(-cmd.Process.Pid, sig)
	}
}

// Cut takes the cable out: nothing that is sent arrives, and nobody is told.
func (h *Host) Cut() error { return ip("-n", h.lab.ns("hub"), "link", "set", h.link, "down") }

func (h *Host) end() {
	h.Signal(syscall.SIGKILL)
	h.Signal(syscall.SIGCONT)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cmd := range h.procs {
		_ = cmd.Wait()
	}
	h.procs = nil
	h.endSuccessors()
}

// endSuccessors ends what the host's commands have started in their place, as a balancer
// does that hands its sockets over: a group of its own, in the host's namespace.
func (h *Host) endSuccessors() {
	out, _ := exec.Command("ip", "netns", "pids", h.lab.ns(h.Name)).Output()
	for _, text := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(text); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// lastWords are the last lines that the host's commands wrote.
func (h *Host) lastWords() (text string) {
	logs, _ := filepath.Glob(filepath.Join(h.lab.Dir, h.Name+"-*.log"))
	for _, log := range logs {
		b, _ := os.ReadFile(log)
		if b = bytes.TrimSpace(b); len(b) > 0 {
			text += fmt.Sprintf("; %s: %s", filepath.Base(log), b[bytes.LastIndexByte(b, '\n')+1:])
		}
	}
	return text
}

// Await polls a URL from the host until it answers 200.
func (h *Host) Await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		out, err := h.Command(ctx, "curl", "-sSk", "-L", "-o", os.DevNull, "-m", "2", "-w", "%{http_code}", url).CombinedOutput()
		if err == nil && strings.HasSuffix(string(out), "200") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %s%s", url, strings.TrimSpace(string(out)), h.lastWords())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %s", strings.Join(args, " "), strings.TrimSpace(string(out)))
	}
	return nil
}
