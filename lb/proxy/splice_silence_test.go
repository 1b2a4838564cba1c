package proxy

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"tandem/lb/proxy/upstream"

	"golang.org/x/sys/unix"
)

// wait is until so many splices wait for an edge.
func (s *spliceStage) wait(n int) {
	s.t.Helper()
	s.eventually("splices wait", func() bool { waiting, _ := s.under(); return waiting == n })
}

// after lets the loops look for silence as if so much time had passed.
func (s *spliceStage) after(d time.Duration) {
	for _, n := range s.all() {
		s.on(n, func() {
			n.Tick(n.loop.Now().Add(d))
			n.glanced = time.Time{}
		})
	}
}

// has is until the only splice has sent so many bytes of the body, -1: not the
// head, and waits for more.
func (s *spliceStage) has(n int64) {
	s.t.Helper()
	s.eventually("the edge is waited for", func() (ok bool) {
		s.on(s.all()[0], func() {
			r := s.all()[0].waiting.first
			ok = r != nil && !r.conn.Opening() && r.begun == (n >= 0) && r.sent == max(n, 0)
		})
		return ok
	})
}

// Silence is found when it has lasted as long as the edge may take, not before,
// and wherever it begins the viewer gets the object.
func TestSilenceIsFoundInTime(t *testing.T) {
	body := pattern(100_000)
	head := len(objectFor("", body)) - len(body)
	for _, at := range []int{0, head, head + 1, 9_000, 50_000, head + len(body) - 1} {
		s, _ := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)[:at]) })
		v := s.dial()
		v.ask(http.MethodGet, "/1")
		s.has(int64(max(at-head, -1)))
		s.after(patient.Silence - time.Second)
		if waiting, _ := s.under(); waiting != 1 {
			t.Fatalf("silent at %d: given up too early", at)
		}
		s.after(patient.Silence)
		if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
			t.Fatalf("silent at %d: %.200s", at, g.text())
		}
		s.over(1)
		phase := "body"
		if at < head {
			phase = "head"
		}
		served, moves, failed, left, _ := s.counted()
		if len(moves) != 1 || moves[0].Phase != phase || moves[0].Offset != int64(max(at-head, 0)) || moves[0].Cause != CauseStalled || !moves[0].OK ||
			len(failed) != 1 || served[0] != (countedAs{200, int64(len(body))}) || left != 1 {
			t.Fatalf("silent at %d: takeovers %+v, evidence %v, counted %v", at, moves, failed, served)
		}
	}
}

// A loop that was late itself does not take that for the edge's silence.
func TestLateLoopsAccuseNobody(t *testing.T) {
	body := pattern(100_000)
	next := make(chan string, 1)
	s, _ := pair(t, Config{}, body, func(c net.Conn, _ string) {
		for range 3 {
			send(c, <-next)
		}
	})
	text := plainOK(body)
	v := s.dial()
	v.ask(http.MethodGet, "/1")
	s.wait(1)
	n := s.all()[0]
	for _, part := range []string{text[:4000], text[4000:80_000], text[80_000:]} {
		s.on(n, func() { // before the loop can hear of it
			next <- part
			for conn := n.waiting.first.conn; !conn.Unread(); {
			}
			n.Tick(n.loop.Now().Add(time.Hour))
			n.glanced = time.Time{}
		})
	}
	if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
		t.Fatal(g.text())
	}
	if _, moves, failed, left, _ := s.counted(); len(moves)+len(failed)+left != 0 {
		t.Fatalf("takeovers %+v, evidence %v, %d responses", moves, failed, left)
	}
}

