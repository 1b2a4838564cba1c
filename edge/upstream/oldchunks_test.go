package upstream

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An origin that answers by HTTP/1.0 in chunks, in whatever pieces, is read as one
// that may: what nginx and Varnish do. The connection ends with the answer.
func TestChunksOfAnHTTP10OriginAreRead(t *testing.T) {
	const chunks = "5\r\nwhole\r\n6;x=y\r\n, body\r\n0\r\n\r\n"
	var pieces atomic.Value
	url := raw(t, func(c net.Conn, _ string) {
		for i, piece := range pieces.Load().([]string) {
			if i > 0 {
				time.Sleep(2 * time.Millisecond) // most likely a packet of its own
			}
			_, _ = io.WriteString(c, piece)
		}
	})
	x := newUnder(t, nil, of(url))
	for name, row := range map[string]struct {
		pieces []string
		want   string
	}{
		"at once":            {[]string{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, "whole, body"},
		"in pieces":          {[]string{"HTT", "P/1.0 200 OK\r\nServer: x\r\ntransfer-", "encoding:chunked\r", "\n\r", "\n5\r\nwh", "ole\r\n6;x=y\r\n, body\r\n0\r\n\r\n"}, "whole, body"},
		"kept alive":         {[]string{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, "whole, body"},
		"with a length":      {[]string{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, "whole, body"},
		"plain lines":        {[]string{"HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n" + chunks}, "whole, body"},
		"no chunks":          {[]string{"HTTP/1.0 200 OK\r\n\r\n", "5\r\nwhole"}, "5\r\nwhole"},
		"said in the body":   {[]string{"HTTP/1.0 200 OK\r\nX: y\r\n\r\n", "a\nTransfer-Encoding: chunked\n\n"}, "a\nTransfer-Encoding: chunked\n\n"},
		"a longer head":      {[]string{"HTTP/1.0 200 OK\r\nX: " + strings.Repeat("y", maxOldHead) + "\r\n\r\nwhole"}, "whole"},
		"by HTTP/1.1 itself": {[]string{"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, "whole, body"},
	} {
		pieces.Store(row.pieces)
		if status, got, err := x.get("/x"); err != nil || status != 200 || got != row.want {
			t.Errorf("%s: %d %q, %v; want %q", name, status, got, err, row.want)
		}
	}
	pieces.Store([]string{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n"})
	if _, got, err := x.get("/cut"); err == nil {
		t.Errorf("a body without its end passes for a whole one: %q", got)
	}
}

// What is asked next on a connection that an answer of HTTP/1.0 keeps is looked at as
// well.
func TestSecondAnswerOfAnHTTP10Connection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 4096)
		for _, answer := range []string{"Connection: keep-alive\r\nContent-Length: 5\r\n\r\nfirst", "Transfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"} {
			if _, err := c.Read(b); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n"+answer)
		}
		_, _ = c.Read(b)
	}()
	x := newUnder(t, nil, of("http://"+l.Addr().String()))
	x.says("/1", "first")
	x.says("/2", "second")
}

// A line that is no field is not there, wherever it stands: origins' scripts print what
// they like.
func TestALineWithoutAColonIsNoField(t *testing.T) {
	for in, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nA: b\r\n":                          "HTTP/1.1 200 OK\r\nA: b\r\n",
		"HTTP/1.1 200 OK\r\nWarn\r\nA: b\r\n":                  "HTTP/1.1 200 OK\r\nA: b      \r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\nWarn\r\nIng\r\nC: d\r\n":   "HTTP/1.1 200 OK\r\nA: b\r\nC: d           \r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nWarn\r\n":       "HTTP/1.1 200 OK\r\nA: b\r\n folded      \r\n",
		"HTTP/1.1 200 OK\nWarn\nA: b\n":                        "HTTP/1.1 200 OK\nA: b     \n",
		"HTTP/1.1 200 OK\r\nWarn\r\n":                          "HTTP/1.1 200 OK      \r\n",
		"HTTP/1.1 200 OK\r\nWarn\r\nContent-Length : 5, 5\r\n": "HTTP/1.1 200 OK\r\nContent-Length:  5         \r\n",
	} {
		head := []byte(in)
		if tidy(head); string(head) != want {
			t.Errorf("%q\nbecame %q\n  want %q", in, head, want)
		}
	}
	url := raw(t, func(c net.Conn, _ string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n<b>Notice</b>\r\nContent-Length: 5\r\nWarn\r\n\r\nwhole")
	})
	newUnder(t, nil, of(url)).says("/x", "whole")
}

// A length that is said twice and is the same is one; two lengths are an error. White space
// before a colon is none, and so is the coding that is none.
func TestALengthThatIsSaidTwice(t *testing.T) {
	var head atomic.Value
	url := raw(t, func(c net.Conn, _ string) {
		for i, piece := range strings.SplitAfter(head.Load().(string), "|") {
			if i > 0 {
				time.Sleep(2 * time.Millisecond) // most likely a packet of its own
			}
			_, _ = io.WriteString(c, strings.TrimSuffix(piece, "|"))
		}
	})
	x := newUnder(t, nil, of(url))
	for said, good := range map[string]bool{
		"Content-Length: 5, 5\r\n": true, "content-length:5,5 ,\t5\r\n": true, "Content-Le|ngth: 5,| 5\r\n": true, "Content-Length: 5\r\nContent-Length: 5, 5\r\n": true,
		"Content-Length: 5\r\nContent-Length: 5\r\n": true, "X-Content-Length: 4, 4\r\nContent-Length: 5\r\n": true,
		"Content-Length : 5\r\n": true, "Content-Length \t:5,5\r\nX-Y : z\r\n": true, "X:\r\n y: 1\r\nContent-Length: 5\r\n": true,
		"Transfer-Encoding: identity\r\nContent-Length: 5\r\n": true, "transfer-encoding :Identity \r\nContent-Length : 5\r\n": true, "Transfer-Encoding: identity\r\n": true,
		"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n": false, "Content-Length : 5\r\nContent-Length: 6\r\n": false,
		"Content-Length: 5, 6\r\n": false, "Content-Length: 5, 5, 6\r\n": false, "Content-Length: 5, 5\r\nContent-Length: 6\r\n": false, "Content-Length: 5,\r\n": false, "Content-Length: a, a\r\n": false,
	} {
		for _, version := range []string{"1.1", "1.0"} {
			head.Store("HTTP/" + version + " 200 OK\r\n" + said + "\r\nwhole")
			status, got, err := x.get("/x")
			if good && (err != nil || status != 200 || got != "whole") || !good && err == nil {
				t.Errorf("%q by %s: %d %q, %v", said, version, status, got, err)
			}
		}
	}
}
