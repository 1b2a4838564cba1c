package front

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tandem/internal/h1"
)

// lastWords sends text and the end of what is sent in one segment.
func (c *caller) lastWords(text string) {
	c.t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	_ = raw.Control(cork)
	c.say("%s", text)
	if err := c.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

func TestClientThatSendsNoMoreGetsItsAnswers(t *testing.T) {
	s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.lingerFor = time.Hour })
	targets := []string{"/mem/0", "/mem/3", "/mem/100000", "/mem/12000000", "/file/3", "/file/100000", "/file/12000000"}
	for _, target := range targets {
		for _, fields := range []string{"X: y", "Connection: close"} {
			c := callSlow(t, s.addr)
			c.lastWords(ask("GET", target, fields))
			c.hearTarget("GET", target)
			c.ends(inOrder)
		}
	}
	c := call(t, s.addr) // many at once, more than a round answers
	c.lastWords(strings.Repeat(ask("GET", "/mem/40000"), 3*requestsAlone))
	for range 3 * requestsAlone {
		c.hearTarget("GET", "/mem/40000")
	}
	c.ends(inOrder)
	eventually(t, "nobody is waited for", func() bool { return s.Connections() == 0 }) // the end had been told before
}

func TestClientThatEndedBeforeALoopLookedGetsItsAnswers(t *testing.T) {
	plainOnly(t)
	s := newStage(t, oneLoop)
	release := s.hold()
	early := call(t, s.addr) // it is accepted when all has come
	early.say("%s", ask("GET", "/mem/50000")+ask("GET", "/file/50000"))
	_ = early.CloseWrite()
	silent := call(t, s.addr)
	_ = silent.CloseWrite()
	halfHead := call(t, s.addr)
	halfHead.say("GET /mem/5 HTTP/1.1\r\n")
	_ = halfHead.CloseWrite()
	release()
	early.hearTarget("GET", "/mem/50000")
	early.hearTarget("GET", "/file/50000")
	early.ends(inOrder)
	silent.ends(inOrder)
	halfHead.ends(inOrder) // of a request that never came whole nothing can be said
}

// awaiting is a Handler that answers when its request's context ends, or when told.
type awaiting struct {
	came, cancelled chan struct{}
	answer          chan struct{}
}

func newAwaiting() *awaiting {
	return &awaiting{make(chan struct{}, 100), make(chan struct{}, 100), make(chan struct{})}
}

func (a *awaiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/x") || strings.HasPrefix(r.URL.Path, "/pass") {
		saysPath(w, r)
		return
	}
	a.came <- struct{}{}
	select {
	case <-r.Context().Done():
		if r.Context().Err() == context.Canceled {
			a.cancelled <- struct{}{}
		}
	case <-a.answer:
	}
	saysPath(w, r)
}

// let lets one request be answered.
func (a *awaiting) let(t *testing.T) {
	t.Helper()
	select {
	case a.answer <- struct{}{}:
	case <-time.After(patience):
		t.Fatal("no request waits for its answer")
	}
}

func await(t *testing.T, what string, told <-chan struct{}) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(patience):
		t.Fatalf("not in time: %s", what)
	}
}

func TestRequestThatIsAwayIsCancelledWhenItsClientGoes(t *testing.T) {
	a := newAwaiting()
	s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.Handler, c.halfFor = a, short })
	for _, go1 := range []func(*caller){(*caller).vanish, func(c *caller) { _ = c.CloseWrite() }, func(c *caller) { _ = c.Close() }} {
		c := call(t, s.addr)
		c.say(ask("GET", "/wait"))
		await(t, "the request", a.came)
		go1(c)
		await(t, "its end", a.cancelled)
	}
	c := call(t, s.addr) // it had gone before the request was seen
	c.lastWords(ask("GET", "/wait"))
	await(t, "the request", a.came)
	await(t, "its end", a.cancelled)
	if c.hearTarget("GET", "/wait"); len(a.came) > 0 {
		t.Error("more requests came")
	}
	c.ends(inOrder)
}

