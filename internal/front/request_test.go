package front

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/h1"
	"tandem/internal/h1/h1test"
)

// requests are heads that go away, to be read as net/http reads them.
var requests = []struct {
	text string
	ours func(*readAs) // where we want it otherwise
}{
	{text: ask("GET", "/")},
	{text: ask("GET", "/a/b%20c%2Fd?x=1&y=%zz&z")},
	{text: ask("GET", "/a//b/../c/.?")},
	{text: ask("GET", "//host/path")},
	{text: ask("GET", "/;p=1?q=a+b;c")},
	{text: ask("HEAD", "/x")},
	{text: ask("OPTIONS", "/x")},
	{text: ask("DELETE", "/x", "Content-Length: 0")},
	{text: ask("PURGE", "/x", "X-A: 1", "x-a: 2", "X-a:3", "X-B:", "x_c: \t d e \t", "x-\u007e!#$%&'*+.^_`|: tokens")},
	{text: ask("GET", "/x", "Cookie: a=b; c=d", "Cookie: e=f", "Accept: */*", "accept-encoding: gzip, br")},
	{text: ask("GET", "/x", "X-Bytes: \xff\xfe", "Referer: http://b/")},
	{text: ask("GET", "/x", "Connection: close")},
	{text: ask("GET", "/x", "Connection: keep-alive, X-Hop", "X-Hop: 1", "Te: trailers")},
	{text: ask("GET", "/x", "Cache-Control: max-age=0", "Pragma: no-cache")},
	{text: ask("GET", "/x", "Pragma: no-cache"), ours: func(x *readAs) { delete(x.Header, "Cache-Control") }}, // RFC 9111 5.4: it is deprecated
	{text: "GET /x HTTP/1.1\r\nhOsT: [::1]:80\r\n\r\n"},
	{text: "GET /x HTTP/1.1\r\nX-First: 1\r\nHost: a.example:8080\r\n\r\n"},
	{text: "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n", ours: func(x *readAs) { // as if it had come in the usual form
		x.URL, x.RequestURI = `"" "" "/x" "" "y"`, "/x?y"
	}},
	{text: h1test.Player},
}

// readAs is what a Handler finds in a request.
type readAs struct {
	Method, URL, Proto, Host, RequestURI, Rest, from string

	Header http.Header
}

func readOf(r *http.Request) readAs {
	u := r.URL
	body, err := io.ReadAll(r.Body)
	return readAs{
		r.Method, fmt.Sprintf("%q %q %q %q %q", u.Scheme, u.Host, u.Path, u.RawPath, u.RawQuery), fmt.Sprint(r.Proto, r.ProtoMajor, r.ProtoMinor), r.Host, r.RequestURI,
		fmt.Sprint(r.ContentLength, r.TransferEncoding, r.Close, r.Form, r.Trailer, r.TLS, len(body), err, r.UserAgent(), r.Cookies(), r.PathValue("x")), r.RemoteAddr, r.Header.Clone(),
	}
}

func TestRequestIsWhatNetHTTPMakesOfIt(t *testing.T) {
	plainOnly(t)
	read := make(chan readAs, 1)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { read <- readOf(r) })
	s := newStage(t, func(_ *stage, c *Config) { c.Handler = h })
	theirs := &http.Server{Handler: h}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = theirs.Serve(ln) }()
	t.Cleanup(func() { _ = theirs.Close() })
	for _, row := range requests {
		var both [2]readAs
		for i, addr := range []string{ln.Addr().String(), s.addr} {
			c := call(t, addr)
			c.say("%s", row.text)
			if r := c.hear(strings.Fields(row.text)[0]); r.StatusCode != http.StatusOK {
				t.Fatalf("%.60q: %s", row.text, r.Status)
			}
			both[i] = <-read
			if from := c.LocalAddr().String(); both[i].from != from {
				t.Errorf("%.60q: from %s; want %s", row.text, both[i].from, from)
			}
			both[i].from = ""
			_ = c.Close()
		}
		if row.ours != nil {
			row.ours(&both[0])
		}
		if want, got := fmt.Sprintf("%+v", both[0]), fmt.Sprintf("%+v", both[1]); got != want {
			t.Errorf("%.60q:\n we:   %s\n want: %s", row.text, got, want)
		}
	}
}

func TestValuesOfOneFieldDoNotReachIntoTheNextOnes(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Add("A", "added")
			fmt.Fprint(w, r.Header["A"], r.Header["B"], r.Header["C"])
		})
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/", "A: 1", "B: 2", "A: 3", "C: 4"))
	if r := c.hear("GET"); string(r.body) != "[1 3 added] [2] [4]" {
		t.Errorf("%s", r.body)
	}
}

type clientKey struct{}

func TestRequestKnowsItsClientByTheContext(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Context = func(ctx context.Context, client any) context.Context {
			return context.WithValue(ctx, clientKey{}, client)
		}
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Context().Value(clientKey{})) })
	})
	c := call(t, s.addr)
	for range 3 {
		c.say(ask("GET", "/"))
		if r := c.hear("GET"); string(r.body) != fmt.Sprint(s.entered.Load()) {
			t.Errorf("client %s; want %d", r.body, s.entered.Load())
		}
	}
}

func TestTargetThatIsNoURLIsRefused(t *testing.T) {
	s := newStage(t)
	// All that the parser of heads takes is a URL as well, so Conn.Request is asked directly.
	c := &Conn{loop: &Loop{server: s.Server}}
	if _, err := c.Request(&h1.Request{Method: "GET", Target: "/%zz"}); err == nil || err.(*h1.Malformed).Status != http.StatusBadRequest {
		t.Errorf("a target that is no URL: %v", err)
	}
}

func TestClientsAddressHasNoPortAndNoMapping(t *testing.T) {
	addresses := make(chan string, 10)
	s := newStage(t, func(s *stage, c *Config) {
		c.Enter = func(address string) (any, bool) {
			addresses <- address
			return s.enter(address)
		}
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				addresses <- c.Address()
				addresses <- c.Remote().String()
				return false
			}}
		}
	})
	<-addresses
	c := call(t, s.addr)
	c.say(ask("GET", "/"))
	c.hear("GET")
	for _, want := range []string{"127.0.0.1", "127.0.0.1", c.LocalAddr().String()} {
		if got := <-addresses; got != want {
			t.Errorf("address %s; want %s", got, want)
		}
	}
}
