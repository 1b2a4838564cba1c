package sim

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// processor is the time that this process has had of a processor: a machine with other
// things to do makes nothing slower by it.
func processor(t *testing.T) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestAMillionSessionsAndAThousandFaults: 64 edges near their limits, one fault
// after another, sessions coming and going between them. Nobody is lost, nobody
// is above capacity (sane looks at every line), and it takes under a minute and
// a gibibyte.
func TestAMillionSessionsAndAThousandFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of work")
	}
	const streams, viewers = 1000, 1000
	want := 1000
	if slowed {
		want = 50 // the same evening, its first minutes
	}
	text := ringText(64, 16_000)
	for i := range streams {
		text += fmt.Sprintf("  - open: {stream: s%d, count: %d}\n", i, viewers)
	}
	text += fmt.Sprintf("  - random: {faults: %d, at_most_down: 1, churn: 1000}\n", want)
	s := load(t, text)
	began := processor(t)
	var most uint64
	faults, lost, refused, moved := 0, 0, 0, 0
	var full, last Line
	err := s.Run(func(l Line) error {
		sane(t, s, &l)
		lost += l.Sessions.Lost
		if len(l.Did) > 4 && l.Did[:4] == "fail" {
			faults++
			moved += l.Sessions.Moved
		}
		if l.Step <= streams {
			full = l
			refused += l.Sessions.Refused
		}
		if l.Step%100 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys)
		}
		last = l
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	took := processor(t) - began
	t.Logf("seed %d: %d faults in %v, %d sessions moved, %d MiB", s.Seed, faults, took.Round(time.Millisecond), moved, most>>20)
	equal(t, "open at first", full.Sessions.Open, streams*viewers)
	equal(t, "refused at first", refused, 0)
	equal(t, "faults", faults, want)
	equal(t, "lost", lost, 0)
	for _, e := range last.Edges {
		equal(t, e.Name, string(e.State), "up")
	}
	if took > time.Minute || most > 1<<30 {
		t.Errorf("took %v of processor and %d bytes; want under a minute and a gibibyte", took, most)
	}
}
