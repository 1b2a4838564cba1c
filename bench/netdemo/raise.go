package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tandem/bench/lab"
	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// readyLimit is how long all nodes together may take to be ready.
const readyLimit = 30 * time.Second

// file is a cluster.json with the address of the control.
type file struct {
	*cluster.File
	Control string `json:"control"`
}

// raise plugs the hosts in, starts the nodes and waits until they serve.
func (s settings) raise(ctx context.Context, l *lab.Lab) (*file, error) {
	names := []string{"origin-1", "lb-1"}
	for i := range s.edges {
		names = append(names, "edge-"+strconv.Itoa(i+1))
	}
	for _, name := range append([]string{"viewers"}, names...) {
		if _, err := l.Host(name); err != nil {
			return nil, err
		}
	}
	c := &file{File: &cluster.File{Dir: s.dir, Secret: filepath.Join(s.dir, "secret")}}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	if err := os.WriteFile(c.Secret, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	for _, name := range names {
		if err := s.start(l.Hosts[name], c.File); err != nil {
			return nil, err
		}
	}
	balancer := c.Node("lb-1")
	c.Viewers, c.Dashboard = []string{balancer.HTTP}, balancer.Admin+"/"
	return c, s.ready(ctx, l.Hosts["viewers"], c.File)
}

// start runs the node that has the host's name.
func (s settings) start(h *lab.Host, f *cluster.File) error {
	n := cluster.Node{Name: h.Name, HTTP: "http://" + h.IP + ":8000", Admin: "http://" + h.IP + ":9000", Dir: filepath.Join(s.dir, h.Name)}
	var own []string
	switch h.Name {
	case "origin-1":
		n.Role = cluster.RoleOrigin
		own = []string{"--sample", "--loop", "live=/sample/"}
	case "lb-1":
		n.Role = cluster.RoleLB
		raft := h.IP + ":7000"
		own = []string{"--name", h.Name, "--raft-listen", raft, "--peers", "lb-1=" + raft + "=" + n.HTTP, "--data", filepath.Join(n.Dir, "data")}
	default:
		n.Role = cluster.RoleEdge
		own = []string{
			"--name", h.Name, "--origin", f.Node("origin-1").HTTP, "--balancers", f.Node("lb-1").HTTP,
			"--data", filepath.Join(n.Dir, "data"), "--capacity", strconv.Itoa(s.capacity),
		}
	}
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	n.Args = append([]string{s.binary, n.Role, "--listen", h.IP + ":8000", "--admin-listen", h.IP + ":9000", "--admin-open", "--secret-file", f.Secret}, own...)
	cmd, err := h.Start("tandem", n.Args...)
	if err != nil {
		return err
	}
	n.PID = cmd.Process.Pid // ip becomes the node: the process stays the same
	f.Nodes = append(f.Nodes, n)
	return nil
}

// ready waits until the origin has told its streams and every edge is up.
func (s settings) ready(ctx context.Context, viewers *lab.Host, f *cluster.File) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		last := s.look(ctx, viewers, f)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// look returns nil when all is ready, and otherwise what is not.
func (s settings) look(ctx context.Context, viewers *lab.Host, f *cluster.File) error {
	if err := ask(ctx, viewers, f.Node("origin-1").Admin+"/_tandem/catalog", &f.Streams); err != nil {
		return err
	}
	if len(f.Streams) == 0 {
		return errors.New("the origin has no stream")
	}
	var status wire.Status
	if err := ask(ctx, viewers, f.Node("lb-1").Admin+"/api/v1/status", &status); err != nil {
		return err
	}
	up := 0
	for _, e := range status.Edges {
		if e.State == wire.EdgeUp && e.ReportAge >= 0 {
			up++
		}
	}
	if status.Leader == "" || up < s.edges {
		return fmt.Errorf("leader %q, %d of %d edges up", status.Leader, up, s.edges)
	}
	// Stored streams first, as the demo has them.
	slices.SortStableFunc(f.Streams, func(a, b cluster.Stream) int {
		switch {
		case a.Live == b.Live:
			return 0
		case b.Live:
			return -1
		}
		return 1
	})
	return nil
}

// ask gets JSON from a node, on the host's network.
func ask(ctx context.Context, h *lab.Host, url string, into any) error {
	out, err := h.Command(ctx, "curl", "-sSf", "-m", "2", url).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}

// write puts the file where readers see all of it or none.
func (c *file) write(path string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("cluster file: %w", err)
	}
	return os.Rename(path+".new", path)
}
