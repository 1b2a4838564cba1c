package proxy

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// What an edge sends behind an answer never passes for the next one, if it came
// before the loop was told of its request: however late that is.
func TestConnectionsAreReusedClean(t *testing.T) {
	var conns []net.Conn
	e := script(t, func(c net.Conn, _ string) {
		conns = append(conns, c)
		send(c, plainOK("well"))
	})
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	for _, poison := range []string{plainOK("poisoned"), "x", ""} {
		v := s.dial()
		v.ask(http.MethodGet, "/1")
		s.seenWell(v)
		s.settle()
		if _, idle := s.under(); idle != 1 {
			t.Fatalf("%d idle connections", idle)
		}
		thaw := s.freeze()
		v.ask(http.MethodGet, "/2") // the loop hears of this first
		if c := conns[len(conns)-1]; poison == "" {
			_ = c.Close()
		} else {
			send(c, poison)
		}
		thaw()
		s.seenWell(v)
		if _, moves, failed, _, _ := s.counted(); len(moves)+len(failed) != 0 {
			t.Fatalf("%q: takeovers %v, evidence %v", poison, moves, failed)
		}
	}
}

// Neither does what lies right behind a body that took two reads, were it one byte.
func TestAConnectionWithMoreThanItsAnswerIsNotKept(t *testing.T) {
	body := strings.Repeat("b", spliceRead+1000)
	for _, behind := range []string{"", "x", plainOK("poisoned")} {
		e := script(t, func(c net.Conn, _ string) { send(c, plainOK(body)+behind) })
		s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
		v := s.dial()
		for range 2 {
			v.ask(http.MethodGet, "/1")
			if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
				t.Fatalf("%q: %.300s", behind, g.text())
			}
			s.settle()
			if _, idle := s.under(); (idle == 1) != (behind == "") {
				t.Fatalf("%q: %d idle connections", behind, idle)
			}
		}
	}
}

func (s *spliceStage) seenWell(v *viewer) {
	s.t.Helper()
	if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte("well")) != nil {
		s.t.Fatal(g.text())
	}
}

// As many connections are kept as were busy at once, and they serve the next ones.
func TestAsManyConnectionsAreKeptAsWereBusy(t *testing.T) {
	const viewers = 100
	var asked sync.WaitGroup
	wave := func() { asked.Add(viewers) }
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	e := script(t, func(c net.Conn, _ string) {
		mu.Lock()
		conns[c] = true
		mu.Unlock()
		asked.Done()
		asked.Wait() // all are busy at once
		send(c, plainOK("well"))
	})
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	var all []*viewer
	for range viewers {
		all = append(all, s.dial())
	}
	for range 2 {
		wave()
		for _, v := range all {
			v.ask(http.MethodGet, "/1")
		}
		for _, v := range all {
			s.seenWell(v)
		}
		s.settle()
		if _, idle := s.under(); idle != viewers || len(conns) != viewers {
			t.Fatalf("%d connections were opened, %d are kept", len(conns), idle)
		}
	}
}

// A descriptor is closed once: the second time it would be somebody else's.
func TestRefusedConnectionsAreClosedOnce(t *testing.T) {
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	s := openSplices(t, spliceOptions{edges: []upstream.Target{nobody(t, "edge-1"), e.target("edge-2")}})
	over := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { // somebody else
		for {
			select {
			case <-over:
				return
			default:
			}
			var ends [2]int
			if err := unix.Pipe(ends[:]); err != nil {
				t.Error(err)
				return
			}
			for _, fd := range ends {
				if err := unix.Close(fd); err != nil {
					t.Errorf("closed by another: %v", err)
				}
			}
		}
	})
	v := s.dial()
	for range 100 {
		v.ask(http.MethodGet, "/1")
		s.seenWell(v)
	}
	close(over)
	others.Wait()
}

// An edge that speaks, or hangs up, as soon as it is connected is heard, also when
// the loop is told of that together with the connection.
func TestEdgesThatSpeakFirst(t *testing.T) {
	for _, greeting := range []string{plainOK("well"), "SSH-2.0-nothing\r\n", ""} {
		spoken := make(chan struct{})
		first := scriptGreeting(t, func(c net.Conn) {
			if greeting == "" {
				_ = c.(*net.TCPConn).CloseWrite()
			} else {
				send(c, greeting)
			}
			close(spoken)
		}, func(net.Conn, string) {})
		e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
		s := openSplices(t, spliceOptions{edges: []upstream.Target{first.target("edge-1"), e.target("edge-2")}})
		n := s.all()[0]
		v := s.dial()
		s.settle()
		thaw := s.freeze()
		v.ask(http.MethodGet, "/1")
		n.loop.Post(func() { <-spoken }) // runs when the request has been dispatched
		thaw()
		s.seenWell(v)
		_, moves, _, _, _ := s.counted()
		if heard := greeting == plainOK("well"); heard != (len(moves) == 0) {
			t.Fatalf("%q: takeovers %+v", greeting, moves)
		}
	}
}

