package admission

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/loads"
	"tandem/raftfsm/placement"
)

// TestNobodyIsRefusedWhileThereIsRoom: three balancers open for a crowd that comes at
// once, at edges of any capacity, with figures that lag, calls that are late and a
// proposal that fails. All get in, but for one place a balancer: who makes room for the
// last ones does not see what the others move in the same moment.
func TestNobodyIsRefusedWhileThereIsRoom(t *testing.T) {
	pick := func(seed *uint64, n int) int {
		i := int(*seed % uint64(n))
		*seed /= uint64(n)
		return i
	}
	moves := 0
	for seed := range uint64(72) {
		rest := seed
		capacities := [][]int{{36, 12, 24, 36, 18}, {36, 36, 36, 36}, {12, 12, 12}}[pick(&rest, 3)]
		rules := []ring.Rules{{HotShare: ring.DefaultHotShare}, {}, {Choose: ring.ChooseFirst}}[pick(&rest, 3)]
		late, fails := []float64{0, 0.3}[pick(&rest, 2)], pick(&rest, 2)
		streams := []int{1, 17}[pick(&rest, 2)]
		what := fmt.Sprintf("seed %d: capacities %v, %+v, %v of the calls late, %d proposals fail, %d streams", seed, capacities, rules, late, fails, streams)
		synctest.Test(t, func(t *testing.T) {
			c := newPremiere(seed, 3, rules, capacities...)
			c.ails(late, 700*time.Millisecond, fails)
			viewers := c.places() - len(c.desks)
			refused := c.crowd(viewers, streams, time.Duration(seed%3)*time.Millisecond)
			c.end()
			if len(refused) > 0 || c.total()+c.out != viewers {
				t.Errorf("%s: %d of %d viewers have a session, refused: %v; %s", what, c.total()+c.out, viewers, refused, c.shows())
			}
			if moves += c.moves; c.quiet > 0 {
				t.Errorf("%s: by %d of %d boundaries sessions changed edges that were not told before", what, c.quiet, c.moves)
			}
		})
	}
	if moves == 0 {
		t.Error("no boundary has moved: there was room without")
	}
}

// TestAnOpeningDoesNotWaitLongForOthersToBeReady: where a boundary moves for a viewer who opens,
// who gets others by that is waited for, for a fifth of a second.
func TestAnOpeningDoesNotWaitLongForOthersToBeReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPremiere(1, 3, ring.Rules{HotShare: ring.DefaultHotShare}, 36, 12, 24, 36, 18)
		c.locked(func() { c.unready = true })
		viewers := c.places() - len(c.desks)
		refused := c.crowd(viewers, 1, 5*time.Millisecond)
		c.end()
		if len(refused) > 0 || c.held != foretold {
			t.Errorf("an opening waited for %s, refused: %v", c.held, refused)
		}
	})
}

// silentOnes is a cluster of which a balancer knows nothing yet, and edges that tell their load
// when they are asked, or don't.
type silentOnes struct {
	cluster
	known    *loads.Loads
	tells    bool
	proposed []ring.Load
}

func (s *silentOnes) Query(_ context.Context, p *wire.Placement, names []string) {
	for _, name := range names {
		if s.tells {
			s.known.Take(wire.Report{Edge: name, Incarnation: 1, Pairs: []wire.PairLoad{{Pair: 1, Taken: []wire.Run{{From: 0, To: 3}}}}}, time.Now())
		}
	}
}

func (s *silentOnes) Foretell(context.Context, *wire.Placement, *wire.Placement, []ring.Load) {}

func (s *silentOnes) Propose(_ context.Context, c placement.Command) (placement.Result, error) {
	s.proposed = c.Loads
	return placement.Result{Changed: true}, nil
}

// TestNothingIsTakenBackByLoadsThatNobodyHasTold: a balancer that has just begun asks first, and
// where an edge does not answer it leaves what is given away where it is.
func TestNothingIsTakenBackByLoadsThatNobodyHasTold(t *testing.T) {
	p := ring.Form((&wire.Placement{Edges: []wire.Edge{{Name: "e1", Capacity: 8, State: wire.EdgeUp, Incarnation: 1}, {Name: "e2", Capacity: 8, State: wire.EdgeUp, Incarnation: 1}}}).Index())
	for _, tells := range []bool{false, true} {
		c := &silentOnes{known: loads.New(), tells: tells}
		o := &Opener{cluster: c, loads: c.known, now: time.Now}
		if done := o.takeBack(t.Context(), p); done != tells || tells != (len(c.proposed) > 0) {
			t.Errorf("edges tell: %v; taken back: %v, by %+v", tells, done, c.proposed)
		}
	}
}

// TestASlotThatIsGivenTooLateIsGivenBack: where calls take so long that a balancer has
// chosen another edge by then, nobody sits in the slot that comes at last.
func TestASlotThatIsGivenTooLateIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPremiere(1, 3, ring.Rules{HotShare: ring.DefaultHotShare}, 36, 36, 36, 36)
		c.locked(func() { c.slow = 10 })
		refused := c.crowd(80, 1, time.Millisecond)
		time.Sleep(Limit)
		c.end()
		if len(refused) > 0 || c.total()+c.out != 80 || c.back < 8 {
			t.Errorf("%d sessions for 80 viewers, %d given back, refused: %v", c.total()+c.out, c.back, refused)
		}
	})
}

// TestAHotStreamIsOpenedWhereItIsWhenNothingCanBePlaced: without a majority its viewers
// are not refused for want of one more pair, and only the first ones wait for that.
func TestAHotStreamIsOpenedWhereItIsWhenNothingCanBePlaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPremiere(1, 3, ring.Rules{HotShare: ring.DefaultHotShare}, 36, 36, 36, 36)
		c.place("/s0/", 1)
		c.ails(0, 0, -1)
		refused := c.crowd(24, 1, 20*time.Millisecond) // hot from the eighteenth on
		begun := time.Now()
		for name, n := range c.crowd(6, 1, 20*time.Millisecond) {
			refused[name] += n
		}
		took := time.Since(begun)
		c.end()
		if len(refused) > 0 || c.total() != 30 || took > placeLimit/2 {
			t.Errorf("%d sessions for 30 viewers, the last six in %v, refused: %v", c.total(), took, refused)
		}
	})
}
