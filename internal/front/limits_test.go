package front

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

const short = 60 * time.Millisecond

func since(t *testing.T, begin time.Time, least time.Duration) {
	t.Helper()
	if took := time.Since(begin); took < least-5*time.Millisecond || took > least+patience/2 {
		t.Errorf("it took %v; want %v at least", took, least)
	}
}

func TestSilentConnectionIsClosedWithoutAWord(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.HeadTimeout = short })
	begin := time.Now()
	c := call(t, s.addr)
	c.ends(inOrder)
	since(t, begin, short)
}

func TestHeadThatDoesNotArriveInTimeIsAnsweredSo(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.HeadTimeout = short })
	for _, first := range []string{"", ask("GET", "/mem/3"), ask("GET", "/x")} {
		for _, part := range []string{"G", "GET /x HTTP/1.1\r\nHost: a\r\n", "\r\n"} {
			begin := time.Now() // its time begins when it is accepted, before it has said anything
			c := call(t, s.addr)
			c.say("%s", first+part)
			if first != "" {
				c.hear("GET")
			}
			if r := c.hear("GET"); r.StatusCode != http.StatusRequestTimeout || !r.Close {
				t.Errorf("%q: %s, closing: %v", part, r.Status, r.Close)
			}
			since(t, begin, short)
			c.ends(inOrder)
		}
	}
}

// The time of a head is not counted from its last byte.
func TestHeadThatDripsIsNotWaitedForLonger(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.HeadTimeout = short })
	begin := time.Now()
	c := call(t, s.addr)
	stop := make(chan struct{})
	dripped := make(chan struct{})
	go func() {
		defer close(dripped)
		for tick := time.NewTicker(short / 5); ; {
			select {
			case <-tick.C:
				_, _ = io.WriteString(c.over, "G")
			case <-stop:
				return
			}
		}
	}()
	resp, err := http.ReadResponse(c.r, nil)
	close(stop)
	<-dripped
	if err != nil || resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusNotImplemented {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	since(t, begin, short)
}

func TestIdleConnectionIsClosedAfterItsTimeAndNotBefore(t *testing.T) {
	const pause = 20 * short
	s := newStage(t, func(_ *stage, c *Config) { c.IdleTimeout, c.HeadTimeout = pause, 5*short })
	for _, target := range []string{"/mem/3", "/file/100000", "/x"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			c := call(t, s.addr)
			var begin time.Time
			for range 2 {
				begin = time.Now()
				c.say(ask("GET", target))
				c.hearTarget("GET", target)
				time.Sleep(6 * short) // longer than a head may take, shorter than a pause
			}
			c.ends(inOrder)
			since(t, begin, pause)
		})
	}
}

// What is away, or goes out, is not bound by the time of a head or a pause.
func TestRequestThatTakesLongIsNotCutByOtherTimes(t *testing.T) {
	a := newAwaiting()
	s := newStage(t, func(_ *stage, c *Config) { c.Handler, c.HeadTimeout, c.IdleTimeout = a, short, short })
	waiting, taking := call(t, s.addr), callSlow(t, s.addr)
	waiting.say(ask("GET", "/wait"))
	taking.say(ask("GET", "/mem/12000000"))
	await(t, "the request", a.came)
	time.Sleep(4 * short)
	a.let(t)
	waiting.hearTarget("GET", "/wait")
	taking.hearTarget("GET", "/mem/12000000")
}

