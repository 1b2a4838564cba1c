package clock

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// stage is a machine whose clock is set, and what its edge makes of balancers' clocks.
type stage struct {
	*Clock
	own  time.Time
	said bytes.Buffer
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// newStage has an own clock that is ahead of noon.
func newStage(ahead time.Duration) *stage {
	s := &stage{own: noon.Add(ahead)}
	s.Clock = New(func() time.Time { return s.own }, zerolog.New(&s.said))
	return s
}

func (s *stage) hears(balancers ...time.Duration) {
	for i, ahead := range balancers {
		s.Heard(string(rune('a'+i)), noon.Add(ahead).UnixMilli())
	}
}

func TestTheBalancersClocksCountWhereTheOwnIsAnotherOne(t *testing.T) {
	const hour = time.Hour
	for _, row := range []struct {
		what  string
		own   time.Duration
		heard []time.Duration
		ahead time.Duration // that counts at last
	}{
		{"all alike", 0, []time.Duration{0, 0, 0}, 0},
		{"a kept clock", 9 * time.Second, []time.Duration{0, 0, 0}, 0},
		{"its own is ahead", hour, []time.Duration{0, 0, 0}, hour},
		{"its own is behind", -hour, []time.Duration{0, 0, 0}, -hour},
		{"one balancer alone", hour, []time.Duration{0}, hour},
		{"one balancer of three is ahead", 0, []time.Duration{hour, 0, 0}, 0},
		{"one balancer of three is behind", 0, []time.Duration{0, 0, -hour}, 0},
		{"its own and one of three", hour, []time.Duration{-hour, 0, 0}, hour},
		{"one of two: its own decides", 0, []time.Duration{0, hour}, 0},
		{"one of two, the other way", 0, []time.Duration{-hour, 0}, 0},
		{"nobody says", hour, nil, 0},
	} {
		s := newStage(row.own)
		s.hears(row.heard...)
		s.hears(row.heard...)
		if lines := strings.Count(s.said.String(), "\n"); lines > 1 || lines == 0 != (row.ahead == 0) {
			t.Errorf("%s: said %s", row.what, &s.said)
		}
		if got := time.Duration(s.ahead.Load()); got != row.ahead || !s.Now().Equal(s.own.Add(-row.ahead)) || s.Ahead() != row.ahead {
			t.Errorf("%s: %s counts, it is %s, ahead %s; want %s", row.what, got, s.Now().Format(time.TimeOnly), s.Ahead(), row.ahead)
		}
	}
	s := newStage(time.Hour)
	s.Heard("a", 0)
	if s.Heard("a", 0); s.Ahead() != 0 {
		t.Error("an older build's silence is taken for a time")
	}
	if (*Clock)(nil).Ahead() != 0 {
		t.Error("no clock is ahead of itself")
	}
}

// What answers that take their time make of a difference moves nothing, nor does a clock
// that is at the tolerance; and what a balancer has said once does not count for ever.
func TestADifferenceDoesNotComeAndGo(t *testing.T) {
	s := newStage(time.Minute)
	s.hears(0)
	for _, late := range []time.Duration{0, -400 * time.Millisecond, -900 * time.Millisecond, 0} {
		s.hears(late)
	}
	s.own = s.own.Add(-54 * time.Second) // it runs slower: 6 s ahead
	s.hears(0)
	if text := s.said.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"1m0s"`) || !strings.Contains(text, `"6s"`) {
		t.Error(text)
	}
	s.own = s.own.Add(-2 * time.Second)
	if s.hears(0); s.Ahead() != 0 || strings.Count(s.said.String(), "again") != 1 {
		t.Errorf("%s ahead: %s", s.Ahead(), &s.said)
	}
	s = newStage(0)
	s.hears(-time.Hour, -time.Hour)
	s.hears(-time.Hour, -time.Hour)
	s.own = s.own.Add(heardFor + time.Second)
	s.Heard("c", s.own.UnixMilli())
	s.Heard("c", s.own.UnixMilli())
	if s.Ahead() != 0 {
		t.Errorf("balancers that are gone count still: %s", s.Ahead())
	}
}
