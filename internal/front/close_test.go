package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manyWays has a connection in every state in which it can be.
type manyWays struct {
	s                                              *stage
	a                                              *awaiting
	silent, idle, partial, mem, file, away, bodied *caller
}

const largest = "12000000"

func newManyWays(t *testing.T) *manyWays {
	m := &manyWays{a: newAwaiting()}
	m.s = newStage(t, func(_ *stage, c *Config) { c.Handler = m.a })
	m.silent, m.idle, m.partial, m.away, m.bodied = call(t, m.s.addr), call(t, m.s.addr), call(t, m.s.addr), call(t, m.s.addr), call(t, m.s.addr)
	m.mem, m.file = callSlow(t, m.s.addr), callSlow(t, m.s.addr)
	m.idle.say(ask("GET", "/mem/3"))
	m.partial.say(ask("GET", "/mem/3") + "GET /mem/4 HTTP/1.1\r\n")
	for _, c := range []*caller{m.idle, m.partial} {
		c.hearTarget("GET", "/mem/3")
		m.s.hears()
	}
	m.mem.say(ask("GET", "/mem/"+largest))
	m.file.say(ask("GET", "/file/"+largest))
	m.away.say(ask("GET", "/wait"))
	m.bodied.say(ask("POST", "/bodied", "Content-Length: 2") + "x")
	for target, c := range map[string]*caller{"/mem": m.mem, "/file": m.file} {
		if _, err := c.r.Peek(1); err != nil {
			t.Fatalf("%s: %v; quick %d, away %d, %d connections", target, err, m.s.ways.Quick.Load(), m.s.ways.Away.Load(), m.s.Connections())
		}
	}
	await(t, "the request that is away", m.a.came)
	await(t, "the request with a body", m.a.came)
	if got := m.s.Connections(); got != 7 {
		t.Errorf("%d connections; want 7", got)
	}
	return m
}