func TestHeadIsNotLongerThanTheLimit(t *testing.T) {
	const limit = 1000
	s := newStage(t, func(_ *stage, c *Config) { c.Limits = h1.Limits{Head: limit, Line: limit, Fields: 100} })
	fill := func(n int) string {
		return ask("GET", "/mem/3", "X: "+strings.Repeat("x", n-len(ask("GET", "/mem/3", "X: "))))
	}
	c := call(t, s.addr)
	c.say(fill(limit) + fill(limit) + ask("GET", "/x"))
	c.hearTarget("GET", "/mem/3")
	c.hearTarget("GET", "/mem/3")
	c.hearTarget("GET", "/x")
	for _, text := range []string{fill(limit + 1), fill(limit + 1)[:limit], fill(500_000)} {
		c := call(t, s.addr)
		c.say("%s", text+ask("GET", "/x"))
		if r := c.hear("GET"); r.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !r.Close {
			t.Errorf("a head of %d bytes: %s, closing: %v", len(text), r.Status, r.Close)
		}
		c.ends(inOrder)
	}
}

func TestClientThatMayNotEnterIsReset(t *testing.T) {
	s := newStage(t, func(s *stage, c *Config) {
		c.Enter = func(address string) (any, bool) {
			client, _ := s.enter(address)
			if s.entered.Load() > 1 {
				s.leave(client)
				return nil, false
			}
			return client, true
		}
	})
	conn, err := net.Dial("tcp", s.addr)
	if err == nil {
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	if !isReset(err) {
		t.Errorf("%v; want a reset", err)
	}
}

// pacing cuts off who takes less than a megabyte a second.
func pacing(_ *stage, c *Config) {
	c.MinRate, c.paceEvery = 1<<20, short
	c.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = w.Write(plenty())
		}
	})
}

func TestClientThatTakesTooLittleIsCutOff(t *testing.T) {
	needsProgress(t)
	s := newStage(t, pacing)
	for n, target := range []string{"/mem/12000000", "/file/12000000", "/x", "/mem/60000"} {
		c := callSlow(t, s.addr)
		c.say(ask("GET", target))
		eventually(t, target+" is cut off", func() bool {
			return s.slow.Load() > int64(n) && s.Connections() == 0
		})
		if got := s.slow.Load(); got != int64(n+1) {
			t.Errorf("%s: %d clients were cut off; want %d", target, got, n+1)
		}
		if _, how := c.end(); how != byReset {
			t.Errorf("%s: it ended %s", target, how)
		}
	}
}

// A loop that hears of nothing wakes to look at who takes nothing: else each look may be a second
// late.
func TestLoopWakesToLookForSlowClients(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.MinRate, c.paceEvery = 1<<10, 300*time.Millisecond })
	call(t, s.addr)
	eventually(t, "it has come", func() bool { return s.Connections() == 1 })
	sleeps := make(chan int, len(s.loops))
	for _, l := range s.loops {
		l.Post(func() {
			if l.held.Load() > 0 {
				sleeps <- l.sleep(time.Time{})
			}
		})
	}
	if ms := <-sleeps; ms > 300 {
		t.Errorf("it sleeps for %d ms", ms)
	}
}

func TestClientThatTakesEnoughOrHasNothingToTakeIsNotCutOff(t *testing.T) {
	const every = 6 * short
	a := newAwaiting()
	s := newStage(t, func(s *stage, c *Config) {
		pacing(s, c)
		c.MinRate, c.paceEvery = 1<<16, every // a client that does not run for two windows is slow
		c.Handler = a
	})
	idling, waiting, fast := call(t, s.addr), call(t, s.addr), callSlow(t, s.addr)
	idling.say(ask("GET", "/mem/3"))
	idling.hearTarget("GET", "/mem/3")
	waiting.say(ask("GET", "/wait"))
	await(t, "the request", a.came)
	for end := time.Now().Add(5 * every); time.Now().Before(end); {
		fast.say(ask("GET", "/mem/12000000"))
		fast.hearTarget("GET", "/mem/12000000")
	}
	a.let(t)
	waiting.hearTarget("GET", "/wait")
	idling.say(ask("GET", "/mem/3"))
	idling.hearTarget("GET", "/mem/3")
	if n := s.slow.Load(); n > 0 {
		t.Errorf("%d clients were cut off", n)
	}
}

