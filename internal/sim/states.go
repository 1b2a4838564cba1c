package sim

import (
	"fmt"
	"slices"

	"tandem/internal/wire"
)

// states is who is in the ring in which state, as far as the steps themselves
// tell; no session changes it, so a whole scenario can be checked beforehand.
type states struct {
	state map[string]wire.EdgeState
	zone  map[string]string
}

func statesOf(edges []Member) states {
	c := states{state: map[string]wire.EdgeState{}, zone: map[string]string{}}
	for _, e := range edges {
		c.state[e.Name], c.zone[e.Name] = wire.EdgeUp, e.Zone
	}
	return c
}

// play carries a step out and says, in one clause with the fix, why it can't be.
func (c states) play(step *Step) string {
	for _, name := range step.Names {
		if _, ok := c.state[name]; !ok {
			return fmt.Sprintf("no edge %q is in the ring here; name one that is", name)
		}
	}
	switch step.Kind {
	case Fail:
		if step.Zone != "" {
			if step.Names = c.of(step.Zone); len(step.Names) == 0 {
				return fmt.Sprintf("zone: no edge of %q is there to fail; write zone: %s beside an edge's name", step.Zone, step.Zone)
			}
		}
		return c.fail(step.Names)
	case Return:
		return c.turn(step.Names[0], wire.EdgeUp, "fail it first", wire.EdgeDown)
	case Drain:
		if c.up() == 1 && c.state[step.Names[0]] == wire.EdgeUp {
			return step.Names[0] + " is the last one that delivers; recover another one first"
		}
		return c.turn(step.Names[0], wire.EdgeDraining, "only an edge that is up can be drained", wire.EdgeUp)
	case Resume:
		return c.turn(step.Names[0], wire.EdgeUp, "drain it first", wire.EdgeDraining)
	case Join:
		return c.join(step)
	case Leave:
		return c.leave(step.Names[0])
	case Faults:
		most := c.up() - 1
		if most < 1 {
			return "one edge has to stay up; it takes two that are"
		}
		if step.Random.AtMostDown > most {
			return fmt.Sprintf("at_most_down: %d of %d edges that are up; want 1 to %d", step.Random.AtMostDown, c.up(), most)
		}
	}
	return ""
}

// of lists a zone's edges that are not down, by name.
func (c states) of(zone string) []string {
	var names []string
	for name, state := range c.state {
		if c.zone[name] == zone && state != wire.EdgeDown {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c states) fail(names []string) string {
	for _, name := range names {
		if c.state[name] == wire.EdgeDown {
			return name + " is down already; recover it first, or name it once"
		}
		c.state[name] = wire.EdgeDown
	}
	return ""
}

// turn gives an edge a state if it is in the one that is wanted.
func (c states) turn(name string, to wire.EdgeState, fix string, from wire.EdgeState) string {
	if c.state[name] != from {
		return fmt.Sprintf("%s is %s; %s", name, c.state[name], fix)
	}
	c.state[name] = to
	return ""
}

func (c states) join(step *Step) string {
	if _, ok := c.state[step.Edge.Name]; ok {
		return step.Edge.Name + " is in the ring already; give the new edge another name"
	}
	if _, ok := c.state[step.After]; !ok && step.After != "" {
		return fmt.Sprintf("after: no edge %q is in the ring here; name one that is, or leave it out", step.After)
	}
	if len(c.state) == maxEdges {
		return fmt.Sprintf("the ring has %d edges already", maxEdges)
	}
	c.state[step.Edge.Name], c.zone[step.Edge.Name] = wire.EdgeUp, step.Edge.Zone
	return ""
}

func (c states) leave(name string) string {
	if len(c.state) == 1 {
		return name + " is the last one of the ring"
	}
	if c.up() == 1 && c.state[name] == wire.EdgeUp {
		return name + " is the last one that delivers; recover another one first"
	}
	delete(c.state, name)
	return ""
}

func (c states) up() int {
	n := 0
	for _, state := range c.state {
		if state == wire.EdgeUp {
			n++
		}
	}
	return n
}