// A connection that ends while it is idle is let go at once; one that ends as it is
// used again is no evidence against its edge, which is asked once more.
func TestConnectionsThatEndIdle(t *testing.T) {
	var asked sync.Map // by connection
	var reset atomic.Bool
	e := script(t, func(c net.Conn, _ string) {
		if _, again := asked.LoadOrStore(c, true); !again {
			send(c, plainOK("well"))
			return
		}
		if reset.Load() {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
	})
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	v := s.dial()
	for range 2 {
		for range 3 { // the second request on each connection is the one that ends it
			v.ask(http.MethodGet, "/1")
			s.seenWell(v)
			v.ask(http.MethodGet, "/1")
			s.seenWell(v)
		}
		reset.Store(true)
	}
	e.hangUp()
	s.eventually("what ended is let go", func() bool { _, idle := s.under(); return idle == 0 })
	s.over(12)
	if _, moves, failed, _, _ := s.counted(); len(moves)+len(failed) != 0 {
		t.Fatalf("takeovers %+v, evidence %v", moves, failed)
	}
}

// After an edge was declared dead no connection from before is used.
func TestConnectionsOfAnotherGeneration(t *testing.T) {
	goOn := make(chan struct{}, 1)
	e := script(t, func(c net.Conn, ask string) {
		text := plainOK("well")
		send(c, text[:len(text)-2])
		await(t, goOn)
		send(c, text[len(text)-2:])
	})
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	connections := func() (n int) { e.locked(func() { n = len(e.conns) }); return n }
	v := s.dial()
	get := func(during func()) {
		v.ask(http.MethodGet, "/1")
		s.has(2)
		during()
		goOn <- struct{}{}
		s.seenWell(v)
	}
	get(func() {})
	get(func() {})
	if n := connections(); n != 1 {
		t.Fatalf("%d connections for two requests", n)
	}
	get(func() { s.c.Drop("edge-1") })
	get(func() {})
	if n := connections(); n != 2 {
		t.Fatalf("%d connections after one drop", n)
	}
	s.settle()
	s.c.Drop("edge-1")
	get(func() {})
	if n := connections(); n != 3 {
		t.Fatalf("%d connections after two drops", n)
	}
	s.eventually("those from before are closed", func() bool { return e.connected() == 1 })
	s.on(s.all()[0], func() { s.all()[0].Tick(time.Now().Add(2 * upstream.IdleLimit)) })
	s.eventually("so is what is idle for long", func() bool { return e.connected() == 0 })
}

// What is idle does not outlive its edge.
func TestWhatIsIdleEndsWithItsEdge(t *testing.T) {
	e := script(t, func(net.Conn, string) {})
	c := New(Config{IdlePerEdge: 2}, Deps{})
	u, err := c.dialer.Dial(t.Context(), e.target("edge-1"), false)
	if err != nil {
		t.Fatal(err)
	}
	if c.pool.Put(u, time.Now()); c.pool.Size() != 1 {
		t.Fatal("it was not kept")
	}
	if c.Drop("edge-1"); c.pool.Size() != 0 {
		t.Error("what was idle outlives its edge")
	}
}

// A balancer that ends while responses stand everywhere leaves nothing.
func TestLoopsThatEndInTheMiddle(t *testing.T) {
	body := pattern(4 * bigSize)
	e := script(t, func(c net.Conn, ask string) {
		at, _ := h1.Number(targetOf(ask)[1:])
		send(c, objectFor(ask, body)[:at])
	})
	for range 3 {
		s := openSplices(t, spliceOptions{loops: 2, edges: []upstream.Target{e.target("edge-1")}})
		for _, at := range []int{0, 1, 120, 100_000, 4 * bigSize} { // the last is not read
			for range 4 {
				v := s.dial()
				_ = v.SetReadBuffer(32 << 10)
				v.ask(http.MethodGet, "/"+number(int64(at)))
			}
		}
		s.eventually("all are asked for", func() bool { return s.ways.Quick.Load() == 20 })
		over := make(chan struct{})
		go func() { s.stop(); close(over) }()
		for ended := false; !ended; {
			select {
			case <-over:
				ended = true
			case <-time.After(time.Millisecond):
				e.hangUp() // what responses wait for: they look when something happens
			}
		}
	}
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	s.eventually("the edge is let go", func() bool { return e.connected() == 0 })
}
