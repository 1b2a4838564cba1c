package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// keeping is a ring, and which edges have which table: who is told one has it a notice
// interval later, and drops it with the commit by which it is told it no more.
type keeping struct {
	evening
	held map[wire.PairID]map[string]bool
}

// TestOneCommandAndTwoDeathsTakeNoTableWithThem: in rings of up to twelve edges of every
// state, whatever is committed last and whichever two die in the notice interval behind it,
// somebody has the table of every pair and is told it still, as long as one lives that held
// what it has to before, and does not leave: a command makes nobody a keeper who was not told
// before, but for a death.
func TestOneCommandAndTwoDeathsTakeNoTableWithThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &keeping{evening{t: t, state: NewState(), tables: map[wire.PairID]*ring.Table{}, holds: map[string]map[wire.PairID]bool{}}, map[wire.PairID]map[string]bool{}}
		for range rapid.IntRange(3, 12).Draw(t, "edges") {
			v.register()
		}
		v.apply(Command{Kind: Place, Stream: "/s/", Pair: 1})
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			v.interval()
			before := v.state.Placement()
			v.step()
			v.drop()
			for range rapid.IntRange(0, 2).Draw(t, "deaths") - died(before, v.state.Placement()) {
				if e, _ := v.state.Placement().Edge(v.someone()); e.State != wire.EdgeDown {
					v.apply(Command{Kind: EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
					v.drop()
				}
			}
			v.kept(before)
		}
	})
}

// died is how many edges are dead that were not before.
func died(before, now *wire.Placement) (n int) {
	for _, e := range before.Edges {
		if e.State != wire.EdgeDown && state(now, e.Name) == wire.EdgeDown {
			n++
		}
	}
	return n
}

// interval is one in which nothing happens.
func (v *keeping) interval() {
	p := v.state.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		has := map[string]bool{}
		for _, name := range ring.Told(p, q) {
			has[name] = state(p, name) != wire.EdgeDown
		}
		v.held[q.ID] = has
	}
}

// drop is what edges do with a placement.
func (v *keeping) drop() {
	p := v.state.Placement()
	for id, has := range v.held {
		q, ok := p.Pair(id)
		for name := range has {
			if !ok || state(p, name) == wire.EdgeDown || !slices.Contains(ring.Told(p, q), name) {
				delete(has, name)
			}
		}
	}
}

func (v *keeping) kept(before *wire.Placement) {
	p := v.state.Placement()
	lives := slices.ContainsFunc(before.Edges, func(e wire.Edge) bool {
		return ring.HasCopy(e.State) && !ring.Goes(e) && ring.HasCopy(state(p, e.Name))
	})
	for i := range before.Pairs {
		id := before.Pairs[i].ID
		if q, ok := p.Pair(id); ok && lives && len(v.held[id]) == 0 {
			v.t.Fatalf("pair %d (%s, %s), of which %v were told: of %v nobody has the table\n%s\n%s",
				id, q.Low, q.High, ring.Told(before, &before.Pairs[i]), ring.Told(p, q), states(before), states(p))
		}
	}
}

func states(p *wire.Placement) (text string) {
	for _, e := range p.Edges {
		text += fmt.Sprintf("%s %s (removing %v, after %q)  ", e.Name, e.State, e.Removing, e.After)
	}
	return text
}
