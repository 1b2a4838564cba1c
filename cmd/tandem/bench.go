package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tandem/internal/loadtest"
	"tandem/internal/setting"
)

// errSeen is the end of a run in which viewers saw something.
var errSeen = errors.New("viewers saw it (the table says what)")

func benchCommand() command {
	var cfg loadtest.Config
	asJSON := false
	return command{
		name:    "bench",
		summary: "viewers: paced players that check every byte and count every stall",
		about: "With a cluster.json (--cluster, $TANDEM_CLUSTER, ./cluster.json) it knows the addresses, and can\n" +
			"fail the edges in turn (--kill, --fault). It exits 1 when any viewer saw anything.",
		example: "tandem bench --viewers 100 --for 60s --kill\n" +
			"tandem bench --url http://127.0.0.1:8080/sample/master.m3u8 \\\n" +
			"  --origin http://127.0.0.1:8090",
		rows: func() []setting.Row {
			return append(cfg.Settings(), setting.Bool(&asJSON, "json", false, "The result as JSON."))
		},
		run: func(ctx context.Context, _ []string, out io.Writer) error { return bench(ctx, cfg, asJSON, out) },
	}
}

func bench(ctx context.Context, cfg loadtest.Config, asJSON bool, out io.Writer) error {
	test, err := loadtest.New(cfg)
	if err != nil {
		return err
	}
	var progress func(loadtest.Progress)
	if !asJSON && terminal(os.Stderr) {
		progress = func(p loadtest.Progress) { fmt.Fprintf(os.Stderr, "\r%s\x1b[K", progressLine(p)) }
	}
	result, err := test.Run(ctx, progress)
	if progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if asJSON {
		text, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(text))
	} else {
		printBench(out, &result)
	}
	if !result.Seamless() {
		return errSeen
	}
	return err
}

// progressLine is one line that is drawn over itself.
func progressLine(p loadtest.Progress) string {
	const width = 24
	s := &p.Sum
	full := min(width, int(width*p.Passed/p.Length))
	seen := fmt.Sprintf("stalls %d  errors %d  wrong %d", s.Stalls, s.Errors, s.Wrong)
	if s.Errors+s.Wrong+s.GivenUp+s.Stalls > 0 {
		seen = red(seen)
	} else {
		seen = green(seen)
	}
	return fmt.Sprintf("%s%s %3.0f s  %d viewers  %d segments  %s  takeovers %d  %s  %s",
		strings.Repeat("█", full), strings.Repeat("░", width-full), p.Passed.Seconds(), s.Viewers, s.Segments, size(s.Bytes), s.Takeovers, seen, p.Fault)
}

func printBench(out io.Writer, r *loadtest.Result) {
	fmt.Fprintf(out, "%d viewers, %d segments, %s, %s of media\n\n", r.Viewers, r.Segments, size(r.Bytes), r.Played.Round(time.Second))
	t := newTable("SEEN BY VIEWERS", ">COUNT", "")
	t.add("stalls", r.Stalls, longest(r.LongestStall))
	how := ""
	if !r.Compared {
		how = "not compared: no --origin"
	}
	t.add("wrong bytes", r.Wrong, how)
	t.add("failed requests", r.Errors, fmt.Sprintf("%d tried again", r.Retries))
	t.add("segments given up", r.GivenUp, "")
	t.add("live playlists that went back", r.StepsBack, "")
	t.add("refused", r.Refused, r.Reason)
	t.add("responses taken over before their head", r.Takeovers, "")
	t.add("turned to another balancer", r.Moved, "")
	t.add("longest silence within a response", r.LongestGap.Round(time.Millisecond), "")
	t.print(out)
	if r.FirstError != "" {
		fmt.Fprintf(out, "\nfirst error: %s\n", r.FirstError)
	}
	if len(r.Faults) == 0 {
		return
	}
	fmt.Fprintln(out)
	f := newTable("EDGE", "FAULT", ">AT", ">BACK AFTER", ">STRUCK", "")
	for _, x := range r.Faults {
		back, struck := "not yet", ""
		if x.Back > 0 {
			back = x.Back.Round(100 * time.Millisecond).String()
		}
		if !x.OfProcess() { // a process answers nothing, a proxy struck so many answers
			struck = fmt.Sprintf("%d answers", x.Struck)
		}
		f.add(x.Edge, x.Kind, x.At.Round(100*time.Millisecond), back, struck, x.Error)
	}
	f.print(out)
}

func longest(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "longest " + d.Round(time.Millisecond).String()
}
