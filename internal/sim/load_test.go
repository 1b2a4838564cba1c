package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = "capacity: 8\nedges: [e1, e2]\n"

// TestWhatIsWrongIsToldInOneLine: line number, field, fix.
func TestWhatIsWrongIsToldInOneLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1: the file is empty"},
		{"# nothing\n", "line 1: the file is empty"},
		{"a: [", "line 1: did not find"},
		{"a\tb:\n  - c\n d", "this is not YAML"},
		{head + "---\na: 1\n", "a second document"},
		{"- a\n", "line 1: want key: value pairs"},
		{"capacity: 8\n", "line 1: edges is missing; write edges"},
		{"capacity: 8\nedges: []\n", "line 2: edges: no edge; write"},
		{"edges: [e1]\n", "line 1: edges[0]: edge e1 has no capacity; write capacity"},
		{"capacity: 8\nedges: [e1, e1]\n", "edges[1]: edge e1 stands twice"},
		{"capacity: 8\nedges: [e1, 'e 2']\n", `edges[1]: "e 2" is no edge's name; want 1 to 64 letters`},
		{"capacity: 8\nedges: [{nam: e1}]\n", `line 2: edges[0]: unknown key "nam"; known are capacity, name, zone`},
		{"capacity: 8\nedges: [{name: e1, capacity: 0}]\n", `edges[0].capacity: "0"; want a whole number from 1`},
		{"capacity: eight\nedges: [e1]\n", `line 1: capacity: "eight"; want a whole number from 1 to 1048576`},
		{"capacity: 8\ncapacity: 8\nedges: [e1]\n", "line 2: the key capacity stands twice; keep one"},
		{"admission: maybe\n" + head, `line 1: admission: "maybe"; want failsafe or pair`},
		{"policy: random\n" + head, `policy: "random"; want tandem or roundrobin`},
		{"seed: -1\n" + head, `seed: "-1"; want a whole number, 0 or more`},
		{"max_streams: 0\n" + head, `max_streams: "0"; want a whole number from 1`},
		{"colour: red\n" + head, `line 1: unknown key "colour"; known are admission, capacity, choose`},
		{head + "steps: 3\n", "line 3: steps: want a list"},
		{head + "steps:\n  - fail e1\n", "line 4: steps[0]: want one thing a step"},
		{head + "steps:\n  - {fail: e1, recover: e1}\n", "steps[0]: want one thing a step"},
		{head + "steps:\n  - explode: e1\n", `line 4: steps[0]: unknown key "explode"; known are capacity, close, drain, fail`},
		{head + "steps:\n  - open: {stream: s1, cuont: 2}\n", `line 4: steps[0].open: unknown key "cuont"; known are count, stream`},
		{head + "steps:\n  - open: {count: 2}\n", "steps[0].open: stream is missing; write stream"},
		{head + "steps:\n  - open: {stream: s1, count: -2}\n", `steps[0].open.count: "-2"; want a whole number from 0`},
		{head + "steps:\n  - open: {stream: [a]}\n", "steps[0].open.stream: nothing usable stands here"},
		{head + "steps:\n  - fail: e9\n", `line 4: steps[0].fail: no edge "e9" is in the ring here; name one that is`},
		{head + "steps:\n  - fail: []\n", "steps[0].fail: nobody is named; write fail: e1"},
		{head + "steps:\n  - fail: e1\n  - fail: e1\n", "line 5: steps[1].fail: e1 is down already; recover it first"},
		{head + "steps:\n  - recover: e1\n", "steps[0].recover: e1 is up; fail it first"},
		{head + "steps:\n  - resume: e1\n", "steps[0].resume: e1 is up; drain it first"},
		{head + "steps:\n  - fail: e1\n  - drain: e2\n", "steps[1].drain: e2 is the last one that delivers"},
		{head + "steps:\n  - leave: e1\n  - leave: e2\n", "steps[1].leave: e2 is the last one of the ring"},
		{head + "steps:\n  - join: {name: e2}\n", "steps[0].join: e2 is in the ring already; give the new edge another name"},
		{head + "steps:\n  - join: {name: e3, after: e9}\n", `steps[0].join: after: no edge "e9"`},
		{"edges: [{name: e1, capacity: 1}]\nsteps:\n  - join: {name: e3}\n", "steps[0].join: capacity is missing; write capacity"},
		{head + "steps:\n  - random: {faults: 3, at_most_down: 2}\n", "steps[0].random: at_most_down: 2 of 2 edges that are up; want 1 to 1"},
		{head + "steps:\n  - fail: {zone: a}\n", `steps[0].fail: zone: no edge of "a" is there to fail; write zone: a beside an edge's name`},
		{head + "steps:\n  - capacity: {name: e1}\n", "steps[0].capacity: capacity is missing; write {name: e1, capacity: N}"},
		{head + "tables:\n  - {low: e7}\n", `line 4: tables[0]: low: no edge "e7"`},
		{head + "tables:\n  - {low: e1, boundary: 9}\n", "tables[0]: boundary: 9 is above the table's 8 slots; want 0 to 8"},
		{head + "tables:\n  - {low: e1, boundary: 4, low_sessions: 5}\n", "low_sessions: 5 do not fit below boundary 4; want 0 to 4"},
		{head + "tables:\n  - {low: e1, boundary: 4, high_sessions: 5}\n", "high_sessions: 5 do not fit above boundary 4 of 8 slots; want 0 to 4"},
		{head + "tables:\n  - {low: e1}\n  - {low: e1}\n", "line 5: tables[1]: low: e1 stands twice"},
		{"policy: roundrobin\n" + head + "tables: []\n", "policy roundrobin has no tables"},
		{"x: &a [1]\n" + head + "steps: *a\n", `unknown key "x"`},
		{"capacity: &a 8\nedges: [e1]\nseed: *a\n", "line 3: seed: nothing usable stands here"},
	} {
		_, err := Load(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got  %v\n want ...%s...", c.text, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "scenario: ") {
			t.Errorf("%q: not one line of its kind: %q", c.text, err)
		}
	}
}

