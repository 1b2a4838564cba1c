package proxy

import (
	"net"
	"runtime"
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
		var s silence
		s.begin(begun)
		if row.held {
			s.hold()
		}
		again, due := s.due(begun.Add(row.lasted), limit, func() time.Duration { return row.received })
		if due != row.due || !due && again != row.again {
			t.Errorf("%s: due %v, again in %s", row.what, due, again)
		}
	}
}

// Progress ends a silence and a hold; the longest is remembered.
func TestProgressEndsASilence(t *testing.T) {
	begun := time.Unix(1000, 0)
	var s silence
	s.begin(begun)
	s.hold()
	s.progress(begun.Add(3 * time.Second))
	s.begin(begun.Add(4 * time.Second))
	s.progress(begun.Add(5 * time.Second))
	if want := begun.Add(5 * time.Second); s.resumed || s.longest != 3*time.Second || !s.since.Equal(want) || s.waited != 0 {
		t.Errorf("%+v", s)
	}
}

// An edge is slow by what it was waited for, its first byte aside: neither a viewer's
// pause nor what is measured before enough of it counts.
func TestSlowIsBelowTheFloor(t *testing.T) {
	cfg := Config{Silence: time.Second, Floor: 1000}
	now := time.Unix(1000, 0)
	var s silence
	round := func(bytes int64, waited time.Duration) bool {
		s.begin(now)
		now = now.Add(waited)
		s.progress(now)
		s.got += bytes
		return s.slow(&cfg)
	}
	if round(1, time.Hour) {
		t.Error("the way to the first byte counts")
	}
	if round(1, 2*time.Second) || !round(1, 2*time.Second) {
		t.Error("two bytes in four seconds are not slow")
	}
	if s.got != 0 || s.waited != 0 {
		t.Error("the window has not ended")
	}
	round(1, time.Second)
	round(1, 2*time.Second)
	s.hold()
	if round(1, time.Second) || round(3001, 3*time.Second) {
		t.Error("what was before the viewer's pause counts")
	}
}

// In a goroutine a viewer has held its edge up when a write has taken a quarter of the
// limit.
func TestALongWriteHoldsTheEdgeUp(t *testing.T) {
	now := time.Unix(1000, 0)
	c := New(Config{Silence: 400 * time.Millisecond}, Deps{Now: func() time.Time { return now }})
	k, a := &response{c: c}, &attempt{exchange: exchange{answered: true}}
	a.begin(now)
	now = now.Add(100 * time.Millisecond)
	if k.paused(a); a.resumed {
		t.Error("after a quarter of the limit")
	}
	now = now.Add(1)
	if k.paused(a); !a.resumed {
		t.Error("after more it was not")
	}
}

// What lies in the socket when its time is over was sent in time: a goroutine that was
// late itself accuses nobody, by neither way of waiting.
func TestLateGoroutinesAccuseNobody(t *testing.T) {
	for _, sends := range []bool{true, false} {
		e := scriptGreeting(t, func(c net.Conn) {
			if sends {
				send(c, "bytes")
			}
		}, func(net.Conn, string) {})
		c := New(patient, Deps{})
		for _, fills := range []bool{true, false} {
			u, err := c.dial(t.Context(), e.target("edge-1"), false)
			if err != nil {
				t.Fatal(err)
			}
			for sends && !u.unread() {
				runtime.Gosched()
			}
			bytes := u.arrive
			if fills {
				bytes = u.fill
			}
			a := &attempt{exchange: exchange{conn: u, answered: true}}
			a.begin(time.Now().Add(-time.Hour))
			err = (&response{c: c}).await(t.Context(), a, bytes, false)
			if sends && err != nil || !sends && err != errStalled {
				t.Errorf("the edge sends is %v, it is read is %v: %v", sends, fills, err)
			}
			u.close()
		}
	}
}
