package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tandem/internal/player"
)

// crowd collects what the viewers of a bench have seen so far.
type crowd struct {
	began time.Time

	mu      sync.Mutex
	reports []player.Report // guarded by mu; one a viewer
}

func (c *crowd) set(i int, r player.Report) {
	c.mu.Lock()
	c.reports[i] = r
	c.mu.Unlock()
}

func (c *crowd) sum() player.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum player.Report
	for _, r := range c.reports {
		sum.Add(r)
	}
	return sum
}

// progress draws one line over itself until ctx ends.
func (c *crowd) progress(ctx context.Context, out io.Writer, length time.Duration, faults *faultLog) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	const width = 24
	for {
		passed := time.Since(c.began)
		full := min(width, int(width*passed/length))
		s := c.sum()
		bad := s.Errors + s.Wrong + s.GivenUp + s.Stalls
		line := fmt.Sprintf("%s%s %3.0f s  %d viewers  %d segments  %s  takeovers %d  ",
			strings.Repeat("█", full), strings.Repeat("░", width-full), passed.Seconds(), s.Viewers, s.Segments, size(s.Bytes), s.Takeovers)
		seen := fmt.Sprintf("stalls %d  errors %d  wrong %d", s.Stalls, s.Errors, s.Wrong)
		if bad > 0 {
			seen = red(seen)
		} else {
			seen = green(seen)
		}
		fmt.Fprintf(out, "\r%s%s  %s\x1b[K", line, seen, faults.now())
		select {
		case <-ctx.Done():
			fmt.Fprint(out, "\r\x1b[K")
			return
		case <-tick.C:
		}
	}
}

func printBench(out io.Writer, s *player.Report, faults *faultLog, compared bool) {
	fmt.Fprintf(out, "%d viewers, %d segments, %s, %s of media\n\n", s.Viewers, s.Segments, size(s.Bytes), s.Played.Round(time.Second))
	t := newTable("SEEN BY VIEWERS", ">COUNT", "")
	t.add("stalls", s.Stalls, longest(s.LongestStall))
	how := ""
	if !compared {
		how = "not compared: no --origin"
	}
	t.add("wrong bytes", s.Wrong, how)
	t.add("failed requests", s.Errors, fmt.Sprintf("%d tried again", s.Retries))
	t.add("segments given up", s.GivenUp, "")
	t.add("live playlists that went back", s.StepsBack, "")
	t.add("refused", s.Refused, s.Reason)
	t.add("responses taken over before their head", s.Takeovers, "")
	t.add("turned to another balancer", s.Moved, "")
	t.add("longest silence within a response", s.LongestGap.Round(time.Millisecond), "")
	t.print(out)
	if s.FirstError != "" {
		fmt.Fprintf(out, "\nfirst error: %s\n", s.FirstError)
	}
	if list := faults.list(); len(list) > 0 {
		fmt.Fprintln(out)
		f := newTable("EDGE", "FAULT", ">AT", ">BACK AFTER", ">STRUCK", "")
		for _, x := range list {
			back := "not yet"
			if x.Back > 0 {
				back = x.Back.Round(100 * time.Millisecond).String()
			}
			f.add(x.Edge, x.Kind, x.At.Round(100*time.Millisecond), back, struck(x), x.Error)
		}
		f.print(out)
	}
}

// struck is how many answers a proxy struck; a process has none.
func struck(f failure) string {
	if ofProcess(f.Kind) {
		return ""
	}
	return fmt.Sprintf("%d answers", f.Struck)
}

func longest(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "longest " + d.Round(time.Millisecond).String()
}