func TestOrderOfKeysIsNoMatter(t *testing.T) {
	s := load(t, "steps: [{open: {stream: s1}}]\ntables: [{low: z}]\nedges: [z, {name: a, capacity: 4}]\ncapacity: 8\nmax_streams: 5\n")
	equal(t, "edges", s.Edges, []Member{{Name: "z", Capacity: 8}, {Name: "a", Capacity: 4}})
	equal(t, "a boundary that is not given is the middle", s.Tables[0].Boundary, 2)
	equal(t, "count", s.Steps[0].Count, 1)
	lines := play(t, s)
	equal(t, "the ring is in the order of the file", lines[0].Edges[0].Name, "z")
}

func TestMoreStreamsThanMayBeAreRefused(t *testing.T) {
	lines := play(t, load(t, "max_streams: 1\n"+head+"steps:\n  - open: {stream: a, count: 2}\n  - open: {stream: b, count: 2}\n"))
	equal(t, "a", lines[1].Sessions, Sessions{Open: 2})
	equal(t, "b", lines[2].Sessions, Sessions{Open: 2, Refused: 2})
}

// FuzzLoad: no file makes the loader panic, and what it takes can be run.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("../../docs/scenarios/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(head + "steps:\n  - random: {faults: 3}\n  - fail: [e1, e2]\n  - recover: e2\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(strings.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		for _, e := range s.Edges {
			if e.Capacity > 1000 {
				return // may take long
			}
		}
		for i := range s.Steps {
			if s.Steps[i].Count > 1000 || s.Steps[i].Random.Faults > 100 || s.Steps[i].Random.Churn > 100 || s.Steps[i].Edge.Capacity > 1000 {
				return
			}
		}
		if err := s.Run(func(l Line) error { sane(t, s, &l); return nil }); err != nil {
			t.Fatal(err)
		}
	})
}
