package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tandem/bench/lab"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "audience" {
		if err := audience(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "trial:", err)
			os.Exit(1)
		}
		return
	}
	if err := trial(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		os.Exit(1)
	}
}

// settings of a trial, from the command line.
type settings struct {
	binary, report string
	rows           string
	only, faults   string
	viewers        int
	faultAfter     time.Duration
	length         time.Duration
	pause          time.Duration
	strict         bool
}

// Who retries does so for 3 s. A second between two tries is what hls.js and dash.js
// leave; where the address moves it would be all that is measured.
const (
	retrying   = 3 * time.Second
	pause      = time.Second
	frontPause = 250 * time.Millisecond
)

func (s settings) pauseAt(fault string) time.Duration {
	switch {
	case s.pause > 0:
		return s.pause
	case ofFront(fault):
		return frontPause
	}
	return pause
}

func trial(args []string) error {
	var s settings
	flags := flag.NewFlagSet("trial", flag.ContinueOnError)
	flags.StringVar(&s.binary, "tandem", "bin/tandem", "the tandem binary")
	flags.StringVar(&s.report, "report", "", "Markdown file to write")
	flags.StringVar(&s.rows, "rows", "", "file of rows from earlier parts, which is added to: a trial in parts")
	flags.StringVar(&s.only, "only", "tandem,tandem-steered,nginx,nginx-buffering,HAProxy,Caddy", "contenders")
	flags.StringVar(&s.faults, "faults", "kill,stop,link,front-kill,front-restart", "faults; front-stop as well")
	flags.IntVar(&s.viewers, "viewers", 64, "paced viewers")
	flags.DurationVar(&s.faultAfter, "fault-after", 14*time.Second, "from the first viewer to the fault")
	flags.DurationVar(&s.length, "length", 36*time.Second, "of each run")
	flags.DurationVar(&s.pause, "pause", 0, "of a viewer before it tries again, for 3 s in all (0: 1s, where the front fails 250ms)")
	flags.BoolVar(&s.strict, "strict", false, "exit 1 when tandem breaks a response, stalls a viewer or asks the origin again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return errors.New("network namespaces need root")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	rows, err := s.earlier()
	if err != nil {
		return err
	}
	for _, c := range contenders(s) {
		for _, fault := range strings.Split(s.faults, ",") {
			fmt.Fprintf(os.Stderr, "%-18s %-13s ", c.name(), fault)
			row, err := round(ctx, s, c, fault)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.name(), fault, err)
			}
			fmt.Fprintln(os.Stderr, row.line())
			rows = slices.DeleteFunc(rows, func(r result) bool { return r.Contender == row.Contender && r.Fault == row.Fault })
			rows = append(rows, row)
			if err := s.keepRows(rows); err != nil {
				return err
			}
		}
	}
	if err := report(os.Stdout, s.report, s, rows); err != nil {
		return err
	}
	return s.check(rows)
}

// contenders picks those that were asked for.
func contenders(s settings) []contender {
	var all []contender
	for _, c := range append([]contender{&tandem{binary: s.binary}, &tandem{binary: s.binary, steered: true}}, peers()...) {
		for _, want := range strings.Split(s.only, ",") {
			if strings.EqualFold(want, strings.ReplaceAll(c.name(), ", ", "-")) {
				all = append(all, c)
			}
		}
	}
	return all
}

// round is one contender under one fault, in a lab of its own.
func round(ctx context.Context, s settings, c contender, fault string) (result, error) {
	dir, err := os.MkdirTemp("", "tandem-trial-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	// nginx's workers leave root and must still reach the files.
	if err := os.Chmod(dir, 0o777); err != nil {
		return result{}, err
	}
	m, err := newMedia(dir)
	if err != nil {
		return result{}, err
	}
	l, err := lab.New(dir)
	if err != nil {
		return result{}, err
	}
	defer l.Close()
	l.Short = true
	for _, name := range hostNames {
		if _, err := l.Host(name); err != nil {
			return result{}, err
		}
	}
	entry, err := c.setUp(ctx, l, m)
	if err != nil {
		return result{}, fmt.Errorf("%w (logs: %s)", err, keep(dir))
	}
	if ofFront(fault) {
		if entry, err = virtual(ctx, l, entry, c.health()); err != nil {
			return result{}, fmt.Errorf("%w (logs: %s)", err, keep(dir))
		}
	}
	if err := warm(ctx, l.Hosts["viewers"], entry, m); err != nil {
		return result{}, fmt.Errorf("warm-up: %w (logs: %s)", err, keep(dir))
	}
	return s.play(ctx, l, c, fault, entry, m)
}

// play lets the audience watch and makes the fault in the middle of it.
func (s settings) play(ctx context.Context, l *lab.Lab, c contender, fault, entry string, m *media) (result, error) {
	before, err := c.originAsked(ctx, l)
	if err != nil {
		return result{}, err
	}
	victim, name := c.victim(l)
	var begun, faultAt atomic.Int64
	failed := make(chan error, 1)
	go func() {
		select {
		case <-ctx.Done():
			failed <- ctx.Err()
			return
		case <-time.After(s.faultAfter):
		}
		faultAt.Store(time.Now().UnixMilli())
		if ofFront(fault) {
			failed <- c.front(l, fault)
			return
		}
		failed <- inflict(victim, fault)
	}()
	logs, err := watch(ctx, l.Hosts["viewers"], order{
		Entry: entry, Viewers: s.viewers, Digests: m.digests, Seconds: int(s.length.Seconds()),
		Pause: s.pauseAt(fault), Retries: int(retrying / s.pauseAt(fault)),
	}, &begun)
	if err != nil {
		return result{}, err
	}
	if err := <-failed; err != nil {
		return result{}, err
	}
	if ofFront(fault) {
		name = "" // whichever cache the responses came from
	}
	r := measure(logs, name, faultAt.Load())
	r.Contender, r.Fault = c.name(), fault
	after, err := c.originAsked(ctx, l)
	r.OriginAsked = after - before
	return r, err
}

func inflict(h *lab.Host, fault string) error {
	switch fault {
	case "kill":
		h.Signal(syscall.SIGKILL)
	case "stop":
		h.Signal(syscall.SIGSTOP)
	case "link":
		return h.Cut()
	default:
		return fmt.Errorf("--faults: %q is none of kill, stop, link, %s, %s, %s", fault, frontKilled, frontRestarted, frontStopped)
	}
	return nil
}

// warm fetches every segment once through the balancer.
func warm(ctx context.Context, h *lab.Host, entry string, m *media) error {
	base := entry[:strings.LastIndex(entry, "/")+1]
	for name := range m.digests {
		if err := h.Await(ctx, base+name); err != nil {
			return err
		}
	}
	return nil
}

// keep copies the logs of a lab that failed to where a person can read them.
func keep(dir string) string {
	to, err := os.MkdirTemp("", "tandem-trial-logs-")
	if err != nil {
		return err.Error()
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, log := range logs {
		if text, err := os.ReadFile(log); err == nil {
			_ = os.WriteFile(filepath.Join(to, filepath.Base(log)), text, 0o644)
		}
	}
	return to
}
