package silence

import (
	"testing"
	"time"
)

// An edge is silent after the limit, and where its viewer had held it up after a quarter
// of it, if nothing has come for the whole.
func TestSilenceIsDue(t *testing.T) {
	const limit = 400 * time.Millisecond
	begun := time.Unix(1000, 0)
	for _, row := range []struct {
		what                    string
		held                    bool
		lasted, received, again time.Duration
		due                     bool
	}{
		{"at first", false, 0, time.Hour, limit, false},
		{"almost", false, limit - 1, time.Hour, 1, false},
		{"for the limit", false, limit, 0, 0, true},
		{"for the limit, held up", true, limit, 0, 0, true},
		{"held up, at first", true, 0, time.Hour, limit / 4, false},
		{"held up, for a quarter", true, limit / 4, limit, 0, true},
		{"held up, and something came", true, limit / 4, limit / 2, limit / 2, false},
		{"held up, and something came of late", true, limit / 2, limit / 8, limit / 2, false},
	} {
		var s Silence
		s.Begin(begun)
		if row.held {
			s.Hold()
		}
		again, due := s.Due(begun.Add(row.lasted), limit, func() time.Duration { return row.received })
		if due != row.due || !due && again != row.again {
			t.Errorf("%s: due %v, again in %s", row.what, due, again)
		}
	}
}

// Progress ends a silence and a hold; the longest is remembered.
func TestProgressEndsASilence(t *testing.T) {
	begun := time.Unix(1000, 0)
	var s Silence
	s.Begin(begun)
	s.Hold()
	s.Progress(begun.Add(3 * time.Second))
	s.Begin(begun.Add(4 * time.Second))
	s.Progress(begun.Add(5 * time.Second))
	if want := begun.Add(5 * time.Second); s.Resumed || s.Longest != 3*time.Second || !s.Since.Equal(want) || s.Waited != 0 {
		t.Errorf("%+v", s)
	}
}

// An edge is slow by what it was waited for, its first byte aside: neither a viewer's
// pause nor what is measured before enough of it counts.
func TestSlowIsBelowTheFloor(t *testing.T) {
	limits := Limits{Silence: time.Second, Floor: 1000}
	now := time.Unix(1000, 0)
	var s Silence
	round := func(bytes int64, waited time.Duration) bool {
		s.Begin(now)
		now = now.Add(waited)
		s.Progress(now)
		s.Got += bytes
		return s.Slow(&limits)
	}
	if round(1, time.Hour) {
		t.Error("the way to the first byte counts")
	}
	if round(1, 2*time.Second) || !round(1, 2*time.Second) {
		t.Error("two bytes in four seconds are not slow")
	}
	if s.Got != 0 || s.Waited != 0 {
		t.Error("the window has not ended")
	}
	round(1, time.Second)
	round(1, 2*time.Second)
	s.Hold()
	if round(1, time.Second) || round(3001, 3*time.Second) {
		t.Error("what was before the viewer's pause counts")
	}
}

// A limit is twice what is usual, within bounds, and soon learnt.
func TestLimitsFollowWhatIsUsual(t *testing.T) {
	const ms = time.Millisecond
	u := NewUsual(Limits{FirstByte: 400 * ms, Silence: 400 * ms, Most: 10 * time.Second})
	if u.Limit("e", NextByte) != 400*ms || u.Limit("e", Growing) != 1200*ms {
		t.Fatal("not the least")
	}
	u.Learn("e", NextByte, 600*ms)
	if got := u.Limit("e", NextByte); got != 600*ms {
		t.Fatalf("%s after one silence of 600 ms", got)
	}
	for range 100 {
		u.Learn("e", NextByte, ms)
	}
	if got := u.Limit("e", NextByte); got != 400*ms {
		t.Fatalf("%s after a hundred quick ones", got)
	}
	for range 9 {
		u.Learn("e", FirstByte, time.Hour)
	}
	if got := u.Limit("e", FirstByte); got != 10*time.Second {
		t.Fatalf("%s is more than the most", got)
	}
	u.Forget("e")
	if u.Limit("e", FirstByte) != 400*ms {
		t.Fatal("not forgotten")
	}
}
