package front

import (
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/budget"
	"tandem/internal/h1"
)

// weighed is a stage whose only loop looks in every round what is held; relieved counts
// who was reset, and for how many bytes.
func weighed(t *testing.T, change ...func(*stage, *Config)) (s *stage, held *budget.Held, relieved, bytes *atomic.Int64) {
	needsProgress(t)
	held, relieved, bytes = budget.NewHeld(0, 0), new(atomic.Int64), new(atomic.Int64)
	s = newStage(t, append([]func(*stage, *Config){oneLoop, func(_ *stage, c *Config) {
		c.Held, c.weighEvery = held, 1
		c.Relieved = func(n int64) { relieved.Add(1); bytes.Add(n) }
	}}, change...)...)
	return s, held, relieved, bytes
}

// When the kernel holds too much for clients that do not take it, who holds most of it is
// reset, and counted; who holds little gets all of its answer, and so does a node, whose
// viewers are weighed where they are.
func TestWhoHoldsMostGoesWhenItIsTooMuch(t *testing.T) {
	s, held, relieved, bytes := weighed(t, func(_ *stage, c *Config) {
		c.Proves = func(_ any, h *h1.Request) bool { return h.Get("X-Node") == "yes" }
	})
	node, little, most := callSlow(t, s.addr), callSlow(t, s.addr), callSlow(t, s.addr)
	node.say("%s", strings.Replace(nodeAsks, "/x", "/mem/12000000", 1))
	little.say(ask("GET", "/mem/60000"))
	most.say(ask("GET", "/mem/12000000"))
	eventually(t, "all are served, and weighed", func() bool { s.pass(); return s.ways.Quick.Load() > 3 && held.Bytes() > 200_000 })
	for range 3 {
		s.pass()
	}
	if n := relieved.Load(); n > 0 {
		t.Fatalf("%d were reset without a bound", n)
	}
	eventually(t, "the one that holds most has gone", func() bool {
		held.Limit(held.Bytes() - 1) // what the kernel holds of a client may still be less than when it was weighed
		s.pass()
		return relieved.Load() > 0
	})
	if _, how := most.end(); how != byReset {
		t.Errorf("it ended %s", how)
	}
	for range 3 {
		s.pass()
	}
	if n := relieved.Load(); n != 1 || bytes.Load() < 200_000 {
		t.Errorf("%d were reset, %d bytes", n, bytes.Load())
	}
	if n := held.Bytes(); n > 200_000 {
		t.Errorf("%d bytes are held by the rest", n)
	}
	little.hearTarget("GET", "/mem/60000")
	node.hearTarget("GET", "/mem/12000000")
	eventually(t, "nothing is held", func() bool { s.pass(); return held.Bytes() < 20_000 })
}

// What is held elsewhere for a client counts as its own: for an answer in a goroutine.
func TestWhatIsHeldElsewhereCounts(t *testing.T) {
	a := newAwaiting()
	var heavy atomic.Int64 // the number by which that client entered
	s, held, relieved, _ := weighed(t, func(_ *stage, c *Config) {
		c.Handler = a
		c.Received = func(client any) int64 {
			if client == any(heavy.Load()) {
				return 1 << 40
			}
			return 0
		}
	})
	held.Limit(1 << 39)
	on, off := callSlow(t, s.addr), call(t, s.addr)
	on.say(ask("GET", "/mem/12000000"))
	off.say(ask("GET", "/wait"))
	await(t, "the request", a.came)
	heavy.Store(s.entered.Load()) // it came last, and is through its handshake
	eventually(t, "it has gone", func() bool { s.pass(); return relieved.Load() == 1 })
	off.end()
	on.hearTarget("GET", "/mem/12000000")
	if n := relieved.Load(); n != 1 {
		t.Errorf("%d were reset", n)
	}
}
