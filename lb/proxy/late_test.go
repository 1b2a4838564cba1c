package proxy

import (
	"net"
	"runtime"
	"testing"
	"time"
)

// In a goroutine a viewer has held its edge up when a write has taken a quarter of the
// limit.
func TestALongWriteHoldsTheEdgeUp(t *testing.T) {
	now := time.Unix(1000, 0)
	c := New(Config{Silence: 400 * time.Millisecond}, Deps{Now: func() time.Time { return now }})
	k, a := &response{c: c}, &attempt{exchange: exchange{answered: true}}
	a.Begin(now)
	now = now.Add(100 * time.Millisecond)
	if k.paused(a); a.Resumed {
		t.Error("after a quarter of the limit")
	}
	now = now.Add(1)
	if k.paused(a); !a.Resumed {
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
			u, err := c.dialer.Dial(t.Context(), e.target("edge-1"), false)
			if err != nil {
				t.Fatal(err)
			}
			for sends && !u.Unread() {
				runtime.Gosched()
			}
			bytes := u.Arrive
			if fills {
				bytes = u.Fill
			}
			a := &attempt{exchange: exchange{conn: u, answered: true}}
			a.Begin(time.Now().Add(-time.Hour))
			err = (&response{c: c}).await(t.Context(), a, bytes, false)
			if sends && err != nil || !sends && err != errStalled {
				t.Errorf("the edge sends is %v, it is read is %v: %v", sends, fills, err)
			}
			u.Close()
		}
	}
}
