package systest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/player"
	"tandem/internal/sim"
	"tandem/internal/wire"
)

// Several edges of a full cluster are killed in the same moment. How many
// sessions each one left delivers, and how many are lost, is what the simulator
// foretells for the same start; who keeps a session sees nothing.
func TestDeathsAreAsTheSimulatorForetells(t *testing.T) {
	for _, row := range []struct {
		name string
		dead []string
		kept int // written down as well, so that both can't be wrong together
	}{
		{"two across the ring", []string{"edge-1", "edge-3"}, 16},
		{"all but one", []string{"edge-1", "edge-2", "edge-3"}, 8},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, "--capacity", "8", "--edge-flags", "--session-idle=20s")
			a := seat(t, h)
			crowd := apart(a, 24, func(i int) (string, player.Config) {
				// A failed try counts, and who is not let in does not hammer.
				return stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Rendition: i, Start: 3 * i, Retries: 100, RetryAfter: time.Second}
			})
			six := delivering(map[string]int{"edge-1": 6, "edge-2": 6, "edge-3": 6, "edge-4": 6})
			h.Await("6 each", 20*time.Second, six)
			crowd.further(24) // buffers fill
			full := h.Await("6 each, in the tables as well", 10*time.Second, func(s *wire.Status) bool { return six(s) && inTables(s) == 24 })
			want := foretold(t, full, row.dead)
			if want.Sessions.Open != row.kept || want.Sessions.Lost != 24-row.kept {
				t.Fatalf("the simulator foretells %+v; want %d kept", want.Sessions, row.kept)
			}
			left := map[string]int{}
			for _, e := range want.Edges {
				if e.State == wire.EdgeUp {
					left[e.Name] = e.Delivering
				}
			}

			then := crowd.now()
			for _, name := range row.dead {
				must(t, h.Kill(name))
			}
			s := h.Await("as foretold", 20*time.Second, func(s *wire.Status) bool { return delivering(left)(s) && s.Sessions == row.kept })
			within(t, s)
			crowd.further(row.kept)
			s, err := h.Status()
			must(t, err)
			within(t, s)
			if s.Sessions != row.kept || !delivering(left)(s) {
				t.Errorf("later: %d sessions; want %d", s.Sessions, row.kept)
			}
			if hurt := crowd.hurt(then); hurt != want.Sessions.Lost {
				t.Errorf("%d viewers saw it; the simulator foretells %d", hurt, want.Sessions.Lost)
			}
		})
	}
}

// within fails the test when an edge delivers more than it can.
func within(t *testing.T, s *wire.Status) {
	t.Helper()
	for _, e := range s.Edges {
		if e.Delivering > e.Capacity {
			t.Errorf("%s delivers %d with a capacity of %d", e.Name, e.Delivering, e.Capacity)
		}
	}
}

// inTables is how many sessions the tables show; edges report them apart from
// their own sums, so that the one may be a moment older than the other.
func inTables(s *wire.Status) (sessions int) {
	for _, p := range s.Pairs {
		sessions += p.LowDelivering + p.HighDelivering
	}
	return sessions
}

// foretold is the cluster after these deaths, as the simulator sees it, when it
// begins with the tables of a real one.
func foretold(t *testing.T, s *wire.Status, dead []string) sim.Line {
	t.Helper()
	lines := simulated(t, s, "  - fail: ["+strings.Join(dead, ", ")+"]\n")
	return lines[len(lines)-1]
}

// simulated are the lines of a run that begins with the tables of a real cluster.
func simulated(t *testing.T, s *wire.Status, steps string) []sim.Line {
	t.Helper()
	text := "edges:\n"
	for _, e := range s.Edges {
		text += fmt.Sprintf("  - {name: %s, capacity: %d}\n", e.Name, e.Capacity)
	}
	text += "tables:\n"
	for _, p := range s.Pairs {
		text += fmt.Sprintf("  - {low: %s, boundary: %d, low_sessions: %d, high_sessions: %d}\n", p.Low, p.Boundary, p.LowDelivering, p.HighDelivering)
	}
	text += "steps:\n" + steps
	scenario, err := sim.Load(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	var lines []sim.Line
	must(t, scenario.Run(func(l sim.Line) error {
		lines = append(lines, l)
		return nil
	}))
	return lines
}

// Drains, joinings, leavings and deaths of a ring whose members differ in size and stand
// in two zones: after each, every edge is there as the simulator foretells, delivers what
// it foretells, and no viewer has seen anything.
func TestRingChangesAreAsTheSimulatorForetells(t *testing.T) {
	t.Parallel()
	h := start(t, "--capacity", "8", "--edge-flags", "--session-idle=20s")
	a := seat(t, h)
	crowd := apart(a, 18, func(i int) (string, player.Config) {
		return stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Rendition: i, Start: 3 * i}
	})
	full := h.Await("18 viewers, in the tables as well", 20*time.Second, func(s *wire.Status) bool { return sessions(18)(s) && inTables(s) == 18 })
	crowd.further(18)
	small := newcomer(t, h, "edge-5", "--capacity", "4", "--zone", "b")
	steps := []struct {
		does string
		do   func()
	}{
		{"drain: edge-2", func() { order(t, h, "drain", "edge-2") }},
		{"resume: edge-2", func() { order(t, h, "resume", "edge-2") }},
		{"join: {name: edge-5, capacity: 4, zone: b}", func() { must(t, h.Add(small)) }},
		{"leave: edge-3", func() { order(t, h, "remove", "edge-3") }},
		{"fail: edge-1", func() { must(t, h.Kill("edge-1")) }},
		{"recover: edge-1", func() { returned(t, h, "edge-1") }},
		{"leave: edge-2", func() { order(t, h, "remove", "edge-2") }},
	}
	text := ""
	for _, step := range steps {
		text += "  - " + step.does + "\n"
	}
	lines := simulated(t, full, text)
	for i, step := range steps {
		want := lines[i+1]
		if want.Sessions.Lost > 0 {
			t.Fatalf("%s: the simulator foretells %+v", step.does, want.Sessions)
		}
		step.do()
		h.Await(step.does+": "+fmt.Sprint(want.Edges), 40*time.Second, func(s *wire.Status) bool { return asForetold(s, want) })
		crowd.further(18)
	}
	for _, r := range crowd.leave() {
		if !r.Seamless() {
			t.Errorf("hurt: %s", r)
		}
	}
}

// asForetold: the same edges in the same order, in the same states, with as many
// sessions.
func asForetold(s *wire.Status, want sim.Line) bool {
	if len(s.Edges) != len(want.Edges) || s.Sessions != want.Sessions.Open {
		return false
	}
	for i, e := range want.Edges {
		got := s.Edges[i]
		if got.Name != e.Name || got.State != e.State || got.Delivering != e.Delivering || got.Limit != e.Limit {
			return false
		}
	}
	return true
}
