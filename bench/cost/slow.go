package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Slow clients are beside the viewers for slowFor: readers who take 64 bytes a second of an
// answer of slowSize, and those who send a head or a body as slowly.
var slowKinds = []string{"readers", "heads", "uploads"}

const (
	slowMany = 1000
	slowFor  = 20 * time.Second
	slowSize = 4 << 20
)

// slowly is one pair of windows: viewers alone, and beside slow clients.
type slowly struct {
	alone, with, slow seen
	kernel            int64 // bytes more that the kernel had for TCP, all sockets of the machine, at most
}

// measureSlow measures what slow clients hold, when they are ended, and what they do to viewers.
func (s settings) measureSlow(ctx context.Context, w io.Writer, st *stage, running []runner) error {
	s.strangers.conns = slowMany / s.strangers.clients
	fmt.Fprintf(w, "| %d slow clients of %d connections | viewers' p50, p99, most alone, ms | beside them | p99, times | viewers that failed | ended by the server, never connected | first half, last after, s | kernel's memory, MB |\n|---|---|---|---|---|---|---|---|\n",
		s.strangers.clients, s.strangers.conns)
	for _, kind := range []string{"readers", "h2-readers", "heads", "uploads"} {
		for _, r := range running {
			if strings.HasPrefix(kind, "h2-") && !r.tls {
				continue
			}
			fmt.Fprintf(os.Stderr, "\r%-12s %-30s", kind, r.label)
			of, err := s.besideSlow(ctx, st, r, kind)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", r.label, kind, err)
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			fmt.Fprintf(w, "| %s, %s | %.1f, %.1f, %.0f | %.1f, %.1f, %.0f | %.1f | %d | %d of %d, %d | %.1f, %.1f | %d |\n", kind, r.label,
				ms(of.alone.P50), ms(of.alone.P99), ms(of.alone.Most), ms(of.with.P50), ms(of.with.P99), ms(of.with.Most),
				float64(of.with.P99)/float64(max(of.alone.P99, time.Microsecond)), of.with.Failed,
				of.slow.Timed, s.strangers.clients*s.strangers.conns, of.slow.Failed, of.slow.P50.Seconds(), of.slow.Most.Seconds(), of.kernel>>20)
		}
	}
	fmt.Fprintln(os.Stderr)
	return nil
}

func (s settings) besideSlow(ctx context.Context, st *stage, r runner, kind string) (of slowly, err error) {
	kind, streams := strings.CutPrefix(kind, "h2-")
	view := crowd{Addr: r.addr, TLS: r.tls, Streams: streams, Network: 1, Clients: viewersOf, Conns: 1, Kind: "view", Path: objectPath(viewSize), Open: "/bench/index.m3u8", Every: viewEvery, Length: windowOf}
	if of.alone, err = s.crowd(ctx, st, view, 0, nil); err != nil {
		return of, err
	}
	view.Length = slowFor - settleFor
	many := crowd{Addr: r.addr, TLS: r.tls, Streams: streams, Network: 2, Clients: s.strangers.clients, Conns: s.strangers.conns, Kind: kind, Path: objectPath(slowSize), Open: view.Open, Length: slowFor}
	before := kernelOfTCP()
	stop := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for tick := time.NewTicker(slowEvery); ; {
			of.kernel = max(of.kernel, kernelOfTCP()-before)
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
	of.slow, err = s.crowd(ctx, st, many, 0, func() error {
		var err error
		of.with, err = s.crowd(ctx, st, view, 0, nil)
		return err
	})
	close(stop)
	looks.Wait()
	return of, err
}

// kernelOfTCP is what the kernel has for TCP, in bytes: every namespace's.
func kernelOfTCP() int64 {
	text, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "TCP:"); ok {
			words := strings.Fields(rest)
			pages, _ := strconv.ParseInt(words[len(words)-1], 10, 64)
			return pages * int64(os.Getpagesize())
		}
	}
	return 0
}