func TestShutdownWaitsForWhatIsInFlightAndForNothingElse(t *testing.T) {
	m := newManyWays(t)
	ended := make(chan error)
	go func() { ended <- m.s.Shutdown(context.Background()) }()
	m.idle.ends(inOrder)
	m.silent.ends(inOrder)
	m.partial.say("Host: a\r\n\r\n" + ask("GET", "/mem/5"))
	if r := m.partial.hearTarget("GET", "/mem/4"); !r.Close {
		t.Error("the answer does not say that it is the last")
	}
	m.partial.ends(inOrder)
	m.mem.hearTarget("GET", "/mem/"+largest)
	m.mem.ends(inOrder)
	m.file.hearTarget("GET", "/file/"+largest)
	m.file.ends(inOrder)
	m.a.let(t)
	m.a.let(t)
	for c, target := range map[*caller]string{m.away: "/wait", m.bodied: "/bodied"} {
		c.hearTarget("GET", target)
		c.ends(inOrder)
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for range 3 {
		if e := m.s.hears(); !e.whole {
			t.Errorf("told %+v", e)
		}
	}
}

func TestNobodyIsLetInDuringShutdown(t *testing.T) {
	m := newManyWays(t)
	ended := make(chan error)
	go func() { ended <- m.s.Shutdown(context.Background()) }()
	m.idle.ends(inOrder)
	eventually(t, "a connection is refused", func() bool {
		conn, err := net.Dial("tcp", m.s.addr)
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, unix.ECONNREFUSED)
	})
	m.a.let(t)
	m.a.let(t)
	m.mem.hearTarget("GET", "/mem/"+largest)
	m.file.hearTarget("GET", "/file/"+largest)
	m.partial.vanish()
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestShutdownThatIsOutOfTimeLetsTheRestGoOn(t *testing.T) {
	m := newManyWays(t)
	limit, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	if err := m.s.Shutdown(limit); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if got := m.s.Connections(); got != 5 {
		t.Errorf("%d connections are left; want 5", got)
	}
	m.mem.hearTarget("GET", "/mem/"+largest)
	m.a.let(t)
	m.a.let(t)
	m.away.hearTarget("GET", "/wait")
	m.bodied.hearTarget("GET", "/bodied")
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	m := newManyWays(t)
	if err := m.s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if n := m.s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	for _, c := range []*caller{m.silent, m.idle, m.partial, m.mem, m.file} {
		if rest, how := c.end(); how != byReset || len(rest) >= len(plenty()) {
			t.Errorf("a connection ended %s after %d bytes", how, len(rest))
		}
	}
	m.away.end()
	m.bodied.end()
	await(t, "the request that was away is cancelled", m.a.cancelled)
	await(t, "the request with a body is cancelled", m.a.cancelled)
	for range 2 {
		if e := m.s.hears(); e.whole {
			t.Errorf("told %+v", e)
		}
	}
}

func TestServerMayBeEndedManyTimesAtOnce(t *testing.T) {
	for range 20 {
		m := newManyWays(t)
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				end := m.s.Close
				if n%2 == 0 {
					end = func() error { return m.s.Shutdown(context.Background()) }
				}
				if err := end(); err != nil && !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestServerThatWasEndedDoesNotServe(t *testing.T) {
	before := countLeftovers(t)
	for _, end := range []func(*Server) error{(*Server).Close, func(s *Server) error { return s.Shutdown(context.Background()) }} {
		s := New(Config{Handler: http.NotFoundHandler()})
		for range 2 {
			if err := end(s); err != nil {
				t.Error(err)
			}
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(ln); err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			t.Error("the listener is open")
		}
	}
	before.still(t)
}

func TestServingAndEndingMayRace(t *testing.T) {
	before := countLeftovers(t)
	for n := range 100 {
		s := New(Config{Handler: http.NotFoundHandler(), Loops: 2})
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- s.Serve(ln) }()
		time.Sleep(time.Duration(n) * 10 * time.Microsecond)
		_ = s.Close()
		if err := <-ended; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	}
	before.still(t)
}

func TestOnlyTCPIsServed(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	if err := New(Config{Handler: http.NotFoundHandler()}).Serve(ln); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	if _, err := ln.Accept(); err == nil {
		t.Error("the listener is open")
	}
}

// Whatever is asked of a loop that has ended must not reach the descriptors that
// have its numbers by then.
func TestLoopThatHasEndedTouchesNothing(t *testing.T) {
	s := newStage(t)
	paused := make(chan struct{})
	s.loops[0].Post(func() {
		s.loops[0].accepts.pause()
		close(paused)
	})
	await(t, "the pause", paused)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	_ = unix.SetNonblock(pipe[0], true)
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	for _, l := range s.loops {
		if l.poll.Bell() == pipe[0] || l.poll.Bell() == pipe[1] {
			continue
		}
		if err := unix.Dup2(pipe[1], l.poll.Bell()); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(l.poll.Bell())
	}
	time.Sleep(2 * pauseFor)
	_ = s.Shutdown(context.Background())
	if n, err := unix.Read(pipe[0], make([]byte, 100)); err != unix.EAGAIN {
		t.Errorf("%d bytes were written into another's descriptor, %v", n, err)
	}
}

// A server that gets only some of the descriptors it needs gives them back.
func TestServerThatCanNotStartLeavesNothing(t *testing.T) {
	before := countLeftovers(t)
	failed := 0
	for descriptors := uint64(1); ; descriptors++ {
		var opened, closed atomic.Int64
		s := New(Config{Handler: http.NotFoundHandler(), Loops: 3, Quick: func(*Loop) Quick {
			opened.Add(1)
			return &scripted{close: func() { closed.Add(1) }}
		}})
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		limited(t, descriptors, func() {
			go func() { ended <- s.Serve(ln) }()
			eventually(t, "it runs, or not", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.started || len(ended) > 0
			})
		})
		_ = s.Close()
		err = <-ended
		if opened.Load() != closed.Load() {
			t.Errorf("%v: of %d quick ones %d were closed", err, opened.Load(), closed.Load())
		}
		if before.still(t); t.Failed() || err == http.ErrServerClosed {
			break
		}
		failed++
	}
	if failed < 7 { // a descriptor for the listener, two a loop
		t.Errorf("it failed only %d times", failed)
	}
}

// limited lets f have descriptors below a number only.
func limited(t *testing.T, below uint64, f func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	less := limit
	less.Cur = below
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &less); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	f()
}

// A handler that reads a body is as much in flight as another.
func TestCloseReturnsWhenNoHandlerIsLeft(t *testing.T) {
	var running atomic.Int64
	came := make(chan struct{}, 10)
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			running.Add(1)
			defer running.Add(-1)
			came <- struct{}{}
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			time.Sleep(short)
		})
	})
	for _, text := range []string{ask("GET", "/x"), ask("POST", "/x", "Content-Length: 1") + "x", ask("POST", "/x", "Content-Length: 2") + "x"} {
		call(t, s.addr).say(text)
		await(t, "the request", came)
	}
	_ = s.Close()
	if n := running.Load(); n > 0 {
		t.Errorf("%d handlers are running", n)
	}
}

// A test's FailNow, for one, ends a handler so.
func TestHandlerThatEndsItsGoroutineResetsTheConnection(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello")
			runtime.Goexit()
		})
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/x"))
	c.ends(byReset)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
