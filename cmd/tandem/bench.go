package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/setting"
)

// bench is the settings of a run.
type bench struct {
	viewers int
	length  time.Duration
	entry   string
	origin  string
	cluster string
	buffer  time.Duration
	rate    int64
	retries int
	speed   int
	json    bool
	kill    bool
	fault   string
	down    time.Duration
	policy  string
}

// Policies of a bench.
const (
	policyTandem     = "tandem"
	policyRoundRobin = "roundrobin"
)

func benchCommand() command {
	b := &bench{}
	return command{
		name:    "bench",
		summary: "viewers: paced players that check every byte and count every stall",
		about: "With a cluster.json (--cluster, $TANDEM_CLUSTER, ./cluster.json) it knows the addresses, and can\n" +
			"fail the edges in turn (--kill, --fault). It exits 1 when any viewer saw anything.",
		example: "tandem bench --viewers 100 --for 60s --kill\n" +
			"tandem bench --url http://127.0.0.1:8080/sample/master.m3u8 --origin http://127.0.0.1:8090",
		rows: b.rows,
		run:  func(ctx context.Context, _ []string, out io.Writer) error { return b.run(ctx, out) },
	}
}

func (b *bench) rows() []setting.Row {
	return []setting.Row{
		setting.Int(&b.viewers, "viewers", 100, 1, 100000, "viewers", "Viewers at the same time, each with connections of its own."),
		setting.Duration(&b.length, "for", time.Minute, time.Second, 24*time.Hour, "How long they watch; a stored stream starts again at its end."),
		setting.String(&b.entry, "url", "", "Playlist or MPD at a balancer (default: the cluster's first stored stream, else a demo's)."),
		setting.String(&b.origin, "origin", "", "Base URL of the origin, to compare every byte (default: the cluster's; none: not compared)."),
		setting.String(&b.cluster, "cluster", "", "A cluster.json as `tandem demo` writes it."),
		setting.Duration(&b.buffer, "buffer", 10*time.Second, 500*time.Millisecond, time.Hour, "Forward buffer of each viewer, in media time."),
		setting.Bytes(&b.rate, "rate", 0, 0, 1<<40, "Most bytes a second that one viewer takes; 0: all."),
		setting.Int(&b.retries, "retries", 1, 0, 100, "tries", "Further tries of a request that failed."),
		setting.Int(&b.speed, "speed", 1, 1, 100, "times", "Play stored streams so many times faster."),
		setting.Bool(&b.json, "json", false, "The result as JSON."),
		setting.Bool(&b.kill, "kill", false, "Kill each edge in turn and bring it back (--fault kill)."),
		setting.String(&b.fault, "fault", "", "What happens to each edge in turn: kill, stop (it hangs) or term; or, with demo --fault-proxies, to its answers: reset@4096, trickle@0, garbage, short, long, status, close@1x3 (three times) ..."),
		setting.Duration(&b.down, "down", 4*time.Second, 100*time.Millisecond, time.Hour, "How long an edge is away."),
		setting.String(&b.policy, "policy", policyTandem, "tandem, or roundrobin: viewers dealt to the edges in turn, past the balancers, for comparison."),
	}
}

func (b *bench) run(ctx context.Context, out io.Writer) error {
	if b.kill && b.fault == "" {
		b.fault = faultKill
	}
	if err := checkFault(b.fault); err != nil {
		return err
	}
	file, attached, err := b.attach()
	if err != nil {
		return err
	}
	if err := b.complete(file); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	crowd := &crowd{reports: make([]player.Report, b.viewers), began: time.Now()}
	var around sync.WaitGroup
	var faults *faultLog
	if b.fault != "" {
		faults = &faultLog{kind: b.fault, down: b.down, cluster: attached}
		around.Go(func() { faults.run(ctx, file.Names(cluster.RoleEdge), b.length) })
	}
	if !b.json && terminal(os.Stderr) {
		around.Go(func() { crowd.progress(ctx, os.Stderr, b.length, faults) })
	}
	b.watch(ctx, crowd, file)
	stop()
	around.Wait()
	return b.tell(out, crowd.sum(), faults)
}

