package front

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"tandem/internal/front/h2"
	"tandem/internal/front/kernel"
	"tandem/internal/front/turns"
)

// Frames of HTTP/2, RFC 9113 section 6.
const (
	frameData, frameHeaders, frameReset, frameSettings, frameWindow, frameContinuation = 0, 1, 3, 4, 8, 9

	endStream, endHeaders = 1, 4
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:]
	return append(binary.BigEndian.AppendUint32(append(b, kind, flags), stream), payload...)
}

func headers(flags byte, stream uint32, fields ...string) []byte {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true}) // a buffer takes all
	}
	return frame(frameHeaders, flags, stream, block.Bytes())
}

func question(stream uint32, path string, more ...string) []byte {
	return headers(endStream|endHeaders, stream, append([]string{":method", "GET", ":scheme", "https", ":authority", "a.example", ":path", path}, more...)...)
}

// raw2 is a client that may send any frames.
func raw2(t *testing.T, s *stage) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameSettings, 0, 0, nil)...)); err != nil {
		t.Fatal(err)
	}
	return c
}

// next reads a frame.
func nextFrame(c io.Reader) (kind, flags byte, stream uint32, payload []byte, err error) {
	var head [9]byte
	if _, err = io.ReadFull(c, head[:]); err != nil {
		return 0, 0, 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(c, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

// TestWhoSendsFramesThatAskForNothingIsCutOff: net/http's server takes these for ever, and
// one connection took most of a processor.
func TestWhoSendsFramesThatAskForNothingIsCutOff(t *testing.T) {
	open := question(1, "/x")
	open[4] = endStream // its head goes on
	for name, flood := range map[string]struct{ first, again []byte }{
		"settings":            {nil, frame(frameSettings, 0, 0, []byte{0, 3, 0, 0, 0, 100})},
		"resets":              {question(1, "/x"), frame(frameReset, 0, 1, []byte{0, 0, 0, 8})},
		"empty continuations": {open, frame(frameContinuation, 0, 1, nil)},
	} {
		var noisy atomic.Int64
		s, _ := h2Stage(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(_ *stage, c *Config) { c.Noisy = func() { noisy.Add(1) } })
		c := raw2(t, s)
		read := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, c) // until it is cut off
			close(read)
		}()
		many, sent := bytes.Repeat(flood.again, 1000), 0
		_, err := c.Write(flood.first)
		for err == nil && sent < 64<<20 {
			var n int
			n, err = c.Write(many)
			sent += n
		}
		if err == nil {
			t.Fatalf("%s: %d bytes were taken", name, sent)
		}
		<-read
		eventually(t, name+": it has left", func() bool { return s.Connections() == 0 })
		if noisy.Load() != 1 {
			t.Errorf("%s: %d were noisy", name, noisy.Load())
		}
	}
}

// TestWhoOpensWindowsForEachFrameIsNot: they ask for bytes, and get them.
func TestWhoOpensWindowsForEachFrameIsNot(t *testing.T) {
	const size = 4 << 20 // bytes; each frame of 1 KB is answered by two
	piece := make([]byte, 1<<10)
	s, _ := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(piece) {
			_, _ = w.Write(piece)
			w.(http.Flusher).Flush()
		}
	}), func(_ *stage, c *Config) { c.Noisy = func() { t.Error("it is noisy") } })
	c := raw2(t, s)
	noise := bytes.Repeat(frame(0xbe, 0, 0, make([]byte, 16000)), h2.Free*19/20/16000) // nearly all that it has
	if _, err := c.Write(append(noise, question(1, "/x")...)); err != nil {
		t.Fatal(err)
	}
	for got, sent := 0, len(noise); ; {
		kind, flags, stream, payload, err := nextFrame(c)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		if kind != frameData {
			continue
		}
		got += len(payload)
		if flags&endStream != 0 {
			if got != size || sent <= h2.Free {
				t.Errorf("%d bytes; only %d were sent", got, sent)
			}
			return
		}
		for _, of := range []uint32{0, stream} {
			n, err := c.Write(frame(frameWindow, 0, of, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))))
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			sent += n
		}
	}
}

// asker asks one request after the other.
type asker struct {
	t       *testing.T
	conn    *tls.Conn
	stream  uint32
	decoder *hpack.Decoder
}

// status is what the answer to a request on a.stream begins with, and its body.
func (a *asker) status(ask []byte) (status, body string) {
	a.t.Helper()
	if _, err := a.conn.Write(ask); err != nil {
		a.t.Fatal(err)
	}
	for {
		kind, flags, of, payload, err := nextFrame(a.conn)
		if err != nil {
			a.t.Fatal(err)
		}
		if of != a.stream {
			continue
		}
		switch kind {
		case frameHeaders:
			fields, err := a.decoder.DecodeFull(payload)
			if err != nil {
				a.t.Fatal(err)
			}
			status = fields[0].Value
		case frameReset:
			a.stream += 2
			return "reset", ""
		case frameData:
			body += string(payload)
		}
		if flags&endStream != 0 {
			a.stream += 2
			return status, body
		}
	}
}

