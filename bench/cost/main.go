package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tandem/bench/lab"
)

func main() {
	run := func() error { return cost(os.Args[1:]) }
	if len(os.Args) > 1 && os.Args[1] == "client" {
		run = func() error { return client(os.Stdin, os.Stdout) }
	}
	if len(os.Args) > 1 && os.Args[1] == "crowd" {
		run = func() error { return runCrowd(os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// settings of a run, from the command line.
type settings struct {
	binary, report, only string
	sizes                []int
	conns                []int
	rounds               int
	short                bool // socket buffers
	length               time.Duration
	steady               string // size:rate pairs of the measurements at a steady rate
	strangers            strangers
}

func cost(args []string) error {
	s := settings{}
	var sizes, conns string
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.StringVar(&s.binary, "tandem", "bin/tandem", "the tandem binary")
	flags.StringVar(&s.report, "report", "", "Markdown file whose tables are written anew")
	flags.StringVar(&s.only, "only", "", "contenders, by the beginning of their names; all when empty")
	flags.StringVar(&sizes, "sizes", "2048,65536,524288,2097152,6291456", "bytes of the objects")
	flags.StringVar(&s.steady, "steady", "2048:4000,524288:400", "SIZE:REQUESTS-A-SECOND measurements at a steady rate")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds, the contenders in turn")
	flags.StringVar(&conns, "conns", "64", "client connections; with several the first ones' measurements are beside the others'")
	flags.BoolVar(&s.short, "short-buffers", false, "socket buffers of at most 128 KB, as in the trial; else the kernel's own")
	flags.DurationVar(&s.length, "length", 3*time.Second, "of one measurement")
	beside := flags.String("strangers", "", "measure viewers beside strangers in place of costs: kinds of small, bodies, open, miss, shake, with h2- before them all speak HTTP/2; or slow")
	flags.IntVar(&s.strangers.clients, "stranger-clients", 20, "strangers, each with an address of its own")
	flags.IntVar(&s.strangers.conns, "stranger-conns", 100, "connections of each")
	flags.IntVar(&s.strangers.nice, "stranger-nice", 19, "of the strangers' process, which shares the processors with the server")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *beside != "" {
		s.strangers.kinds, s.sizes = strings.Split(*beside, ","), []int{2048, viewSize, 524288, slowSize}
	}
	var err error
	if s.sizes == nil {
		if s.sizes, err = numbers(sizes, 8); err != nil {
			return fmt.Errorf("--sizes: %w of bytes", err)
		}
	}
	if s.conns, err = numbers(conns, 1); err != nil {
		return fmt.Errorf("--conns: %w of connections", err)
	}
	if os.Getuid() != 0 {
		return errors.New("network namespaces need root")
	}
	if s.binary, err = filepath.Abs(s.binary); err != nil { // it is started elsewhere
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	figures, err := s.measureAll(ctx)
	if err != nil || figures == nil {
		return err
	}
	return write(os.Stdout, s.report, figures)
}

// numbers reads a list of them.
func numbers(text string, least int) (all []int, err error) {
	for _, one := range strings.Split(text, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < least {
			return nil, fmt.Errorf("%q is no number", one)
		}
		all = append(all, n)
	}
	return all, nil
}

// measureAll starts every contender once and measures them in turn.
func (s settings) measureAll(ctx context.Context) (*figures, error) {
	dir, err := os.MkdirTemp("", "tandem-cost-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	l, err := lab.New(dir)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Short = s.short
	host, err := l.Host("bench")
	if err != nil {
		return nil, err
	}
	st, err := newStage(host, dir, s.binary, s.sizes)
	if err != nil {
		return nil, err
	}
	running, err := s.startAll(ctx, st)
	if err != nil {
		return nil, err
	}
	switch {
	case s.slow():
		return nil, s.measureSlow(ctx, os.Stdout, st, running)
	case len(s.strangers.kinds) > 0:
		return nil, s.measureStrangers(ctx, os.Stdout, st, running)
	}
	all := newFigures(s, running)
	for round := range s.rounds {
		for _, load := range s.loads() {
			for _, r := range running {
				fmt.Fprintf(os.Stderr, "\rround %d of %d: %-12s %-26s", round+1, s.rounds, load.name(), r.label)
				own, both, err := s.measure(ctx, st, r, load)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", r.label, load.name(), err)
				}
				all.add(r.label, load, own)
				all.add(r.label+withClient, load, both)
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	return all, nil
}

// runner is a contender that is up.
type runner struct {
	contender
	cmd  *exec.Cmd
	addr string
}

func (s settings) startAll(ctx context.Context, st *stage) ([]runner, error) {
	upstream, addr, err := configured("upstream", nginxStatic, []string{"nginx", "-c", "%s"}, 0)(ctx, st)
	if err != nil {
		return nil, err
	}
	port, _ := strconv.Atoi(addr[strings.LastIndexByte(addr, ':')+1:])
	_ = upstream
	var running []runner
	for _, c := range append(peers(port), ours(port)...) {
		if !s.wants(c.label) {
			continue
		}
		cmd, addr, err := c.start(ctx, st)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.label, err)
		}
		if c.path == nil {
			c.path = objectPath
		}
		for _, size := range s.sizes { // up, and warm
			for range 2 {
				scheme := "http://"
				if c.tls {
					scheme = "https://"
				}
				if err := st.host.Await(ctx, scheme+addr+c.path(size)); err != nil {
					return nil, fmt.Errorf("%s: %w", c.label, err)
				}
			}
		}
		running = append(running, runner{contender: c, cmd: cmd, addr: addr})
	}
	return running, nil
}

func (s settings) wants(label string) bool {
	switch {
	case s.only == "" && s.slow():
		return strings.HasPrefix(label, "budgets")
	case label == "budgets: tandem edge" && s.only == "":
		return false
	case s.only == "":
		return strings.HasPrefix(label, "budgets") == (len(s.strangers.kinds) > 0) || len(s.strangers.kinds) > 0 && slices.Contains([]string{"HAProxy", "nginx proxy", "TLS: HAProxy", "TLS: nginx proxy"}, label)
	}
	return slices.ContainsFunc(strings.Split(s.only, ","), func(want string) bool { return strings.HasPrefix(label, want) })
}

// slow tells that slow clients are measured.
func (s settings) slow() bool { return len(s.strangers.kinds) == 1 && s.strangers.kinds[0] == "slow" }

// load is one kind of traffic.
type load struct {
	size, rate, conns int
	crowd             bool // of other connections than the first measurements
}

func (l load) name() string {
	name := bytesText(l.size)
	if l.rate > 0 {
		name += fmt.Sprintf(", %d/s", l.rate)
	}
	if l.crowd {
		name += fmt.Sprintf(", %d connections", l.conns)
	}
	return name
}

func (s settings) loads() []load {
	var all []load
	for _, size := range s.sizes {
		for i, conns := range s.conns {
			all = append(all, load{size: size, conns: conns, crowd: i > 0})
		}
	}
	for _, pair := range strings.Split(s.steady, ",") {
		l := load{conns: s.conns[0]}
		if _, err := fmt.Sscanf(pair, "%d:%d", &l.size, &l.rate); err == nil && slices.Contains(s.sizes, l.size) {
			all = append(all, l)
		}
	}
	return all
}

// measure is one measurement: microseconds of CPU per request, the server's own and
// together with the client's.
func (s settings) measure(ctx context.Context, st *stage, r runner, l load) (own, both float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := st.host.Command(ctx, self, "client")
	order, err := json.Marshal(job{
		Addr: r.addr, Path: r.path(l.size), Bytes: int64(l.size), Conns: l.conns, Rate: l.rate,
		Warm: time.Second, Length: s.length, Through: r.addr, TLS: r.tls,
	})
	if err != nil {
		return 0, 0, err
	}
	cmd.Stdin = strings.NewReader(string(order))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // "begin"
	before, err := cpuOfBoth(r.cmd.Process.Pid, cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	lines.Scan()
	after, err := cpuOfBoth(r.cmd.Process.Pid, cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	var t tally
	if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
		return 0, 0, fmt.Errorf("client: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return 0, 0, err
	}
	if t.Failed > 0 || t.Requests == 0 {
		return 0, 0, fmt.Errorf("%d requests answered, %d failed", t.Requests, t.Failed)
	}
	a := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(t.Requests) }
	return a(after[0] - before[0]), a(after[0] - before[0] + after[1] - before[1]), nil
}
