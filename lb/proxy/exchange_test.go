package proxy

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// A connection is kept after an answer that was read to its end, and promised more.
func TestConnectionsAreKeptAfterWholeAnswers(t *testing.T) {
	e := script(t, func(net.Conn, string) {})
	c := New(Config{}, Deps{})
	whole, part := (&h1.Response{Status: 200}).Body(http.MethodGet), (&h1.Response{Status: 200, Length: 5}).Body(http.MethodGet)
	for what, row := range map[string]struct {
		kept bool
		x    exchange
	}{
		"whole":        {true, exchange{body: whole}},
		"told to end":  {false, exchange{body: whole, closes: true}},
		"not all read": {false, exchange{body: part}},
	} {
		u, err := c.dialer.Dial(t.Context(), e.target("edge-1"), false)
		if err != nil {
			t.Fatal(err)
		}
		row.x.conn = u
		row.x.done(c.latency, c.pool, time.Now())
		if kept := c.pool.Size() == 1; kept != row.kept || row.x.conn != nil {
			t.Errorf("%s: kept is %v", what, kept)
		}
		c.pool.Sweep(func(*upstream.Conn) bool { return true })
	}
}

// What comes behind an answer can't be trusted, nor what follows it: the connection is
// not used again, on a loop nor in a goroutine.
func TestNothingIsAskedBehindTooMuch(t *testing.T) {
	for _, without := range []bool{false, true} {
		for text, want := range map[string]int{plainOK("well"): 1, plainOK("well") + "x": 2} {
			e := script(t, func(c net.Conn, _ string) { send(c, text) })
			s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}, without: without})
			v, n := s.dial(), 0
			for range 2 {
				v.ask(http.MethodGet, "/1")
				s.seenWell(v)
			}
			if e.locked(func() { n = len(e.conns) }); n != want {
				t.Errorf("without splices %v: %d connections for %q", without, n, text)
			}
		}
	}
}

// A kept connection that breaks in the middle of a head is evidence, one that breaks
// before it is none.
func TestHalfAHeadOnAKeptConnectionIsEvidence(t *testing.T) {
	for _, without := range []bool{false, true} {
		for half, want := range map[int]int{0: 0, 30: 1} {
			var asked atomic.Int32
			first := script(t, func(c net.Conn, _ string) {
				if asked.Add(1) == 2 {
					send(c, plainOK("well")[:half])
					_ = c.Close()
					return
				}
				send(c, plainOK("well"))
			})
			second := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
			s := openSplices(t, spliceOptions{edges: []upstream.Target{first.target("edge-1"), second.target("edge-2")}, without: without})
			v := s.dial()
			for range 2 {
				v.ask(http.MethodGet, "/1")
				s.seenWell(v)
			}
			s.over(2)
			if _, moves, failed, _, _ := s.counted(); len(moves) != want || len(failed) != want {
				t.Errorf("without splices %v, %d bytes: takeovers %+v, evidence %v", without, half, moves, failed)
			}
		}
	}
}

// The rest of an answer is that of the same version, at the very next byte, to the same
// end; without a strong validator it is the same answer again.
func TestWhoMayGoOn(t *testing.T) {
	const tag, ranged = "Etag: \"a\"\r\n", "HTTP/1.1 206 Partial Content\r\nContent-Length: 60\r\n"
	head := func(text string) *answer {
		h, _, err := takeHead([]byte(text + "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	whole := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"
	for _, row := range []struct {
		begun, next string
		err         error
	}{
		{whole + tag, ranged + tag + "Content-Range: bytes 40-99/100\r\n", nil},
		{whole + tag, ranged + "Etag: \"b\"\r\nContent-Range: bytes 40-99/100\r\n", errVersion},
		{whole + tag, ranged + tag + "Content-Range: bytes 41-100/101\r\n", errLength},
		{whole + tag, ranged + tag + "Content-Range: bytes 40-99/101\r\n", errLength},
		{whole + tag, "HTTP/1.1 206 Partial Content\r\nContent-Length: 61\r\n" + tag + "Content-Range: bytes 39-99/100\r\n", errLength},
		{whole + tag, ranged + tag, errVersion},
		{whole + tag, whole + tag, nil},
		{whole + tag, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n" + tag, errLength},
		{whole + tag, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n", errStatus},
		{whole, whole, nil},
		{whole, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n", errLength},
		{ranged + "Content-Range: bytes 0-59/100\r\n", ranged + "Content-Range: bytes 0-59/100\r\n", nil},
		{ranged + "Content-Range: bytes 0-59/100\r\n", ranged + "Content-Range: bytes 1-60/100\r\n", errVersion},
		{whole, ranged + "Content-Range: bytes 0-59/100\r\n", errStatus},
	} {
		k := &response{c: New(Config{}, Deps{}), r: &http.Request{Method: http.MethodGet}, w: recorder{http.Header{}}}
		begun := &attempt{head: head(row.begun)}
		begun.body = begun.head.Body(http.MethodGet)
		k.begin(begun)
		k.sent = 40
		if err := k.accept(&attempt{head: head(row.next)}); err != row.err {
			t.Errorf("%q after %q: %v", row.next, row.begun, err)
		}
	}
}