// A handler that does not heed its context keeps the connection for a while after
// it was cut off; that is one client still.
func TestClientIsCutOffOnce(t *testing.T) {
	needsProgress(t)
	release := make(chan struct{})
	s := newStage(t, func(s *stage, c *Config) {
		pacing(s, c)
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(plenty())
			<-release
		})
	})
	c := callSlow(t, s.addr)
	c.say(ask("GET", "/x"))
	eventually(t, "it is cut off", func() bool { s.pass(); return s.slow.Load() > 0 })
	for end := time.Now().Add(6 * short); time.Now().Before(end); {
		s.pass()
	}
	close(release)
	eventually(t, "it is closed", func() bool { return s.Connections() == 0 })
	if n := s.slow.Load(); n != 1 {
		t.Errorf("%d clients were cut off", n)
	}
}

// rounds counts a loop's rounds.
type rounds struct {
	scripted
	n int
}

func (r *rounds) Tick(time.Time) (at time.Time) {
	r.n++
	return at
}

// To throw away what lies in a thousand connections takes its time: a round does some.
func TestThoseWhoAreCutOffHoldUpNobody(t *testing.T) {
	needsProgress(t)
	const clients = 3*paceRound/paceReset + 1
	var r *rounds
	cut := map[int]int{} // by round; the loop's
	s := newStage(t, pacing, func(s *stage, c *Config) {
		c.Loops = 1
		c.Quick = func(l *Loop) Quick {
			r = &rounds{scripted: scripted{loop: l, serve: s.answer}}
			return r
		}
		c.Slow = func() {
			s.slow.Add(1)
			cut[r.n]++
		}
	})
	for range clients {
		callSlow(t, s.addr).say(ask("GET", "/mem/12000000"))
	}
	eventually(t, "all are cut off", func() bool { s.pass(); return s.slow.Load() == clients && s.Connections() == 0 })
	for round, n := range cut {
		if n > paceRound/paceReset {
			t.Errorf("%d in round %d", n, round)
		}
	}
}

// needsProgress is for tests of what only Linux tells.
func needsProgress(t *testing.T) {
	if !kernel.TellsProgress {
		t.Skip("how much a client has acknowledged is not known here")
	}
}

// A balancer takes what it is given as slowly as its viewer does.
func TestANodeIsNeverTooSlow(t *testing.T) {
	needsProgress(t)
	s := newStage(t, func(s *stage, c *Config) {
		pacing(s, c)
		c.Proves = func(_ any, h *h1.Request) bool { return h.Get("X-Node") == "yes" }
	})
	node, stranger := callSlow(t, s.addr), callSlow(t, s.addr)
	node.say("%s", strings.Replace(nodeAsks, "/x", "/mem/12000000", 1))
	eventually(t, "the node is served", func() bool { return s.ways.Quick.Load() == 1 })
	stranger.say(ask("GET", "/mem/12000000"))
	eventually(t, "the stranger is cut off", func() bool { s.pass(); return s.slow.Load() > 0 })
	for end := time.Now().Add(6 * short); time.Now().Before(end); {
		s.pass()
	}
	if n := s.slow.Load(); n != 1 {
		t.Fatalf("%d clients were cut off", n)
	}
	node.hearTarget("GET", "/mem/12000000")
}

// A crowd that comes at once waits, and not who is there already: of a hundred that stand
// at the door few are let in before his next request is served.
func TestCrowdAtTheDoorKeepsNobodyWaiting(t *testing.T) {
	inside := make(chan int64, 1)
	s := newStage(t, oneLoop, func(s *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if h.Target == "/mem/7" {
					inside <- s.entered.Load()
				}
				return s.answer(c, h)
			}}
		}
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/mem/3"))
	c.hear("GET")
	release := s.hold()
	before := s.entered.Load()
	for range 100 {
		one, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
	}
	c.say(ask("GET", "/mem/7"))
	release()
	if n := <-inside - before; n > 16 {
		t.Errorf("%d were let in before", n)
	}
	c.hear("GET")
}