// TestRequestsOfHTTP2AreAsStrictAsOthers: by targets, hosts, lengths, and how many fields.
func TestRequestsOfHTTP2AreAsStrictAsOthers(t *testing.T) {
	s, _ := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	c := raw2(t, s)
	a := &asker{t: t, conn: c, stream: 1, decoder: hpack.NewDecoder(4096, nil)}
	many := make([]string, 0, 202)
	for range 101 {
		many = append(many, "x", "y")
	}
	for _, row := range []struct {
		more         []string
		want, reason string
	}{
		{nil, "200", ""},
		{[]string{"host", "A.example"}, "200", ""},
		{[]string{"host", "evil.example"}, "400", ":authority"},
		{[]string{"content-length", "0"}, "200", ""},
		{[]string{"content-length", "5"}, "400", "Content-Length"},
		{[]string{"content-length", "+0"}, "400", "Content-Length"},
		{[]string{"content-length", "0", "content-length", "0"}, "400", "Content-Length"},
		{many[:200], "200", ""},
		{many, "431", "too many header fields"},
	} {
		if got, body := a.status(question(a.stream, "/x", row.more...)); got != row.want || !strings.Contains(body, row.reason) {
			t.Errorf("%.60q: %s %q, want %s", row.more, got, body, row.want)
		}
	}
	for target, want := range map[string]string{"/%C3%A9?q={|}&p=%zz": "200", "/\u00e9": "400", "/x?\xff": "400", "/x#y": "400"} {
		if got, body := a.status(headers(endHeaders|endStream, a.stream, ":method", "GET", ":scheme", "https", ":authority", "a.example", ":path", target)); got != want || want == "400" && !strings.Contains(body, "target") {
			t.Errorf("%q: %s %q, want %s", target, got, body, want)
		}
	}
	cookie := strings.Repeat("X", 15_000)
	for i := range h2.Free*5/4/len(cookie) + 1 { // what asks is not for nothing
		if got, _ := a.status(question(a.stream, "/x", "cookie", cookie)); got != "200" {
			t.Fatalf("request %d with a large cookie: %s", i, got)
		}
	}
	posted := headers(endHeaders, a.stream, ":method", "POST", ":scheme", "https", ":authority", "a", ":path", "/x", "content-length", "5")
	if got, body := a.status(append(posted, frame(frameData, endStream, a.stream, []byte("hello"))...)); got != "200" || body != "hello" {
		t.Errorf("a body: %s %q", got, body)
	}
}

// openWindows lets the server send what it likes, and returns when it has nothing to say about
// that any more.
func openWindows(t *testing.T, c *tls.Conn) {
	t.Helper()
	window := binary.BigEndian.AppendUint32(nil, 1<<30)
	if _, err := c.Write(append(frame(frameSettings, 0, 0, append([]byte{0, 4}, window...)), frame(frameWindow, 0, 0, window)...)); err != nil {
		t.Fatal(err)
	}
	for acks := 0; acks < 2; { // of raw2's settings, and of these
		kind, flags, _, _, err := nextFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		if kind == frameSettings && flags&1 != 0 {
			acks++
		}
	}
}

// turnsOf takes so many turns, which are all, for another client, until give.
func turnsOf(of *turns.Turns, most int) (give func()) {
	var all []*turns.Turn
	for range most {
		turn := of.Of(netip.MustParseAddr("192.0.2.1"))
		turn.Take()
		all = append(all, turn)
	}
	return func() {
		for _, turn := range all {
			turn.Give()
			turn.End()
		}
	}
}

// TestHTTP2HasTurns: to begin a request, and to seal and write what is answered; who has to be
// waited for has none.
func TestHTTP2HasTurns(t *testing.T) {
	const size = 8 << 20 // more than sockets hold
	asked, on := make(chan struct{}), make(chan struct{})
	s, _ := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		case <-r.Context().Done():
		}
		select {
		case <-on:
		case <-r.Context().Done():
		}
		_, _ = w.Write(make([]byte, size))
	}))
	c := raw2(t, s)
	openWindows(t, c)
	idle := func() bool {
		n, waits := s.turns.Taken()
		writes, waitWrites := s.writes.Taken()
		return n+waits+writes+waitWrites == 0
	}
	eventually(t, "nobody has a turn", idle)
	give := turnsOf(s.turns, kernel.Processors)
	if _, err := c.Write(question(1, "/x")); err != nil {
		t.Fatal(err)
	}
	waits := func(of *turns.Turns) func() bool {
		return func() bool { _, n := of.Taken(); return n == 1 }
	}
	eventually(t, "it waits for a turn to begin", waits(s.turns))
	select {
	case <-asked:
		t.Fatal("a request has begun without a turn")
	default:
	}
	give()
	<-asked
	give = turnsOf(s.writes, writesAtOnce*kernel.Processors)
	close(on)
	eventually(t, "it waits for a turn to write", waits(s.writes))
	give()
	stuck(t, c.NetConn().(*net.TCPConn))
	none := 0 // looks in a row: what its own socket does not take the server's does, for a while
	eventually(t, "who is waited for has none", func() bool {
		if none++; !idle() {
			none = 0
		}
		return none > 20
	})
	for got := 0; got < size; {
		kind, _, _, payload, err := nextFrame(c)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		if kind == frameData {
			got += len(payload)
		}
	}
}
