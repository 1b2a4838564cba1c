package sim

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readSteps reads the steps and follows who is a member in which state, so that
// a step that can't be is told with its line before anything runs.
func (s *Scenario) readSteps(v value, capacity int) error {
	states := statesOf(s.Edges)
	return v.each(maxSteps, func(v value) error {
		step := Step{Line: v.node.Line}
		if v.node.Kind != yaml.MappingNode || len(v.node.Content) != 2 {
			return v.wrong("want one thing a step, as in - fail: e1")
		}
		if err := v.fields(v.node.Content[0].Value, step.readers(capacity)); err != nil {
			return err
		}
		if complaint := states.play(&step); complaint != "" {
			return v.child(string(step.Kind), v.node.Content[1]).wrong("%s", complaint)
		}
		s.Steps = append(s.Steps, step)
		return nil
	})
}

// readers are the steps there are.
func (step *Step) readers(capacity int) map[string]func(value) error {
	sessions := func(kind Kind) func(value) error {
		return func(v value) error {
			step.Kind, step.Count = kind, 1
			return v.fields("stream", map[string]func(value) error{
				"stream": func(v value) error { return v.text(&step.Stream) },
				"count":  func(v value) error { return v.number(&step.Count, 0, maxCount) },
			})
		}
	}
	one := func(kind Kind) func(value) error {
		return func(v value) error {
			step.Kind, step.Names = kind, []string{""}
			return v.name(&step.Names[0])
		}
	}
	return map[string]func(value) error{
		string(Open): sessions(Open), string(Close): sessions(Close),
		string(Fail): step.readFail, string(Return): one(Return),
		string(Drain): one(Drain), string(Resume): one(Resume), string(Leave): one(Leave),
		string(Join):   func(v value) error { return step.readJoin(v, capacity) },
		string(Resize): step.readResize,
		string(Faults): step.readRandom,
	}
}

func (step *Step) readFail(v value) error {
	step.Kind = Fail
	if v.node.Kind == yaml.MappingNode {
		return v.fields("zone", map[string]func(value) error{"zone": func(v value) error { return v.name(&step.Zone) }})
	}
	if v.node.Kind == yaml.ScalarNode {
		step.Names = []string{""}
		return v.name(&step.Names[0])
	}
	err := v.each(maxEdges, func(v value) error {
		var name string
		err := v.name(&name)
		step.Names = append(step.Names, name)
		return err
	})
	if err == nil && len(step.Names) == 0 {
		return v.wrong("nobody is named; write fail: e1 or fail: [e1, e2]")
	}
	return err
}

func (step *Step) readJoin(v value, capacity int) error {
	step.Kind, step.Edge.Capacity = Join, capacity
	err := v.fields("name", map[string]func(value) error{
		"name":     func(v value) error { return v.name(&step.Edge.Name) },
		"capacity": func(v value) error { return v.number(&step.Edge.Capacity, 1, maxCapacity) },
		"after":    func(v value) error { return v.name(&step.After) },
		"zone":     func(v value) error { return v.name(&step.Edge.Zone) },
	})
	if err == nil && step.Edge.Capacity == 0 {
		return v.wrong("capacity is missing; write capacity: N here or at the top")
	}
	return err
}

func (step *Step) readResize(v value) error {
	step.Kind, step.Names = Resize, []string{""}
	err := v.fields("name", map[string]func(value) error{
		"name":     func(v value) error { return v.name(&step.Names[0]) },
		"capacity": func(v value) error { return v.number(&step.Edge.Capacity, 1, maxCapacity) },
	})
	if err == nil && step.Edge.Capacity == 0 {
		return v.wrong("capacity is missing; write {name: %s, capacity: N}", step.Names[0])
	}
	return err
}

func (step *Step) readRandom(v value) error {
	step.Kind, step.Random.AtMostDown = Faults, 1
	r := &step.Random
	return v.fields("faults", map[string]func(value) error{
		"faults":       func(v value) error { return v.number(&r.Faults, 1, maxFaults) },
		"at_most_down": func(v value) error { return v.number(&r.AtMostDown, 1, maxEdges) },
		"churn":        func(v value) error { return v.number(&r.Churn, 0, maxFaults) },
	})
}

// did is the step in words, as its line says it.
func (step *Step) did() string {
	switch step.Kind {
	case Open, Close:
		return fmt.Sprintf("%s %s %d", step.Kind, step.Stream, step.Count)
	case Resize:
		return fmt.Sprintf("capacity %s %d", step.Names[0], step.Edge.Capacity)
	case Fail:
		if step.Zone != "" {
			return "fail zone " + step.Zone
		}
	case Join:
		text := fmt.Sprintf("join %s %d", step.Edge.Name, step.Edge.Capacity)
		if step.After != "" {
			text += " after " + step.After
		}
		return text
	case churn:
		return fmt.Sprintf("%s %d", step.Kind, step.Count)
	}
	return string(step.Kind) + " " + strings.Join(step.Names, " ")
}
