package front

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/h1"
	"tandem/internal/h1/h1test"
)

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// probes are what a smuggler sends; what it wants answered is in them, or behind
// them. The rules of heads themselves are in h1test; here are whole requests, with
// their bodies.
var probes = []struct {
	rule   string // of RFC 9112, if not said otherwise
	status int    // of the answer; 0: any, as the last
	text   string
}{
	{"6.1 CL.TE", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"},
	{"6.1 TE.CL", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n24\r\n" + smuggled + "\r\n0\r\n\r\n"},
	{"6.1 TE.TE by case", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n"},
	{"6.1 TE.TE by a wrong one", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc"},
	{"5.1 TE behind a space", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
	{"5.1 TE behind a tab", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
	{"5.2 TE folded", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
	{"5.2 TE behind a fold", 400, "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"2.2 TE behind a bare CR", 400, "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"2.2 TE behind a bare LF", 400, "POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"5.5 of 9110: TE with a vertical tab", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"},
	{"5.5 of 9110: TE with a NUL", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n"},
	{"6.3 TE in quotes", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
	{"6.3 TE not at the end", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
	{"6.1 TE unknown before", 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"},
	{"6.1 TE with an empty member", 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n"},
	{"6.1 TE in 1.0", 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"6.1 TE in 1.0, to be kept", 400, "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
	{"6.3 two lengths", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n"},
	{"6.3 two lengths in one", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 36\r\n\r\n"},
	{"6.3 the same length twice", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\nContent-Length: 36\r\n\r\n"},
	{"8.6 of 9110: length with a plus", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +36\r\n\r\n"},
	{"8.6 of 9110: length with a minus", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
	{"8.6 of 9110: length by another base", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x24\r\n\r\n"},
	{"8.6 of 9110: length with a point", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 36.0\r\n\r\n"},
	{"8.6 of 9110: length with a blank", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 6\r\n\r\n"},
	{"8.6 of 9110: length and a letter", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 36a\r\n\r\n"},
	{"8.6 of 9110: length that overflows", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551652\r\n\r\n"},
	{"8.6 of 9110: length of other digits", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \u0663\u0666\r\n\r\n"},
	{"8.6 of 9110: length of nothing", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"},
	{"5.1 length behind a space", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 36\r\n\r\n"},
	{"5.1 length by another name", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent\x00Length: 36\r\n\r\n"},
	{"3.2 two Hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
	{"3.2 two Hosts that are the same", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
	{"3.2 empty Host", 400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"},
	{"3.2 no Host", 400, "GET / HTTP/1.1\r\n\r\n"},
	{"3.2 Host with a comma and a blank", 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
	{"3.2 Host that is a URL", 400, "GET / HTTP/1.1\r\nHost: http://a/\r\n\r\n"},
	{"3.2 Host with a path", 400, "GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n"},
	{"3.2 Host with user information", 400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
	{"3.2 Host folded", 400, "GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n"},
	{"3.2.2 absolute-form without Host", 400, "GET http://a/ HTTP/1.1\r\n\r\n"},
	{"3.2.2 absolute-form with two", 400, "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
	{"3.2.3 CONNECT", 501, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3.2.4 GET *", 400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 tab in the request line", 400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 two spaces", 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 space at the end", 400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
	{"3 space in the target", 400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 a line's end in the target", 400, "GET /a\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 space at the beginning", 400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"3 no version", 400, "GET /\r\nHost: a\r\n\r\n"},
	{"2.3 small letters", 400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
	{"2.3 no minor version", 400, "GET / HTTP/1\r\nHost: a\r\n\r\n"},
	{"2.3 another protocol", 400, "GET / ICY/1.1\r\nHost: a\r\n\r\n"},
	{"2.3 blanks in the version", 400, "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n"},
	{"2.5 of 9110: HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{"2.5 of 9110: HTTP/3 by name", 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"},
	{"2.2 bare LF everywhere", 400, "GET / HTTP/1.1\nHost: a\n\n"},
	{"2.2 bare CR everywhere", 400, "GET / HTTP/1.1\rHost: a\r\r"},
	{"2.2 the end by LF LF", 400, "GET / HTTP/1.1\r\nHost: a\n\n"},
	{"2.2 blank before the first field", 400, "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"},
	{"5.1 no colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nGET /smuggled HTTP/1.1\r\n\r\n"},
	{"5.1 no name", 400, "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"},
	{"5.1 name in brackets", 400, "GET / HTTP/1.1\r\nHost: a\r\n(X): y\r\n\r\n"},
	{"5.1 name of other letters", 400, "GET / HTTP/1.1\r\nHost: a\r\n\u00c4: y\r\n\r\n"},
	{"5.5 of 9110: escape character", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\r\n\r\n"},
	{"own: 10,000 fields", 431, "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X:\r\n", 10_000) + "\r\n"},
	{"own: a long name", 431, "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X", 64<<10) + ": y\r\n\r\n"},
	{"own: a long target", 414, "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"own: a long method", 501, strings.Repeat("GET", 1000) + " / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"own: TLS", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
	{"own: SSH", 501, "SSH-2.0-" + strings.Repeat("a", 32) + "\r\n"},
	{"own: many empty lines", 400, strings.Repeat("\r\n", 20) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"9.3 1.0 without keep-alive", 0, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"},
	{"9.3 1.0 with keep-alive", 0, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"},
	{"7.1 a chunk that overflows", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
	{"7.1 a chunk whose end is wrong", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n"},
	{"10.1.1 of 9110: another expectation", 417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"},
}

// wary counts the requests for what was smuggled, by every way.
func wary(t *testing.T) (*stage, *atomic.Int64) {
	var got atomic.Int64
	return newStage(t, func(s *stage, c *Config) {
		c.Limits = h1.Limits{Head: 64 << 10, Line: 8 << 10, Fields: 100}
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/smuggled" {
				got.Add(1)
			}
			_, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, r.URL.Path, err)
		})
	}), &got
}

// refused checks that one answer comes, with that status, and says it is the last.
func (c *caller) refused(what string, status int) {
	c.t.Helper()
	defer func() {
		if c.t.Failed() {
			c.t.Log(what)
		}
	}()
	r := c.hear("GET")
	if r.StatusCode == http.StatusContinue {
		r = c.hear("GET")
	}
	if !r.Close || status != 0 && (r.StatusCode != status || r.Header.Get("Content-Length") == "" || len(r.body) == 0) {
		c.t.Errorf("%s: %s %.60q, closing: %v; want %d", what, r.Status, r.body, r.Close, status)
	}
	if rest, how := c.end(); len(rest) > 0 || how != inOrder && status != 0 {
		c.t.Errorf("%s: the connection ends %s after %q", what, how, rest)
	}
}

func TestNothingBehindWhatIsRefusedIsServed(t *testing.T) {
	s, got := wary(t)
	for _, p := range probes {
		for _, first := range []string{"", ask("GET", "/mem/3"), ask("GET", "/x")} {
			c := call(t, s.addr)
			c.say("%s", first+p.text+smuggled+smuggled)
			if first != "" {
				c.hear("GET")
			}
			c.refused(p.rule, p.status)
			_ = c.Close()
		}
	}
	if n := got.Load(); n > 0 {
		t.Errorf("%d requests were smuggled", n)
	}
}

func TestProbesThatArriveByBytesAreRefusedAsWell(t *testing.T) {
	s, got := wary(t)
	for _, p := range probes {
		if p.status == 0 || len(p.text) > 1000 {
			continue
		}
		c := call(t, s.addr)
		for _, b := range []byte(p.text + smuggled) {
			c.say("%s", []byte{b})
		}
		c.refused(p.rule, p.status)
		_ = c.Close()
	}
	if n := got.Load(); n > 0 {
		t.Errorf("%d requests were smuggled", n)
	}
}

func TestMalformedHeadsAreAnsweredWithTheirStatusOverTheWire(t *testing.T) {
	s, got := wary(t)
	for _, row := range h1test.BadHeads(64<<10, 8<<10, 100) {
		c := call(t, s.addr)
		c.say("%s", row.Text+"\r\n\r\n"+smuggled)
		c.refused(row.Rule, row.Status)
		_ = c.Close()
	}
	if n := got.Load(); n > 0 {
		t.Errorf("%d requests were smuggled", n)
	}
}

func TestRefusalSaysNothingOfWhatWasSent(t *testing.T) {
	s := newStage(t)
	c := call(t, s.addr)
	c.say("GET /<script> HTTP/1.1\r\nHost: secret\r\n: x\r\n\r\n")
	if r := c.hear("GET"); strings.Contains(string(r.body), "script") || strings.Contains(string(r.body), "secret") || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %q", r.Header, r.body)
	}
}
