package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Viewers ask for one object each half second; strangers, of few addresses, as fast as they
// are answered.
const (
	viewersOf = 100
	viewEvery = 500 * time.Millisecond
	viewSize  = 65536
	windowOf  = 4 * time.Second
	settleFor = time.Second // after strangers have come
)

// strangers are those beside whom viewers are measured.
type strangers struct {
	kinds   []string
	clients int
	conns   int // of each
	nice    int // of their process: what they use is not the server's
}

// beside is one pair of windows: viewers alone, and beside the strangers.
type beside struct {
	alone, with seen
	answered    float64       // strangers' requests a second
	cpu         time.Duration // of the server, in the second window
}

// measureStrangers measures what each kind of strangers does to viewers, contender by contender,
// windows without and with them in turn.
func (s settings) measureStrangers(ctx context.Context, w io.Writer, st *stage, running []runner) error {
	fmt.Fprintf(w, "| %d strangers of %d connections | viewers' p50, p99, most alone, ms | beside them | p99, times | client's own lag p99 | failed | strangers' answers a second | server's CPU |\n|---|---|---|---|---|---|---|---|\n",
		s.strangers.clients, s.strangers.conns)
	for _, kind := range s.strangers.kinds {
		all := map[string][]beside{}
		for round := range s.rounds {
			for _, r := range running {
				if strings.HasPrefix(kind, "h2-") && !r.tls {
					continue
				}
				fmt.Fprintf(os.Stderr, "\rround %d of %d: %-8s %-26s", round+1, s.rounds, kind, r.label)
				b, err := s.pair(ctx, st, r, kind)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", r.label, kind, err)
				}
				all[r.label] = append(all[r.label], b)
			}
		}
		fmt.Fprintln(os.Stderr)
		for _, r := range running {
			if all[r.label] == nil {
				continue
			}
			fmt.Fprintln(w, rowOf(kind+", "+r.label, all[r.label]))
		}
	}
	return nil
}

func rowOf(label string, rounds []beside) string {
	m := func(of func(beside) float64) float64 {
		v := make([]float64, 0, len(rounds))
		for _, b := range rounds {
			v = append(v, of(b))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	ms := func(of func(beside) time.Duration) float64 {
		return m(func(b beside) float64 { return float64(of(b).Microseconds()) / 1000 })
	}
	three := func(of func(beside) seen) string {
		return fmt.Sprintf("%.1f, %.1f, %.0f", ms(func(b beside) time.Duration { return of(b).P50 }), ms(func(b beside) time.Duration { return of(b).P99 }), ms(func(b beside) time.Duration { return of(b).Most }))
	}
	return fmt.Sprintf("| %s | %s | %s | %.1f | %.1f | %.0f | %.0f | %.2f |", label,
		three(func(b beside) seen { return b.alone }), three(func(b beside) seen { return b.with }),
		m(func(b beside) float64 { return float64(b.with.P99) / float64(max(b.alone.P99, time.Microsecond)) }),
		ms(func(b beside) time.Duration { return b.with.Lag99 }),
		m(func(b beside) float64 { return float64(b.with.Failed) }), m(func(b beside) float64 { return b.answered }),
		m(func(b beside) float64 { return b.cpu.Seconds() / windowOf.Seconds() }))
}

// pair measures viewers alone, then beside strangers.
func (s settings) pair(ctx context.Context, st *stage, r runner, kind string) (b beside, err error) {
	kind, ofHTTP2 := strings.CutPrefix(kind, "h2-")
	view := crowd{Addr: r.addr, TLS: r.tls, Streams: ofHTTP2, Network: 1, Clients: viewersOf, Conns: 1, Kind: "view", Path: objectPath(viewSize), Open: "/bench/index.m3u8", Every: viewEvery, Length: windowOf}
	if b.alone, err = s.crowd(ctx, st, view, 0, nil); err != nil {
		return b, err
	}
	size := 2048
	if kind == "bodies" {
		size = 524288
	}
	many := crowd{Addr: r.addr, TLS: r.tls, Streams: ofHTTP2, Network: 2, Clients: s.strangers.clients, Conns: s.strangers.conns, Kind: kind, Path: objectPath(size), Open: view.Open, Length: windowOf + 3*settleFor}
	theirs, err := s.crowd(ctx, st, many, s.strangers.nice, func() error {
		time.Sleep(settleFor)
		before, err := cpuOf(r.cmd.Process.Pid)
		if err != nil {
			return err
		}
		if b.with, err = s.crowd(ctx, st, view, 0, nil); err != nil {
			return err
		}
		after, err := cpuOf(r.cmd.Process.Pid)
		b.cpu = after - before
		return err
	})
	b.answered = float64(theirs.Answered) / many.Length.Seconds()
	return b, err
}

// crowd runs one process of clients, and meanwhile, once they have begun, something else.
func (s settings) crowd(ctx context.Context, st *stage, c crowd, nice int, meanwhile func() error) (of seen, err error) {
	self, err := os.Executable()
	if err != nil {
		return of, err
	}
	cmd := st.host.Command(ctx, "nice", "-n", strconv.Itoa(nice), self, "crowd")
	order, err := json.Marshal(c)
	if err != nil {
		return of, err
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(order)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return of, err
	}
	if err := cmd.Start(); err != nil {
		return of, err
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // "begin"
	if meanwhile != nil {
		err = meanwhile()
	}
	lines.Scan()
	if err == nil {
		err = json.Unmarshal(lines.Bytes(), &of)
	}
	if waited := cmd.Wait(); err == nil {
		err = waited
	}
	return of, err
}