// The same while it connects.
func TestLateLoopsAccuseNobodyOfNotConnecting(t *testing.T) {
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	n := s.all()[0]
	v := s.dial()
	s.settle()
	thaw := s.freeze()
	v.ask(http.MethodGet, "/1")
	n.loop.Post(func() { // the request has been dispatched, the connection not heard of
		if r := n.waiting.first; r == nil || !r.conn.Opening() {
			t.Error("it does not connect")
		}
		s.eventually("connected", func() bool { return e.connected() == 1 })
		n.Tick(n.loop.Now().Add(time.Hour))
		n.glanced = time.Time{}
	})
	thaw()
	s.seenWell(v)
	if _, moves, failed, left, _ := s.counted(); len(moves)+len(failed)+left != 0 {
		t.Fatalf("takeovers %+v, evidence %v, %d responses", moves, failed, left)
	}
}

// A viewer that takes no more is no evidence against its edge, however long; and
// when it goes on, and the edge has died meanwhile, the rest comes from another.
func TestViewersThatPauseAccuseNobody(t *testing.T) {
	body := pattern(4 * bigSize)
	for _, dies := range []bool{false, true} {
		s, first := pair(t, Config{}, body, func(c net.Conn, ask string) {
			text := objectFor(ask, body)
			if dies { // with a byte in its hand
				text = text[:len(text)-1]
			}
			send(c, text)
		})
		v := s.dial()
		_ = v.SetReadBuffer(64 << 10)
		v.ask(http.MethodGet, "/1")
		resp, err := http.ReadResponse(v.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		var saw bytes.Buffer
		for pause := range 3 {
			s.eventually("the viewer is waited for", func() (ok bool) {
				s.on(s.all()[0], func() { ok = len(s.all()[0].spare) == 0 && s.all()[0].waiting.first == nil })
				return ok
			})
			s.after(time.Hour)
			if dies && pause == 2 {
				first.hangUp()
			}
			if _, err := io.CopyN(&saw, resp.Body, 300_000); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := saw.ReadFrom(resp.Body); err != nil || saw.String() != body {
			t.Fatalf("%d bytes, %v", saw.Len(), err)
		}
		if _, moves, failed, _, _ := s.counted(); dies == (len(moves) == 0) || !dies && len(failed) != 0 {
			t.Fatalf("dies %v: takeovers %+v, evidence %v", dies, moves, failed)
		}
	}
}

// The last byte ends a response however slowly it came: nobody else is asked.
func TestTheLastByteIsNoTrickle(t *testing.T) {
	body := pattern(20_000)
	last := make(chan struct{})
	s, _ := pair(t, Config{}, body, func(c net.Conn, ask string) {
		text := objectFor(ask, body)
		send(c, text[:len(text)-1])
		await(t, last)
		send(c, text[len(text)-1:])
	})
	v := s.dial()
	v.ask(http.MethodGet, "/1")
	s.wait(1)
	n := s.all()[0]
	s.eventually("one byte is left", func() (ok bool) {
		s.on(n, func() { ok = n.waiting.first != nil && n.waiting.first.body.Left() == 1 })
		return ok
	})
	s.on(n, func() { n.waiting.first.Waited, n.waiting.first.Got = time.Hour, 1 })
	close(last)
	if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
		t.Fatal(g.text())
	}
	s.over(1)
	if _, moves, failed, left, _ := s.counted(); len(moves)+len(failed)+left != 0 {
		t.Fatalf("takeovers %+v, evidence %v, %d responses", moves, failed, left)
	}
}

// A host that does not answer is left after the limit, and its connection closed.
func TestConnectingEndsInTime(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	full := upstream.Target{Edge: "edge-1", Addr: "127.0.0.1:" + number(int64(name.(*unix.SockaddrInet4).Port))}
	filled, err := net.Dial("tcp", full.Addr) // all that it takes
	if err != nil {
		t.Fatal(err)
	}
	defer filled.Close()
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	s := openSplices(t, spliceOptions{edges: []upstream.Target{full, e.target("edge-2")}})
	v, gone := s.dial(), s.dial()
	v.ask(http.MethodGet, "/1")
	gone.ask(http.MethodGet, "/2")
	s.wait(2)
	_ = gone.SetLinger(0)
	_ = gone.Close()
	s.wait(1)
	s.after(patient.Connect - time.Second)
	s.wait(1)
	s.after(patient.Connect)
	s.seenWell(v)
	served, moves, failed, _, _ := s.counted()
	if len(moves) != 1 || moves[0].Cause != CauseStalled || !slices.Equal(failed, []string{"edge-1 stalled"}) || served[0] != (countedAs{}) {
		t.Fatalf("takeovers %+v, evidence %v, counted %v", moves, failed, served)
	}
}

// The list of those who wait is in the order of their waiting, whatever is done.
func TestSpliceListKeepsItsOrder(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	var l spliceList
	var model []*splice
	all := make([]splice, 20)
	now := time.Unix(0, 0)
	for range 20_000 {
		r := &all[rnd.IntN(len(all))]
		model = slices.DeleteFunc(model, func(other *splice) bool { return other == r })
		if rnd.IntN(3) == 0 {
			l.leave(r)
		} else {
			now = now.Add(time.Duration(rnd.IntN(2)))
			l.wait(r, now)
			model = append(model, r)
		}
		var forth, back []*splice
		for r := l.first; r != nil; r = r.after {
			forth = append(forth, r)
		}
		for r := l.last; r != nil; r = r.before {
			back = append(back, r)
		}
		slices.Reverse(back)
		if !slices.Equal(forth, model) || !slices.Equal(back, model) {
			t.Fatalf("seed %d: another order", seed)
		}
	}
}

// blocked tells whether the only splice waits for its viewer.
func (s *spliceStage) blocked() (ok bool) {
	n := s.all()[0]
	s.on(n, func() { ok = n.waiting.first == nil && len(n.spare) == 0 })
	return ok
}

// After a viewer's pause a quarter of the limit is enough for an edge of which
// nothing has come all the while, and not for one that has just sent something.
func TestSilenceAfterAPause(t *testing.T) {
	body := pattern(4 * bigSize)
	for _, dead := range []bool{true, false} {
		cfg := patient
		cfg.Silence = 1200 * time.Millisecond
		more, sent := make(chan struct{}), make(chan int, 1)
		var s *spliceStage
		var r *splice
		answer := func(c net.Conn, ask string) {
			s.on(s.all()[0], func() { r = s.all()[0].waiting.first })
			at, text := 0, objectFor(ask, body)
			for ; at == 0 || !s.blocked(); at += 200_000 {
				send(c, text[at:at+200_000])
				s.settle()
			}
			sent <- at // the viewer takes no more, and this is with the balancer
			await(t, more)
			send(c, text[at:at+10])
		}
		var first *scripted
		s, first = pair(t, cfg, body, answer)
		v := s.dial()
		_ = v.SetReadBuffer(64 << 10)
		v.ask(http.MethodGet, "/1")
		at, n := <-sent, s.all()[0]
		s.eventually("the edge has been silent for long", func() (ok bool) {
			s.on(n, func() { ok = r.conn.Silent() > cfg.Silence })
			return ok
		})
		over := make(chan got)
		go func() { over <- v.read(http.MethodGet) }()
		if !dead {
			close(more)
			at += 10
		}
		s.eventually("all that it has sent is through", func() (ok bool) {
			s.on(n, func() {
				ok = r.conn == nil || n.waiting.first == r && r.sent == int64(at-len(objectFor("", body))+len(body))
			})
			return ok
		})
		s.after(cfg.Silence / 3)
		if waiting, _ := s.under(); dead != (waiting == 0) {
			t.Fatalf("dead %v: %d wait", dead, waiting)
		}
		if dead {
			close(more)
		}
		first.hangUp()
		if g := <-over; g.check(http.StatusOK, []byte(body)) != nil {
			t.Fatalf("dead %v: %.300s", dead, g.text())
		}
	}
}
