package proxy

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// farewells are the ways to go: with a reset, or in order.
var farewells = map[string]func(v *viewer){
	"reset": func(v *viewer) { _ = v.SetLinger(0); _ = v.Close() },
	"close": func(v *viewer) { _ = v.Close() },
	"half":  func(v *viewer) { _ = v.CloseWrite() },
}

// A viewer that goes while its edge is silent, before the head or in the body, is let go
// when it has said so: by a reset, or by one when something is sent to it. One that only
// sends no more gets all of it, from the other edge. Each response is counted once, and
// nothing is kept.
func TestViewersThatGoWhileTheEdgeIsSilent(t *testing.T) {
	body := pattern(200_000)
	for how, leave := range farewells {
		for _, at := range []int{0, 1, 2000, 100_000} {
			s, first := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)[:at]) })
			v := s.dial()
			v.ask(http.MethodGet, "/1")
			head := len(objectFor("", body)) - len(body)
			if at == 1 {
				s.eventually("it is left", func() (ok bool) { s.locked(func() { ok = s.left == 1 }); return ok })
			} else {
				s.has(int64(max(at-head, -1)))
			}
			leave(v)
			s.settle()
			switch {
			case at == 1:
				first.hangUp() // a response looks then
			case how != "reset":
				s.after(patient.Silence)
			}
			s.over(1)
			s.eventually("the edge is let go", func() bool { return first.connected() == 0 })
			served, moves, _, _, broken := s.counted()
			sent := served[0].sent
			right := sent <= int64(max(at-head, 0)) && len(moves) == 0
			switch how {
			case "close": // the other edge may have begun
				right = sent < int64(len(body)) && len(moves) <= 1
			case "half":
				right = sent == int64(len(body)) && len(moves) == 1
			}
			if len(served) != 1 || broken != 0 || !right {
				t.Errorf("%s at %d: counted %v, %d broken, takeovers %+v", how, at, served, broken, moves)
			}
			s.stop()
		}
	}
}

// One that goes while bytes for it lie in a pipe takes them along.
func TestViewersThatGoWithBytesOnTheirWay(t *testing.T) {
	body := pattern(4 * bigSize)
	for how, leave := range farewells {
		s, first := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
		v := s.dial()
		_ = v.SetReadBuffer(64 << 10)
		v.ask(http.MethodGet, "/1")
		n := s.all()[0]
		s.eventually("the viewer is waited for", func() (ok bool) {
			s.on(n, func() { ok = len(n.spare) == 0 && n.waiting.first == nil })
			return ok
		})
		if how == "half" { // it only asks no more
			leave(v)
			if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
				t.Fatalf("half-closed: %.200s", g.text())
			}
			continue
		}
		_, _ = v.in.Peek(1) // some are unread: to close resets
		leave(v)
		s.over(1)
		s.eventually("the edge is let go", func() bool { return first.connected() == 0 })
		served, _, failed, left, broken := s.counted()
		if len(served) != 1 || broken+left+len(failed) != 0 || served[0].sent <= 0 || served[0].sent >= int64(len(body)) {
			t.Fatalf("%s: counted %v, %d broken, %d left, evidence %v", how, served, broken, left, failed)
		}
		s.stop()
	}
}

// Requests that come together are answered in their order, each whole; what comes
// behind them that is no request ends the connection, after the answers.
func TestViewersThatAskAhead(t *testing.T) {
	bodies := map[string]string{"/1": pattern(100_000), "/2": "", "/3": pattern(7), "/4": pattern(300_000), "/5": pattern(spliceRead)}
	for _, behind := range []string{"", "garbage\r\n\r\n", "GET /1 HTTP/1.1\r\n", "\x00"} {
		s, _ := pair(t, Config{}, "", func(c net.Conn, ask string) { send(c, objectFor(ask, bodies[targetOf(ask)])) })
		v := s.dial()
		text := ""
		for round := range 40 { // more than a loop does in one go
			text += "GET /" + number(int64(round%5+1)) + " HTTP/1.1\r\nHost: lb\r\n\r\n"
		}
		send(v, text+behind)
		_ = v.CloseWrite()
		for round := range 40 {
			if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(bodies["/"+number(int64(round%5+1))])) != nil {
				t.Fatalf("%q: answer %d: %.300s", behind, round, g.text())
			}
		}
		g := v.read(http.MethodGet)
		if bad := strings.HasPrefix(behind, "garbage") || behind == "\x00"; bad != (g.status == http.StatusBadRequest) {
			t.Fatalf("behind %q: %.300s", behind, g.text())
		}
		if served, _, _, left, _ := s.counted(); len(served) != 40 || left != 0 {
			t.Fatalf("%q: counted %d, %d left", behind, len(served), left)
		}
	}
}

// A thousand broken exchanges leave no descriptor and no goroutine.
func TestNothingIsLeftOfViewersAndEdgesThatGo(t *testing.T) {
	body := pattern(600_000)
	first := script(t, func(c net.Conn, ask string) {
		at, _ := h1.Number(targetOf(ask)[1:])
		send(c, objectFor(ask, body)[:at])
		_ = c.Close()
	})
	second := script(t, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	dead := nobody(t, "edge-1")
	round := func() {
		for _, edge := range []upstream.Target{first.target("edge-1"), dead} {
			s := openSplices(t, spliceOptions{edges: []upstream.Target{edge, second.target("edge-2")}})
			for _, at := range []int64{0, 1, 500, 100_000, 400_000} {
				for _, read := range []int64{0, 1, 200_000, -1} {
					v := s.dial()
					v.ask(http.MethodGet, "/"+number(at))
					if read < 0 {
						if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
							t.Fatalf("broken at %d: %.300s", at, g.text())
						}
					}
					_, _ = io.CopyN(io.Discard, v, read)
					farewells["reset"](v)
				}
			}
			s.over(20)
			s.stop()
		}
		first.hangUp()
		second.hangUp()
	}
	round()
	goroutines, fds := resources(t)
	for range 5 {
		round()
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		g, f := resources(t)
		if g <= goroutines && f <= fds {
			return
		}
		if time.Now().After(deadline) {
			var all bytes.Buffer
			stacks := make([]byte, 1<<20)
			all.Write(stacks[:runtime.Stack(stacks, true)])
			t.Fatalf("goroutines %d -> %d, descriptors %d -> %d\n%s", goroutines, g, fds, f, all.String())
		}
	}
}

func resources(t *testing.T) (goroutines, fds int) {
	runtime.GC() // of pipes that Go keeps for splices
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return runtime.NumGoroutine(), len(dir)
}

// Without descriptors for pipes bodies pass through memory.
func TestBodiesWithoutPipes(t *testing.T) {
	body := pattern(bigSize)
	s, _ := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	v := s.dial()
	v.ask(http.MethodGet, "/1")
	v.read(http.MethodGet)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	s.on(s.all()[0], func() {
		for _, p := range s.all()[0].pipes {
			p.Close()
		}
		s.all()[0].pipes = nil
	})
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	v.ask(http.MethodGet, "/1")
	g := v.read(http.MethodGet)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if g.check(http.StatusOK, []byte(body)) != nil {
		t.Fatalf("%.300s", g.text())
	}
}