// A client that sends no more waits for the answer to each of its requests still, whether
// it had said so before a goroutine had the request or while it has it; nobody else waits
// for it longer than for a while.
func TestClientThatSendsNoMoreGetsTheAnswersOfGoroutines(t *testing.T) {
	plainOnly(t)
	a := newAwaiting()
	s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.Handler, c.halfFor = a, time.Hour })
	for _, early := range []bool{true, false} {
		c := call(t, s.addr)
		if early {
			c.lastWords(strings.Repeat(ask("GET", "/wait"), 2))
			await(t, "the request", a.came)
		} else {
			c.say(strings.Repeat(ask("GET", "/wait"), 2))
			await(t, "the request", a.came)
			_ = c.CloseWrite()
		}
		s.pass()
		s.pass()
		a.let(t)
		c.hearTarget("GET", "/wait")
		await(t, "the second one", a.came)
		a.let(t)
		c.hearTarget("GET", "/wait")
		c.ends(inOrder)
	}
	if len(a.cancelled) > 0 {
		t.Error("a request was cancelled")
	}
	gone := call(t, s.addr) // when it was thought to wait
	gone.say(ask("GET", "/wait"))
	await(t, "the request", a.came)
	_ = gone.CloseWrite()
	s.pass()
	gone.vanish()
	await(t, "its end", a.cancelled)
}

// Who has been told nothing, because a Handler gave a request up whose client seemed to
// be gone, and hears all the same, does not hear of an empty body.
func TestClientThatSendsNoMoreIsNotToldOfAnEmptyBody(t *testing.T) {
	s := newStage(t, oneLoop, func(_ *stage, c *Config) {
		c.halfFor = short
		c.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
	c := call(t, s.addr)
	c.lastWords(ask("GET", "/wait"))
	c.ends(byReset)
}

// What comes while a goroutine has the connection is not told again when it is
// back, so the loop has to look.
func TestRequestsThatCameWhileOneWasAwayAreAnswered(t *testing.T) {
	a := newAwaiting()
	s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.Handler = a })
	c := call(t, s.addr)
	c.say(ask("GET", "/wait"))
	await(t, "the request", a.came)
	c.say(ask("GET", "/mem/7") + ask("GET", "/x"))
	s.pass()
	a.let(t)
	c.hearTarget("GET", "/wait")
	c.hearTarget("GET", "/mem/7")
	c.hearTarget("GET", "/x")
}

// One round may close a connection and accept another with its number, of which
// an event is still to be looked at.
func TestEventsOfAClosedConnectionAreNotTheNextOnes(t *testing.T) {
	plainOnly(t)
	var victim *Conn // owned by the loop
	a := newAwaiting()
	s := newStage(t, oneLoop, func(s *stage, c *Config) {
		c.Handler = a
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				switch h.Target {
				case "/victim":
					victim = c
					c.Take(&driver{})
					return true
				case "/x/kill":
					victim.Reset()
				}
				return s.answer(c, h)
			}}
		}
	})
	for range 10 {
		killer, dead := call(t, s.addr), call(t, s.addr)
		dead.say(ask("GET", "/victim"))
		killer.say(ask("GET", "/x"))
		killer.hearTarget("GET", "/x")
		release := s.hold()
		killer.say(ask("GET", "/x/kill"))
		next := call(t, s.addr)
		dead.vanish()
		filler, err := os.Open(os.DevNull) // takes the number of dead's own end: the lowest that is free is its other end's
		if err != nil {
			t.Fatal(err)
		}
		next.say(ask("GET", "/wait"))
		release()
		await(t, "the request", a.came)
		s.pass()
		a.let(t)
		next.hearTarget("GET", "/wait") // not cancelled, and not reset
		_ = filler.Close()
	}
}
