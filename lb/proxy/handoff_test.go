package proxy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/lb/proxy/upstream"
)

// leaving is one way in which an edge fails, and who is there to go on.
type leaving struct {
	at      int    // bytes of its answer that it sends; -1: nobody listens
	ends    string // reset or close
	part    bool   // the viewer asked for a range
	partner string // fine, version, dead, third
}

func (l leaving) String() string {
	return fmt.Sprintf("%s@%d part=%v partner=%s", l.ends, l.at, l.part, l.partner)
}

const leftBody = 150_000

// Wherever an edge fails, a splice leaves the response at exactly the byte where it
// stands, to whoever can go on; when nobody can, the viewer sees it.
func TestSplicesLeaveAtAnyByte(t *testing.T) {
	body := pattern(leftBody)
	for _, part := range []bool{false, true} {
		ask := ""
		if part {
			ask = "Range: bytes=1000-140000\r\n"
		}
		text := objectFor(ask, body)
		head := strings.Index(text, "\r\n\r\n") + 4
		for _, at := range []int{-1, 0, 30, head, head + 1, 9000, 60_000, len(text) - 1} {
			for _, ends := range []string{"reset", "close"} {
				for _, partner := range []string{"fine", "version", "dead", "third"} {
					l := leaving{at, ends, part, partner}
					l.run(t, body, text, int64(head))
				}
			}
		}
	}
}

// run is one response; text is the first edge's whole answer.
func (l leaving) run(t *testing.T, body, text string, head int64) {
	t.Helper()
	now := make(chan struct{})
	var asked atomic.Int32
	first := script(t, func(c net.Conn, _ string) {
		if asked.Add(1) == 1 { // asked again it fails at once
			send(c, text[:l.at])
			await(t, now)
			if l.ends == "reset" {
				_ = c.(*net.TCPConn).SetLinger(0)
			}
		}
		_ = c.Close()
	})
	edges := append([]upstream.Target{first.target("edge-1")}, l.others(t, body)...)
	if l.at < 0 {
		edges[0] = nobody(t, "edge-1")
	}
	s := openSplices(t, spliceOptions{edges: edges})
	v := s.dial()
	if l.part {
		v.ask(http.MethodGet, "/1", "Range: bytes=1000-140000")
	} else {
		v.ask(http.MethodGet, "/1")
	}
	if l.at == 30 {
		s.eventually("it is left", func() (ok bool) { s.locked(func() { ok = s.left == 1 }); return ok })
	} else if l.at >= 0 {
		s.has(max(int64(l.at)-head, -1))
	}
	close(now)
	l.race(s, v.read(http.MethodGet), text[head:], int64(l.at)-head)
	s.stop()
}

// others are the edges besides the first.
func (l leaving) others(t *testing.T, body string) []upstream.Target {
	fine := script(t, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	switch l.partner {
	case "fine":
		return []upstream.Target{fine.target("edge-2")}
	case "version":
		other := script(t, func(c net.Conn, ask string) { send(c, versionFor(ask, body[:leftBody-1]+"!", `"v2"`)) })
		return []upstream.Target{other.target("edge-2")}
	case "dead":
		return []upstream.Target{nobody(t, "edge-2")}
	default:
		return []upstream.Target{nobody(t, "edge-2"), fine.target("edge-3")}
	}
}

// judge looks at what the viewer got, and what was noted of it.
func (l leaving) race(s *spliceStage, g got, want string, sent int64) {
	s.t.Helper()
	s.over(1)
	served, moves, failed, left, broken := s.counted()
	begun := sent >= 0
	status, first, phase := http.StatusOK, int64(0), "head"
	if l.part {
		status, first = http.StatusPartialContent, 1000
	}
	if begun {
		phase, first = "body", first+sent
	} else {
		first = 0
	}
	cause := map[string]string{"reset": CauseReset, "close": CauseClosed}[l.ends]
	if l.at < 0 {
		cause = CauseRefused
	}
	finished := l.partner == "fine" || l.partner == "third"
	ok := len(moves) > 0 && moves[0].From == "edge-1" && moves[0].Phase == phase && moves[0].Offset == first && moves[0].Cause == cause && len(failed) > 0 && failed[0] == "edge-1 "+cause && left == 1
	switch {
	case finished:
		ok = ok && g.check(status, []byte(want)) == nil && moves[0].OK && (l.partner == "third") == (moves[0].To == "edge-3") &&
			len(served) == 1 && served[0] == countedAs{status, int64(len(want))} && broken == 0
	case l.partner == "version" && !begun: // whoever begins may
		ok = ok && g.err == nil && g.status == status && len(g.body) == len(want) && moves[0].OK
	case begun:
		ok = ok && g.err != nil && strings.HasPrefix(want, string(g.body)) && !moves[len(moves)-1].OK && len(served) == 0 && broken == 1
	default:
		ok = ok && g.status == http.StatusServiceUnavailable && !moves[len(moves)-1].OK && len(served) == 1 && broken == 0
	}
	if begun && g.status == http.StatusPartialContent && g.header.Get("Content-Range") != "bytes 1000-140000/150000" {
		ok = false
	}
	if !ok {
		s.t.Fatalf("%v: %.400s\ntakeovers %+v, evidence %v, counted %v, %d left, %d broken", l, g.text(), moves, failed, served, left, broken)
	}
}

// HEAD is asked of another edge too, and gets no body from either way.
func TestHeadIsLeft(t *testing.T) {
	body := pattern(100_000)
	head := objectFor("", body)
	head = head[:len(head)-len(body)]
	for _, at := range []int{-1, 0, 30, len(head) - 1, len(head)} {
		first := script(t, func(c net.Conn, _ string) {
			send(c, head[:at])
			_ = c.Close()
		})
		second := script(t, func(c net.Conn, _ string) { send(c, head) })
		edges := []upstream.Target{first.target("edge-1"), second.target("edge-2")}
		if at < 0 {
			edges[0] = nobody(t, "edge-1")
		}
		s := openSplices(t, spliceOptions{edges: edges})
		for range 2 {
			g := s.get(http.MethodHead, "/1")
			if g.check(http.StatusOK, nil) != nil || g.header.Get("Content-Length") != "100000" {
				t.Fatalf("%d: %.300s", at, g.text())
			}
		}
		s.over(2)
		served, moves, _, left, broken := s.counted()
		if fails := at < len(head); fails != (len(moves) == 2) || fails != (left == 2) || served[0] != (countedAs{status: 200}) || broken != 0 {
			t.Fatalf("%d: counted %v, takeovers %+v, %d left, %d broken", at, served, moves, left, broken)
		}
	}
}
