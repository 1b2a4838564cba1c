package sim

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// load reads a scenario that is written out in a test.
func load(t testing.TB, text string) *Scenario {
	t.Helper()
	s, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func loadFile(t testing.TB, path string) *Scenario {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(text))
}

// play runs a scenario and looks at what is true of every line.
func play(t testing.TB, s *Scenario) []Line {
	t.Helper()
	var lines []Line
	err := s.Run(func(l Line) error {
		lines = append(lines, l)
		sane(t, s, &l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// sane is doc.go's list, as far as a line shows it.
func sane(t testing.TB, s *Scenario, l *Line) {
	t.Helper()
	delivering, tables := 0, 0
	for _, e := range l.Edges {
		delivering += e.Delivering
		if e.Delivering > e.Capacity {
			t.Fatalf("step %d (%s): %s delivers %d of %d", l.Step, l.Did, e.Name, e.Delivering, e.Capacity)
		}
		if e.Delivering != 0 && s.Policy == Tandem && e.State != "up" {
			t.Fatalf("step %d (%s): %s is %s and delivers %d", l.Step, l.Did, e.Name, e.State, e.Delivering)
		}
	}
	for _, q := range l.Pairs {
		tables += q.LowDelivering + q.HighDelivering
		for _, a := range q.Adopted {
			tables += a.Sessions
		}
	}
	if delivering != l.Sessions.Open || s.Policy == Tandem && tables != l.Sessions.Open {
		t.Fatalf("step %d (%s): %d open, edges deliver %d, tables say %d", l.Step, l.Did, l.Sessions.Open, delivering, tables)
	}
}

// ndjson is what `tandem sim --json` prints.
func ndjson(t testing.TB, lines []Line) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// at is the line of a step that did this.
func at(t testing.TB, lines []Line, did string) *Line {
	t.Helper()
	for i := range lines {
		if lines[i].Did == did {
			return &lines[i]
		}
	}
	t.Fatalf("no step did %q", did)
	return nil
}

func delivering(l *Line) []int {
	var counts []int
	for _, e := range l.Edges {
		counts = append(counts, e.Delivering)
	}
	return counts
}

func boundaries(l *Line) []int {
	var all []int
	for _, q := range l.Pairs {
		all = append(all, q.Boundary)
	}
	return all
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
