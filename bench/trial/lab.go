package main

import (
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

// lab is a set of hosts, each a network namespace, on one bridge. The bridge
// has a namespace of its own, so nothing of the machine's network changes.
type lab struct {
	prefix string
	dir    string
	hosts  map[string]*host
	order  []*host
}

type host struct {
	lab  *lab
	name string
	ip   string
	link string // the hub's end of the cable

	mu    sync.Mutex
	procs []*exec.Cmd // guarded by mu
}

// newLab makes the hub.
func newLab(dir string) (*lab, error) {
	l := &lab{prefix: "tdm" + strconv.Itoa(os.Getpid()%10000), dir: dir, hosts: map[string]*host{}}
	for _, args := range [][]string{
		{"netns", "add", l.ns("hub")},
		{"-n", l.ns("hub"), "link", "add", "br0", "type", "bridge"},
		{"-n", l.ns("hub"), "link", "set", "br0", "up"},
	} {
		if err := ip(args...); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) ns(name string) string { return l.prefix + "-" + name }

// host adds a host of that name and plugs it in.
func (l *lab) host(name string) (*host, error) {
	n := len(l.order) + 1
	h := &host{lab: l, name: name, ip: fmt.Sprintf("10.91.0.%d", n), link: fmt.Sprintf("p%d", n)}
	l.hosts[name] = h
	l.order = append(l.order, h)
	for _, args := range [][]string{
		{"netns", "add", l.ns(name)},
		{"-n", l.ns("hub"), "link", "add", h.link, "type", "veth", "peer", "name", "eth0", "netns", l.ns(name)},
		{"-n", l.ns("hub"), "link", "set", h.link, "master", "br0", "up"},
		{"-n", l.ns(name), "addr", "add", h.ip + "/24", "dev", "eth0"},
		{"-n", l.ns(name), "link", "set", "eth0", "up"},
		{"-n", l.ns(name), "link", "set", "lo", "up"},
		{
			"netns", "exec", l.ns(name), "sysctl", "-q", "-w", "net.ipv4.tcp_congestion_control=reno",
			"net.ipv4.tcp_wmem=4096 65536 131072", "net.ipv4.tcp_rmem=4096 65536 131072",
		},
	} {
		if err := ip(args...); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// close ends every process and removes every namespace.
func (l *lab) close() {
	for _, h := range l.order {
		h.end()
	}
	for _, h := range l.order {
		_ = ip("netns", "del", l.ns(h.name))
	}
	_ = ip("netns", "del", l.ns("hub"))
}

// start runs a command on the host; its output goes to a file of its name.
func (h *host) start(name string, args ...string) (*exec.Cmd, error) {
	cmd := h.command(context.Background(), args...)
	log, err := os.Create(filepath.Join(h.lab.dir, h.name+"-"+name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, h.name, err)
	}
	h.mu.Lock()
	h.procs = append(h.procs, cmd)
	h.mu.Unlock()
	return cmd, nil
}

func (h *host) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.lab.ns(h.name)}, args...)...)
	cmd.Dir = h.lab.dir
	// A group of its own: nginx's workers get the signal as well.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// signal sends a signal to every process of the host.
func (h *host) signal(sig syscall.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cmd := range h.procs {
		_ = syscall.Kill(-cmd.Process.Pid, sig)
	}
}

// cut takes the cable out: nothing that is sent arrives, and nobody is told.
func (h *host) cut() error { return ip("-n", h.lab.ns("hub"), "link", "set", h.link, "down") }

func (h *host) end() {
	h.signal(syscall.SIGKILL)
	h.signal(syscall.SIGCONT)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cmd := range h.procs {
		_ = cmd.Wait()
	}
	h.procs = nil
}

// await polls a URL from the host until it answers 200.
func (h *host) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		out, err := h.command(ctx, "curl", "-sS", "-L", "-o", os.DevNull, "-m", "2", "-w", "%{http_code}", url).CombinedOutput()
		if err == nil && strings.HasSuffix(string(out), "200") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %s", url, strings.TrimSpace(string(out)))
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
