package placement

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// countsOf is what a balancer tells of a life.
func countsOf(name string, life, takeovers, refused int64, deaths ...wire.DeathCount) Command {
	return Command{Kind: Counted, Name: name, Counts: &wire.Counts{Life: life, Takeovers: takeovers, Refused: refused, Deaths: deaths}}
}

// tell carries out what a balancer tells, which is no event.
func tell(t *testing.T, s *script, c Command) {
	t.Helper()
	if r := s.do(c); r.Err != "" || r.Changed {
		t.Fatalf("%+v: %+v", c.Counts, r)
	}
}

// Sums are those of all balancers and all their lives: whoever dies, is told twice or
// late, is taken out or comes back, they never go back.
func TestSumsNeverRunBackwards(t *testing.T) {
	s := newScript(t)
	for _, name := range []string{"lb-1", "lb-2"} {
		s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: name, HTTP: "http://" + name}})
	}
	sum := func(takeovers, refused int64) {
		t.Helper()
		if got := s.state.tallies.sum(); got != (wire.Tally{Takeovers: takeovers, Refused: refused}) {
			t.Fatalf("%+v, want %d takeovers, %d refused", got, takeovers, refused)
		}
	}
	for _, row := range []struct {
		told               Command
		takeovers, refused int64
	}{
		{countsOf("lb-1", 10, 3, 1), 3, 1},
		{countsOf("lb-2", 20, 4, 0), 7, 1},
		{countsOf("lb-1", 10, 3, 1), 7, 1},  // twice
		{countsOf("lb-1", 10, 2, 5), 7, 5},  // out of order
		{countsOf("lb-1", 11, 1, 0), 8, 5},  // it was started again
		{countsOf("lb-1", 10, 90, 9), 8, 5}, // its former life, late
		{countsOf("lb-1", 11, 2, 0), 9, 5},
	} {
		tell(t, s, row.told)
		sum(row.takeovers, row.refused)
	}
	s.must(Command{Kind: BalancerGone, Name: "lb-1"})
	sum(9, 5)
	if r := s.do(countsOf("lb-1", 11, 50, 0)); !errors.Is(r.Failed(), ErrUnknown) {
		t.Errorf("of a balancer that is none: %v", r.Err)
	}
	s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: "lb-1", HTTP: "http://lb-1"}})
	tell(t, s, countsOf("lb-1", 11, 5, 0)) // the same life goes on
	sum(12, 5)
	again, err := ReadState(bytes.NewReader(imageOf(t, s.state)))
	if err != nil || again.tallies.sum() != s.state.tallies.sum() {
		t.Errorf("from a snapshot: %v %v", again, err)
	}
	for i := range 3 * MaxBalancers { // ever new names
		name := fmt.Sprintf("x%03d", i)
		s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: name, HTTP: "http://" + name}})
		tell(t, s, countsOf(name, 1, 1, 0))
		s.must(Command{Kind: BalancerGone, Name: name})
	}
	sum(12+3*MaxBalancers, 5)
	if n := len(s.state.tallies.Rows); n > MaxBalancers {
		t.Errorf("%d rows", n)
	}
	if err := s.state.Check(); err != nil {
		t.Error(err)
	}
}

// A receipt counts what every balancer that told of the death had in its hands, in each
// of its lives, and each once.
func TestAReceiptIsThatOfAllBalancers(t *testing.T) {
	s := newScript(t)
	for i := 1; i <= 3; i++ {
		s.must(up(fmt.Sprintf("e%d", i), 1))
	}
	for _, name := range []string{"lb-1", "lb-2"} {
		s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: name, HTTP: "http://" + name}})
	}
	s.must(Command{Kind: EdgeDown, Name: "e1", Incarnation: 1})
	of := func(finished, broken, gap int64) wire.DeathCount {
		return wire.DeathCount{Edge: "e1", Incarnation: 1, Finished: finished, Broken: broken, LongestGap: gap}
	}
	tell(t, s, countsOf("lb-1", 10, 2, 0, of(2, 0, 30), wire.DeathCount{Edge: "e2", Incarnation: 1, Finished: 9}))
	tell(t, s, countsOf("lb-2", 20, 1, 0, of(1, 1, 80)))
	tell(t, s, countsOf("lb-1", 10, 3, 0, of(3, 0, 20)))
	tell(t, s, countsOf("lb-1", 11, 1, 0, of(1, 0, 5)))
	want := wire.Receipt{Finished: 5, Broken: 1, LongestGap: 80}
	got := s.state.Deaths()[0]
	if got.Finished != want.Finished || got.Broken != want.Broken || got.LongestGap != want.LongestGap || len(got.Shares) != 3 {
		t.Fatalf("%+v", got)
	}
	// An older build has passed it on and dropped the shares: nothing is lost of the sums.
	im := bytes.ReplaceAll(imageOf(t, s.state)[snapshotHead:], []byte(`"shares"`), []byte(`"dropped"`))
	old, err := stateOf(im)
	if err != nil {
		t.Fatal(err)
	}
	c := countsOf("lb-2", 20, 1, 0, of(1, 1, 80))
	b, _ := c.Encode()
	if r := old.Apply(old.Placement().Version+1, b); r.Err != "" || old.Deaths()[0].Finished != want.Finished || old.Deaths()[0].Broken != 1 {
		t.Errorf("%+v %+v", r, old.Deaths()[0])
	}
	for life := range int64(2 * MaxShares) {
		tell(t, s, countsOf("lb-2", 100+life, 0, 0, of(0, 1, 0)))
	}
	if n := len(s.state.Deaths()[0].Shares); n != MaxShares {
		t.Errorf("%d shares, at most %d", n, MaxShares)
	}
}

func TestCountsThatCannotBeAreRefused(t *testing.T) {
	s := newScript(t)
	s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: "lb-1", HTTP: "http://lb-1"}})
	for _, c := range []Command{
		{Kind: Counted, Name: "lb-1"},
		countsOf("lb-1", 0, 1, 1), countsOf("lb-1", 1, -1, 0), countsOf("lb-1", 1, 0, 1<<51),
		countsOf("lb-1", 1, 0, 0, wire.DeathCount{Edge: strings.Repeat("e", 1000), Finished: -1}),
		countsOf("lb-1", 1, 0, 0, make([]wire.DeathCount, keepDeaths+1)...),
	} {
		if r := s.do(c); !errors.Is(r.Failed(), ErrMalformed) || len(r.Err) > 500 {
			t.Errorf("%+v: %v", c.Counts, r.Err)
		}
	}
}
