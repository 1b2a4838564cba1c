package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/setting"
)

// demoViewers is the first balancer's address unless another one is asked for.
const demoViewers = "127.0.0.1:8080"

// demo is the settings of a demo.
type demo struct {
	dir          string
	edges        int
	balancers    int
	capacity     int
	media        string
	listen       string
	restartAfter time.Duration
	admission    string
	stateSource  string
	duplication  string
	faultProxies bool
	edgeFlags    []string
	lbFlags      []string
	originFlags  []string
	saboteur     *saboteur // nil without faultProxies
}

func demoCommand() command {
	d := &demo{}
	return command{
		name:    "demo",
		summary: "a whole cluster of real processes on this machine",
		about: "An origin, balancers and a ring of edges, each a process of its own, with a built-in sample\n" +
			"(HLS and DASH, stored and live). It stays until Ctrl-C, then ends every one of them. A node\n" +
			"that is killed stays dead; its command line is in DIR/cluster.json.",
		example: "tandem demo\ntandem demo --dir /tmp/d --edges 4 --capacity 8 --restart-after 10s",
		rows:    d.rows,
		run:     func(ctx context.Context, _ []string, out io.Writer) error { return d.run(ctx, out) },
	}
}

func (d *demo) rows() []setting.Row {
	return []setting.Row{
		setting.String(&d.dir, "dir", "", "Directory of stores, logs and cluster.json (default: a temporary one, removed at the end)."),
		setting.Int(&d.edges, "edges", 4, 1, 64, "edges", "Edges in the ring."),
		setting.Int(&d.balancers, "balancers", 3, 1, 7, "balancers", "Balancers, each with a copy of the placement."),
		setting.Int(&d.capacity, "capacity", 100, 1, 1000000, "sessions", "Most viewers of one edge (MAX)."),
		setting.String(&d.media, "media", "", "Directory of HLS and DASH streams (default: the built-in sample)."),
		setting.String(&d.listen, "listen", demoViewers, "Viewers' address of the first balancer; port 0: any."),
		setting.Duration(&d.restartAfter, "restart-after", 0, 0, time.Hour, "Bring a dead node back after so long; 0: it stays dead."),
		setting.String(&d.admission, "admission", "failsafe", "failsafe (claim 8) or pair (claim 9)."),
		setting.String(&d.stateSource, "state-source", "push", "push, load or query (claims 2, 3, 4)."),
		setting.String(&d.duplication, "duplication", "relay", "relay, origin (claim 7) or multicast (claim 6)."),
		setting.Bool(&d.faultProxies, "fault-proxies", false, "Put a faulty stretch of network before each edge; POST reset@4096 or the like to the \"fault\" URLs of cluster.json."),
		setting.List(&d.edgeFlags, "edge-flags", "More flags for every edge, like --session-idle=5s."),
		setting.List(&d.lbFlags, "lb-flags", "More flags for every balancer."),
		setting.List(&d.originFlags, "origin-flags", "More flags for the origin."),
	}
}

func (d *demo) run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	if d.media != "" {
		if stat, err := os.Stat(d.media); err != nil || !stat.IsDir() {
			return fmt.Errorf("--media: %s is no directory", d.media)
		}
	}
	remove, err := d.directory()
	if err != nil {
		return err
	}
	defer remove()
	if d.faultProxies {
		if d.saboteur, err = openSaboteur(); err != nil {
			return err
		}
		defer d.saboteur.close() // after the edges behind it have ended
	}
	file, err := d.plan()
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, "cluster.json")
	_ = os.Remove(path) // an old one would look like a cluster that is ready
	f, err := raise(file, path, d.restartAfter)
	if err != nil {
		return err
	}
	defer f.end()
	if err := f.ready(ctx, d.edges); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("%w; the nodes' logs are in %s", err, d.dir)
	}
	if err := f.publish(); err != nil {
		return err
	}
	greet(out, f.snapshot(), path, time.Since(began), terminal(out))
	f.watch(ctx, out)
	return nil
}

// directory makes the demo's directory and returns what removes it at the end
// if it is a temporary one.
func (d *demo) directory() (remove func(), err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "tandem-demo-"); err != nil {
			return nil, fmt.Errorf("--dir: %w", err)
		}
		return func() { _ = os.RemoveAll(d.dir) }, nil
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	return func() {}, nil
}

// greet tells what runs where.
func greet(out io.Writer, f cluster.File, path string, took time.Duration, colours bool) {
	strong := func(s string) string {
		if colours {
			return bold(s)
		}
		return s
	}
	fmt.Fprintf(out, "%s after %.1f s: 1 origin, %d balancers, %d edges in a ring\n\n", strong("ready"), took.Seconds(), len(f.Names(cluster.RoleLB)), len(f.Names(cluster.RoleEdge)))
	fmt.Fprintf(out, "  dashboard  %s\n", strong(f.Dashboard))
	for _, s := range f.Streams {
		kind := "stored"
		if s.Live {
			kind = "live"
		}
		for _, entry := range []string{s.HLS, s.DASH} {
			if entry != "" {
				fmt.Fprintf(out, "  %-9s  %s\n", kind, f.Viewers[0]+entry)
			}
		}
	}
	for i, v := range f.Viewers[1:] {
		fmt.Fprintf(out, "  %-9s  %s\n", fmt.Sprintf("lb-%d", i+2), v)
	}
	if n := f.Node("edge-1"); n != nil && n.Fault != "" {
		fmt.Fprintf(out, "  %-9s  curl -d reset@4096 %s\n", "faults", n.Fault)
	}
	fmt.Fprintln(out)
	t := newTable("  NODE", ">PID", "HTTP", "ADMIN")
	for _, n := range f.Nodes {
		t.add("  "+n.Name, n.PID, n.HTTP, n.Admin)
	}
	t.print(out)
	fmt.Fprintf(out, "\nIn another terminal:\n  export TANDEM_CLUSTER=%s\n  tandem status --watch\n  tandem bench --kill\n  kill -9 %d\nCtrl-C ends all.\n", path, victim(f))
}

// victim is the process that the greeting proposes to kill.
func victim(f cluster.File) int {
	if n := f.Node("edge-1"); n != nil {
		return n.PID
	}
	return 0
}
