package sim

import (
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"tandem/internal/ring"
)

// Bounds of a scenario.
const (
	maxFile     = 8 << 20 // bytes
	maxEdges    = 1024
	maxCapacity = 1 << 20
	maxSessions = 1 << 24 // of all edges at the start together
	maxSteps    = 100_000
	maxCount    = 10_000_000 // of one step
	maxFaults   = 1_000_000
	maxStreams  = 100_000 // as many as the cluster's placement takes
	maxText     = 1024
)

// Policies.
const (
	Tandem     = "tandem"
	RoundRobin = "roundrobin"
)

// tablesStream is the stream of a start table's sessions that name none.
const tablesStream = "s1"

// Scenario is a cluster and what happens to it.
type Scenario struct {
	Admission  string
	Policy     string
	Rules      ring.Rules // policy tandem
	Seed       uint64
	MaxStreams int
	Edges      []Member
	Tables     []Start
	Steps      []Step
}

// Member is one edge.
type Member struct {
	Name     string
	Capacity int
	Zone     string
}

// Start is the table of one pair at the start, in its low member's view.
type Start struct {
	Low          string
	Boundary     int
	LowSessions  int
	HighSessions int
	Stream       string
}

// Kind is what a step does.
type Kind string

// Kinds of steps.
const (
	Open   Kind = "open"
	Close  Kind = "close" // the oldest sessions of the stream first
	Fail   Kind = "fail"  // several edges of one step die in the same moment
	Return Kind = "recover"
	Drain  Kind = "drain"
	Resume Kind = "resume"
	Join   Kind = "join"
	Leave  Kind = "leave"
	Resize Kind = "capacity" // of an edge from now on
	Faults Kind = "random"
)

// Step is one thing that happens. Which fields count is the kind's matter.
type Step struct {
	Kind   Kind
	Line   int      // where it stands in the file
	Names  []string // edges
	Zone   string   // fail: all of its edges that are up
	Stream string
	Count  int
	Edge   Member // join
	After  string // join
	Random Random
}

// Random is a step that is written out as the steps it stands for: edges fail
// and return by chance, and at its end all that it felled are back.
type Random struct {
	Faults     int
	AtMostDown int
	Churn      int // sessions that end and open between two faults
}

// Load reads a scenario. An error is one line with line number, field and fix.
func Load(r io.Reader) (*Scenario, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("scenario: more than %d bytes; write fewer steps, with larger counts", maxFile)
	}
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	s := &Scenario{
		Admission: ring.FailSafeAdmission, Policy: Tandem, Seed: 1, MaxStreams: maxStreams,
		Rules: ring.Rules{Choose: ring.ChooseLeast, FailSafe: ring.FailSafeRoom, HotShare: ring.DefaultHotShare},
	}
	if err := s.read(root); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Scenario) read(root value) error {
	capacity := 0
	var edges, tables, steps value
	err := root.fields("edges", map[string]func(value) error{
		"admission":   func(v value) error { return v.oneOf(&s.Admission, ring.FailSafeAdmission, ring.PairAdmission) },
		"policy":      func(v value) error { return v.oneOf(&s.Policy, Tandem, RoundRobin) },
		"choose":      func(v value) error { return v.oneOf(&s.Rules.Choose, ring.ChooseLeast, ring.ChooseFirst) },
		"fail_safe":   func(v value) error { return v.oneOf(&s.Rules.FailSafe, ring.FailSafeRoom, ring.FailSafeStrict) },
		"hot_share":   func(v value) error { return v.number(&s.Rules.HotShare, 0, 100) },
		"capacity":    func(v value) error { return v.number(&capacity, 1, maxCapacity) },
		"seed":        func(v value) error { return v.unsigned(&s.Seed) },
		"max_streams": func(v value) error { return v.number(&s.MaxStreams, 1, maxStreams) },
		"edges":       func(v value) error { edges = v; return nil },
		"tables":      func(v value) error { tables = v; return nil },
		"steps":       func(v value) error { steps = v; return nil },
	})
	if err != nil {
		return err
	}
	if err := s.readEdges(edges, capacity); err != nil {
		return err
	}
	if tables.node != nil {
		if err := s.readTables(tables); err != nil {
			return err
		}
	}
	if steps.node == nil {
		return nil
	}
	return s.readSteps(steps, capacity)
}