// attach reads the cluster file, if there is one.
func (b *bench) attach() (*cluster.File, *cluster.Cluster, error) {
	path, asked := b.cluster, b.cluster != ""
	if path == "" {
		path = os.Getenv("TANDEM_CLUSTER")
		asked = path != ""
	}
	if path == "" {
		path = "cluster.json"
	}
	c, err := cluster.Attach(path)
	if err != nil {
		if asked {
			return nil, nil, err
		}
		if b.fault != "" || b.policy == policyRoundRobin {
			return nil, nil, usage("--kill, --fault and --policy need to know the processes: give --cluster DIR/cluster.json of a tandem demo")
		}
		return &cluster.File{}, nil, nil
	}
	f := c.File()
	return &f, c, nil
}

// complete fills in what the cluster file knows, and says what is missing.
func (b *bench) complete(f *cluster.File) error {
	if b.entry == "" && len(f.Viewers) > 0 && len(f.Streams) > 0 {
		b.entry = f.Viewers[0] + f.Streams[0].HLS
		for _, s := range f.Streams {
			if !s.Live && s.HLS != "" {
				b.entry = f.Viewers[0] + s.HLS
				break
			}
		}
	}
	if b.origin == "" && f.Node("origin-1") != nil {
		b.origin = f.Node("origin-1").HTTP
	}
	if b.entry == "" {
		b.entry = "http://" + demoViewers + "/sample/master.m3u8" // a demo with its own defaults
	}
	u, err := url.Parse(b.entry)
	switch {
	case err != nil || u.Host == "":
		return usage("--url: %q is no URL", b.entry)
	case b.policy != policyTandem && b.policy != policyRoundRobin:
		return usage("--policy: %q is none of tandem, roundrobin", b.policy)
	case b.fault != "" && !ofProcess(b.fault) && !proxied(f):
		return usage("--fault %s: this cluster has no fault proxies; start it with tandem demo --fault-proxies", b.fault)
	case b.policy == policyRoundRobin && len(f.Names(cluster.RoleEdge)) == 0:
		return usage("--policy: roundrobin needs a cluster.json that names edges")
	}
	return nil
}

// watch runs the viewers. They come over 2 s, and start at different places of
// the stream: in step they would all be at the same segment.
func (b *bench) watch(ctx context.Context, c *crowd, f *cluster.File) {
	var digests *player.Digests
	if b.origin != "" {
		digests = player.NewDigests(b.origin)
	}
	spread := min(2*time.Second, b.length/4)
	var all sync.WaitGroup
	for i := range b.viewers {
		all.Go(func() {
			wait := spread * time.Duration(i) / time.Duration(b.viewers)
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			entry, others := b.address(f, i)
			c.set(i, player.Play(ctx, player.Config{
				Entry: entry, Others: others, Digests: digests, Buffer: b.buffer, Rate: b.rate, Retries: b.retries, For: b.length - wait,
				Speed: float64(b.speed), Rendition: i, Start: i, Progress: func(r player.Report) { c.set(i, r) },
			}))
		})
	}
	all.Wait()
}

// address is where viewer i begins, and where it turns to when nobody answers.
func (b *bench) address(f *cluster.File, i int) (entry string, others []string) {
	if b.policy != policyRoundRobin {
		return b.entry, f.Viewers
	}
	u, _ := url.Parse(b.entry) // checked by complete
	names := f.Names(cluster.RoleEdge)
	for k := range names {
		others = append(others, advertised(f.Node(names[(i+k)%len(names)])))
	}
	return others[0] + u.RequestURI(), others
}

var errSeen = errors.New("viewers saw it (the table says what)")

// tell prints the result; an error when any viewer saw anything.
func (b *bench) tell(out io.Writer, sum player.Report, faults *faultLog) error {
	if b.json {
		text, err := json.MarshalIndent(struct {
			player.Report
			Policy string    `json:"policy"`
			Faults []failure `json:"faults,omitempty"`
		}{sum, b.policy, faults.list()}, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(text))
	} else {
		printBench(out, &sum, faults, b.origin != "")
	}
	if !sum.Seamless() {
		return errSeen
	}
	return faults.err()
}
