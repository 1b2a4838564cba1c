package api

import (
	"strings"
	"testing"

	"tandem/internal/wire"
)

// noteRows are what tables say beside the figures, by the node that it is said of.
var noteRows = []struct {
	name   string
	change func(s *wire.Status)
	of     string
	want   string
}{
	{"calm", func(*wire.Status) {}, "edge-1", ""},
	{"an edge waits", func(s *wire.Status) { s.Edges[3].State = wire.EdgePending }, "edge-4", "tandem accept edge-4"},
	{"an edge states no capacity", func(s *wire.Status) { s.Edges[3].Assumed = true }, "edge-4", "states no capacity: 50 is assumed"},
	{"an edge asks for more", func(s *wire.Status) { s.Edges[3].Asks = 90 }, "edge-4", "states 90: tandem accept edge-4"},
	{"stopped in order, and somebody calls in its name", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[0].Stopped, s.Edges[0].Refused = true, "it shows another secret"
	}, "edge-1", "stopped in order"},
	{"silent", func(s *wire.Status) {
		s.Edges[1].State, s.Edges[1].StandIns = wire.EdgeSilent, []string{"edge-1", "edge-3"}
	}, "edge-2", "edge-1 and edge-3 stand in"},
	{"two things at once", func(s *wire.Status) {
		s.Edges[1].Unwritable, s.Edges[1].OriginsOut, s.Edges[1].Ahead = "no space left on device", []string{"http://a", "http://b"}, -60_000
	}, "edge-2", "can't store: no space left on device; no answer from http://a and http://b; its clock is 1m0s behind"},
	{"what is old is not said", func(s *wire.Status) {
		s.Edges[1].Unwritable, s.Edges[1].ReportAge = "no space left on device", 9400
	}, "edge-2", "has not told its load for 9s"},
	{"a failed recovery", func(s *wire.Status) {
		s.Edges[1].State, s.Edges[1].Recovery = wire.EdgeRecovering, &wire.Recovery{Error: "edge-1 gives no inventory"}
	}, "edge-2", "recovery: edge-1 gives no inventory"},
	{"this balancer's own clock", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].Ahead = 60_000
		}
	}, "edge-2", ""},
	{"this balancer's own clock, where it is said", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].Ahead = 60_000
		}
	}, "lb-1", "its clock is 1m0s behind"},
	{"a balancer", func(s *wire.Status) {
		s.Balancers[2].Problem, s.Balancers[2].Behind, s.Balancers[2].Troubles = "the disk is full", 200, []wire.Trouble{{Text: "max-held is reached"}}
	}, "lb-3", "the disk is full; 200 changes behind; max-held is reached"},
	{"a balancer that is not heard", func(s *wire.Status) {
		s.Balancers[2].Alive, s.Balancers[2].Refused, s.Balancers[2].Ahead = false, "its certificate is not of this cluster", 60_000
	}, "lb-3", "its certificate is not of this cluster"},
	{"a pair in one zone that was adopted", func(s *wire.Status) {
		s.Pairs[0].SameZone, s.Pairs[0].Adopted = true, []wire.Adoption{{Edge: "edge-3"}, {Edge: "edge-4"}}
	}, "pair", "adopted by edge-3 and edge-4; both in one zone"},
}

// Beside the figures stands what is special, all of it, and nothing that is not known.
func TestTablesSayWhatIsSpecial(t *testing.T) {
	for _, c := range noteRows {
		s := calm()
		c.change(s)
		note(s)
		if got := noteOf(s, c.of); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

func noteOf(s *wire.Status, name string) string {
	for i := range s.Edges {
		if s.Edges[i].Name == name {
			return s.Edges[i].Note
		}
	}
	for i := range s.Balancers {
		if s.Balancers[i].Name == name {
			return s.Balancers[i].Note
		}
	}
	return s.Pairs[0].Note
}

// Whoever the head names is not calm in the tables, and who is not calm there is no edge
// of which the head says nothing.
func TestHeadAndTablesDoNotContradictEachOther(t *testing.T) {
	for _, c := range verdictRows {
		s := calm()
		c.change(s)
		note(s)
		v := verdict(s)
		said := strings.Join([]string{v.Text, v.More, v.Next}, " ")
		for i := range s.Edges {
			e := &s.Edges[i]
			special := e.State != wire.EdgeUp || e.Note != "" || e.Delivering > e.Capacity || e.Margin < 0
			if strings.HasPrefix(v.Text, e.Name+" ") && !special {
				t.Errorf("%s: %s is named (%s), and its row shows nothing", c.name, e.Name, v.Text)
			}
			if special && !strings.Contains(said, e.Name) && !strings.Contains(v.Text, " more") {
				t.Errorf("%s: the row of %s says %q, the head nothing: %s", c.name, e.Name, e.Note, said)
			}
		}
		for _, b := range s.Balancers {
			if b.Note != "" && !strings.Contains(said, b.Name) && !strings.Contains(v.Text, " more") {
				t.Errorf("%s: the row of %s says %q, the head nothing: %s", c.name, b.Name, b.Note, said)
			}
		}
	}
}