func (s *Scenario) readEdges(v value, capacity int) error {
	if v.node == nil {
		return v.wrong("edges is missing; write edges: [e1, e2, e3]")
	}
	names, sum := map[string]bool{}, 0
	err := v.each(maxEdges, func(v value) error {
		m := Member{Capacity: capacity}
		if v.node.Kind == yaml.ScalarNode {
			if err := v.name(&m.Name); err != nil {
				return err
			}
		} else if err := v.fields("name", map[string]func(value) error{
			"name":     func(v value) error { return v.name(&m.Name) },
			"capacity": func(v value) error { return v.number(&m.Capacity, 1, maxCapacity) },
			"zone":     func(v value) error { return v.name(&m.Zone) },
		}); err != nil {
			return err
		}
		if m.Capacity == 0 {
			return v.wrong("edge %s has no capacity; write capacity: N at the top, or {name: %s, capacity: N}", m.Name, m.Name)
		}
		if names[m.Name] {
			return v.wrong("edge %s stands twice; give each edge its own name", m.Name)
		}
		if sum += m.Capacity; sum > maxSessions {
			return v.wrong("the capacities sum up to more than %d sessions; write smaller ones", maxSessions)
		}
		names[m.Name] = true
		s.Edges = append(s.Edges, m)
		return nil
	})
	if err == nil && len(s.Edges) == 0 {
		return v.wrong("no edge; write edges: [e1, e2, e3]")
	}
	return err
}

// readTables checks the start against the ring that the edges make.
func (s *Scenario) readTables(v value) error {
	if s.Policy == RoundRobin {
		return v.wrong("policy roundrobin has no tables; open sessions by steps")
	}
	p := formed(s)
	seen := map[string]bool{}
	return v.each(maxEdges, func(v value) error {
		t := Start{Stream: tablesStream, Boundary: -1}
		err := v.fields("low", map[string]func(value) error{
			"low":           func(v value) error { return v.name(&t.Low) },
			"boundary":      func(v value) error { return v.number(&t.Boundary, 0, maxCapacity) },
			"low_sessions":  func(v value) error { return v.number(&t.LowSessions, 0, maxCapacity) },
			"high_sessions": func(v value) error { return v.number(&t.HighSessions, 0, maxCapacity) },
			"stream":        func(v value) error { return v.text(&t.Stream) },
		})
		if err != nil {
			return err
		}
		q := pairOf(p, t.Low)
		if q == nil {
			return v.wrong("low: no edge %q; name one of edges", t.Low)
		}
		if t.Boundary < 0 {
			t.Boundary = q.Home
		}
		switch {
		case seen[t.Low]:
			return v.wrong("low: %s stands twice; write one line a pair", t.Low)
		case t.Boundary > q.Slots:
			return v.wrong("boundary: %d is above the table's %d slots; want 0 to %d", t.Boundary, q.Slots, q.Slots)
		case t.LowSessions > t.Boundary:
			return v.wrong("low_sessions: %d do not fit below boundary %d; want 0 to %d", t.LowSessions, t.Boundary, t.Boundary)
		case t.HighSessions > q.Slots-t.Boundary:
			return v.wrong("high_sessions: %d do not fit above boundary %d of %d slots; want 0 to %d", t.HighSessions, t.Boundary, q.Slots, q.Slots-t.Boundary)
		}
		seen[t.Low] = true
		s.Tables = append(s.Tables, t)
		return nil
	})
}
