package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// cluster is what steps happen to.
type cluster interface {
	open(stream string, count int)
	close(stream string, count int)
	fail(names []string)
	back(name string)
	drain(name string)
	resume(name string)
	join(m Member, after string)
	leave(name string)
	resize(name string, capacity int)
	show() ([]Edge, []Pair)
	all() *sessionList
	counts() *Sessions
}

// churn is a step that only a random one is written out to: so many sessions end
// and open.
const churn Kind = "churn"

// run is one run of a scenario.
type run struct {
	cluster
	chance *rand.Rand
	emit   func(Line) error
	step   int
}

// Run plays the scenario and gives a line for the start and for each step, until
// emit returns an error, which is then Run's.
func (s *Scenario) Run(emit func(Line) error) error {
	r := &run{emit: emit, chance: rand.New(rand.NewPCG(s.Seed, 0))}
	if s.Policy == RoundRobin {
		r.cluster = newRoundRobin(s)
	} else {
		r.cluster = newTandem(s)
	}
	if err := r.line("start"); err != nil {
		return err
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		do := r.do
		if step.Kind == Faults {
			do = r.random
		}
		if err := do(step); err != nil {
			return err
		}
	}
	return nil
}

// line tells how the cluster is now and begins a new step.
func (r *run) line(did string) error {
	line := Line{Step: r.step, Did: did, Sessions: *r.counts()}
	line.Edges, line.Pairs = r.show()
	line.Sessions.Open = r.all().open
	r.step++
	*r.counts() = Sessions{}
	return r.emit(line)
}

func (r *run) do(step *Step) error {
	switch step.Kind {
	case Open:
		r.open(step.Stream, step.Count)
	case Close:
		r.close(step.Stream, step.Count)
	case Fail:
		r.fail(step.Names)
	case Return:
		r.back(step.Names[0])
	case Drain:
		r.drain(step.Names[0])
	case Resume:
		r.resume(step.Names[0])
	case Join:
		r.join(step.Edge, step.After)
	case Leave:
		r.leave(step.Names[0])
	case Resize:
		r.resize(step.Names[0], step.Edge.Capacity)
	case churn:
		r.churn(step.Count)
	default:
		return fmt.Errorf("scenario: line %d: no such step: %s", step.Line, step.Kind)
	}
	return r.line(step.did())
}

// random writes the step out: as many faults as it names, and at its end all
// that it felled return.
func (r *run) random(step *Step) error {
	var down []string
	bringBack := func(i int) error {
		name := down[i]
		down = slices.Delete(down, i, i+1)
		return r.do(&Step{Kind: Return, Line: step.Line, Names: []string{name}})
	}
	for range step.Random.Faults {
		for len(down) > 0 && (len(down) >= step.Random.AtMostDown || r.chance.IntN(2) == 0) {
			if err := bringBack(r.chance.IntN(len(down))); err != nil {
				return err
			}
		}
		if n := step.Random.Churn; n > 0 {
			if err := r.do(&Step{Kind: churn, Line: step.Line, Count: n}); err != nil {
				return err
			}
		}
		name := r.someoneUp()
		down = append(down, name)
		if err := r.do(&Step{Kind: Fail, Line: step.Line, Names: []string{name}}); err != nil {
			return err
		}
	}
	for len(down) > 0 {
		if err := bringBack(0); err != nil {
			return err
		}
	}
	return nil
}

// someoneUp draws an edge that is up.
func (r *run) someoneUp() string {
	edges, _ := r.show()
	var up []string
	for _, e := range edges {
		if e.State == "up" {
			up = append(up, e.Name)
		}
	}
	return up[r.chance.IntN(len(up))]
}

// churn ends as many sessions as it opens, each of a stream drawn by chance.
func (r *run) churn(count int) {
	a := r.all()
	for range count {
		if name, ok := a.someStream(r.chance, true); ok {
			r.close(name, 1)
		}
	}
	for range count {
		if name, ok := a.someStream(r.chance, false); ok {
			r.open(name, 1)
		}
	}
}
