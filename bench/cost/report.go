package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// figures are all measurements: by contender and load, one a round.
type figures struct {
	loads   []load
	runners []runner
	rounds  map[string][]float64
}

func newFigures(s settings, running []runner) *figures {
	return &figures{loads: s.loads(), runners: running, rounds: map[string][]float64{}}
}

func (f *figures) add(label string, l load, us float64) {
	key := label + "\x00" + l.name()
	f.rounds[key] = append(f.rounds[key], us)
}

// median of the rounds, 0 when there are none.
func (f *figures) median(label string, l load) float64 {
	v := slices.Sorted(slices.Values(f.rounds[label+"\x00"+l.name()]))
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}

// spread is the least and the most of the rounds' own ratios to another contender's.
func (f *figures) spread(label, base string, l load) (least, most float64) {
	own, others := f.rounds[label+"\x00"+l.name()], f.rounds[base+"\x00"+l.name()]
	for i := range min(len(own), len(others)) {
		if others[i] == 0 {
			continue
		}
		r := own[i] / others[i]
		if most == 0 || r < least {
			least = r
		}
		most = max(most, r)
	}
	return least, most
}

// The peers that the ratios are against.
var reference = map[string]string{"hit": "nginx static", "proxy": "HAProxy", "TLS": "TLS: HAProxy", "nodes": "nodes plain: balancer"}

// withClient ends the label of what a server and its client have used together: on one
// machine the sender's part of TCP is done by whoever is told that there is room.
const withClient = "\x00both"

func (f *figures) tables() string {
	var b strings.Builder
	for _, kind := range []string{"hit", "proxy", "TLS", "nodes"} {
		if !slices.ContainsFunc(f.runners, func(r runner) bool { return r.kind == kind }) {
			continue
		}
		f.table(&b, kind, "CPU µs a request", "")
		f.table(&b, kind, "the same, with the client's CPU", withClient)
	}
	b.WriteString("| CPU s a GB |")
	for _, l := range f.loads {
		fmt.Fprintf(&b, " %s |", l.name())
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(f.loads)) + "\n")
	for _, r := range f.runners {
		fmt.Fprintf(&b, "| %s |", r.label)
		for _, l := range f.loads {
			fmt.Fprintf(&b, " %.2f |", f.median(r.label, l)/1e6*1e9/float64(l.size))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// table is that of one kind of contenders, of their own figures or of those whose labels
// end so.
func (f *figures) table(b *strings.Builder, kind, what, ending string) {
	fmt.Fprintf(b, "| %s: %s (ratio to %s; of the rounds) |", kind, what, reference[kind])
	for _, l := range f.loads {
		fmt.Fprintf(b, " %s |", l.name())
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(f.loads)) + "\n")
	for _, r := range f.runners {
		if r.kind != kind {
			continue
		}
		fmt.Fprintf(b, "| %s |", r.label)
		for _, l := range f.loads {
			us := f.median(r.label+ending, l)
			base := f.median(reference[kind]+ending, l)
			switch least, most := f.spread(r.label+ending, reference[kind]+ending, l); {
			case base > 0 && r.label != reference[kind]:
				fmt.Fprintf(b, " %.1f (%.2f; %.2f to %.2f) |", us, us/base, least, most)
			case base > 0:
				fmt.Fprintf(b, " %.1f (1) |", us)
			default:
				fmt.Fprintf(b, " %.1f |", us)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

const (
	tablesBegin = "<!-- tables: written by make bench -->"
	tablesEnd   = "<!-- end of tables -->"
)

// write prints the tables and puts them between the marks of the page.
func write(out io.Writer, file string, f *figures) error {
	tables := f.tables()
	if _, err := io.WriteString(out, tables); err != nil || file == "" {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), tablesBegin)
	_, tail, ok2 := strings.Cut(rest, tablesEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s: the marks %q and %q are not there", file, tablesBegin, tablesEnd)
	}
	return os.WriteFile(file, []byte(head+tablesBegin+"\n\n"+tables+"\n"+tablesEnd+tail), 0o644)
}

func bytesText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
