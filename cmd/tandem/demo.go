package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/demo"
	"tandem/internal/setting"
)

func demoCommand() command {
	var cfg demo.Config
	return command{
		name:    "demo",
		summary: "a whole cluster of real processes on this machine",
		about: "An origin, balancers and a ring of edges, each a process of its own, with a built-in sample\n" +
			"(HLS and DASH, stored and live), and a page that plays it. It stays until Ctrl-C, then ends\n" +
			"every one of them. A node that is killed (by the page, `tandem kill`, or kill -9) stays dead\n" +
			"until it is brought back (by the page, `tandem start`, or --restart-after).",
		example: "tandem demo\ntandem demo --dir /tmp/d --edges 4 --capacity 8 --restart-after 10s\ntandem demo --origin https://origin.example.com/base",
		rows:    func() []setting.Row { return cfg.Settings() },
		run:     func(ctx context.Context, _ []string, out io.Writer) error { return runDemo(ctx, cfg, out) },
	}
}

func runDemo(ctx context.Context, cfg demo.Config, out io.Writer) error {
	began := time.Now()
	d, err := demo.Open(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil // Ctrl-C
		}
		return err
	}
	defer d.Close()
	signal.Ignore(syscall.SIGPIPE) // whoever reads what it says may be gone: the cluster stays until Ctrl-C
	greet(out, d.File(), d.Path(), time.Since(began), terminal(out))
	d.Watch(ctx, func(line string) { fmt.Fprintf(out, "%s  %s\n", time.Now().Format(time.TimeOnly), line) })
	return nil
}

// greet tells what runs where.
func greet(out io.Writer, f cluster.File, path string, took time.Duration, colours bool) {
	strong := func(s string) string {
		if colours {
			return bold(s)
		}
		return s
	}
	origin := "1 origin"
	if f.Origin != "" {
		origin = "your origin"
	}
	fmt.Fprintf(out, "%s after %.1f s: %s, %s, %s in a ring. In a browser:\n\n", strong("ready"), took.Seconds(), origin, plural(len(f.Names(cluster.RoleLB)), "balancer"), plural(len(f.Names(cluster.RoleEdge)), "edge"))
	fmt.Fprintf(out, "  %s\n\nThe page plays a stream, and kills the edge that serves it. For other players:\n\n", strong(f.Dashboard))
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
	if f.Origin != "" {
		fmt.Fprintf(out, "  %-9s  %s/PATH, what your origin has at PATH\n", "viewers", f.Viewers[0])
	}
	for i, v := range f.Viewers[1:] {
		fmt.Fprintf(out, "  %-9s  %s\n", fmt.Sprintf("lb-%d", i+2), v)
	}
	if n := f.Node("edge-1"); n != nil && n.Fault != "" {
		fmt.Fprintf(out, "  %-9s  curl -d reset@4096 %s\n", "faults", n.Fault)
	}
	if f.Ingest != nil {
		fmt.Fprintf(out, "  %-9s  %s/CHANNEL/\n", "push to", f.Ingest.HTTP)
	}
	fmt.Fprintln(out)
	t := newTable("  NODE", ">PID", "HTTP", "ADMIN")
	for _, n := range f.Nodes {
		t.add("  "+n.Name, n.PID, n.HTTP, n.Admin)
	}
	t.print(out)
	watched := ""
	if f.Origin != "" {
		watched = " --url " + f.Viewers[0] + "/PATH"
	}
	// As it was called: who has just built it has it on no path.
	me := os.Args[0]
	fmt.Fprintf(out, "\nIn another terminal:\n  export TANDEM_CLUSTER=%s\n  %s status --watch\n  %s kill edge-1        (and %s start edge-1)\n  %s bench --kill%s\nCtrl-C ends all.\n", path, me, me, me, me, watched)
}
