package proxy

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

func buffered(text string) *upstream { return &upstream{buf: []byte(text), w: len(text)} }

// The parser of heads is strict, and says so for each of these.
func TestHeadsThatAreGarbage(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.0 200 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "\x16\x03\x01\x00", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
		"HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA : c\r\n\r\n", "HTTP/1.1 200 OK\r\n: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", maxHead),
	} {
		if h, err := takeHead(buffered(text)); err == nil {
			t.Errorf("%.60q: %+v", text, h)
		}
	}
	whole := "HTTP/1.1 206 Partial Content\r\nEtag: \"a\"\r\nVia: x\r\nvia: y\r\ncontent-length:  7 \r\n\r\n"
	for i := range len(whole) - 1 {
		if h, err := takeHead(buffered(whole[:i])); h != nil || err != nil {
			t.Fatalf("%q: %+v, %v", whole[:i], h, err)
		}
	}
	h, err := takeHead(buffered(whole + "rest"))
	if err != nil || h.status != 206 || h.length != 7 || h.etag() != `"a"` || len(h.header["Via"]) != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
}

// unchunk feeds the parser step bytes at a time.
func unchunk(text []byte, step int) (out []byte, left int, ended bool, err error) {
	u := &upstream{buf: bytes.Clone(text)}
	f := newBodyFrame(&answerHead{status: 200, chunked: true, length: -1}, http.MethodGet)
	for {
		b, err := f.next(u)
		out = append(out, b...)
		u.use(len(b))
		if len(b) > 0 {
			f.used(int64(len(b)))
			continue
		}
		if f.ended || err != nil || u.w == len(text) {
			return out, len(text) - u.r, f.ended, err
		}
		u.w = min(u.w+step, len(text))
	}
}

// Chunks are found however they are cut, and nothing behind them is taken.
func TestChunks(t *testing.T) {
	text := []byte("5\r\nhello\r\n00a;x=y\r\n, chunked \r\n6 \r\nworld!\r\n0\r\nTrailer: 1\r\n\r\nHTTP")
	for step := 1; step <= len(text); step++ {
		out, left, ended, err := unchunk(text, step)
		if err != nil || !ended || string(out) != "hello, chunked world!" || left > step+3 {
			t.Fatalf("step %d: %q, %d left, %v, %v", step, out, left, ended, err)
		}
	}
	for _, bad := range []string{"5\r\nhelloX\r\n", "x\r\n", "\r\n", "+5\r\nhello\r\n", "5\nhello", "-1\r\n", "fffffffffffffffff\r\n", "0x5\r\n", "1_0\r\n", strings.Repeat("0", 5000)} {
		if out, _, _, err := unchunk([]byte(bad), 1); err == nil {
			t.Errorf("%.20q: %q", bad, out)
		}
	}
}

// However bytes arrive, the parsers neither panic nor depend on how.
func FuzzUpstream(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := takeHead(buffered(string(b))); h != nil && err == nil && (h.status < 100 || h.status > 599) {
			t.Fatalf("status %d", h.status)
		}
		whole, _, ended, err := unchunk(b, max(len(b), 1))
		parts, _, endedToo, errToo := unchunk(b, 1)
		if ended != endedToo || (err == nil) != (errToo == nil) || err == nil && !bytes.Equal(whole, parts) {
			t.Fatalf("%q %v %v, in parts %q %v %v", whole, ended, err, parts, endedToo, errToo)
		}
	})
}

func TestContentRange(t *testing.T) {
	for text, want := range map[string]bytePart{
		"bytes 0-0/1": {0, 0, 1}, "bytes 5-9/10": {5, 9, 10}, "bytes 5-9/*": {5, 9, -1}, "bytes 5-*/*": {5, -1, -1},
	} {
		if got, ok := contentRange(text); !ok || got != want {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "bytes */10", "bytes 5-4/10", "bytes 5-10/10", "bytes 5-9", "byte 5-9/10", "bytes -9/10", "bytes 5-9/1x", "bytes +5-9/10"} {
		if got, ok := contentRange(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// The budget is a tenth of the requests and ten a second, no more.
func TestRetryBudget(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newRetryBudget(now)
	take := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := take(); n != budgetMost {
		t.Fatalf("%d at the start", n)
	}
	now = now.Add(time.Second)
	if n := take(); n != budgetRate {
		t.Fatalf("%d after a second", n)
	}
	for range 101 {
		b.earn()
	}
	if n := take(); n != 10 {
		t.Fatalf("%d after 101 requests", n)
	}
}

// Patience is twice what is usual, within bounds, and soon learnt.
func TestHabits(t *testing.T) {
	const ms = time.Millisecond
	h := newLatencies(&Config{FirstByte: 400 * ms, Silence: 400 * ms, MaxSilence: 10 * time.Second})
	if h.limit("e", nextByte) != 400*ms || h.limit("e", growing) != 1200*ms {
		t.Fatal("not the least")
	}
	h.learn("e", nextByte, 600*ms)
	if got := h.limit("e", nextByte); got != 600*ms {
		t.Fatalf("%s after one silence of 600 ms", got)
	}
	for range 100 {
		h.learn("e", nextByte, ms)
	}
	if got := h.limit("e", nextByte); got != 400*ms {
		t.Fatalf("%s after a hundred quick ones", got)
	}
	for range 9 {
		h.learn("e", firstByte, time.Hour)
	}
	if got := h.limit("e", firstByte); got != 10*time.Second {
		t.Fatalf("%s is more than the most", got)
	}
	h.forget("e")
	if h.limit("e", firstByte) != 400*ms {
		t.Fatal("not forgotten")
	}
}
