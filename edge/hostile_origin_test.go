package edge

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// rawOrigin answers with what say writes, and hangs up.
func rawOrigin(t *testing.T, say func(conn net.Conn, target string)) *testOrigin {
	t.Helper()
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return false
		}
		defer conn.Close()
		say(conn, r.URL.Path)
		return true
	})
	return o
}

// What breaks off before its first byte is no answer that was begun: a viewer is told, and
// a balancer is not made to take the edge for dead.
func TestAnOriginThatBreaksOffAtOnceIsNobodysDeath(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nCache-Control: max-age=60\r\n"
	o := rawOrigin(t, func(conn net.Conn, target string) {
		_, _ = conn.Write([]byte(map[string]string{
			"/chunk":   head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
			"/trailer": head + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X-A: b\r\n", 10_000),
			"/length":  head + "Content-Length: 5\r\n\r\n",
		}[strings.TrimPrefix(target, "/v/x")]))
	})
	e := startEdge(t, Config{Origin: o.URL})
	for _, target := range []string{"/chunk", "/trailer", "/length"} {
		resp, body := get(t, e.url+target)
		if resp.StatusCode != http.StatusBadGateway || resp.Header.Get("Tandem-Reason") != reasonOrigin || !strings.Contains(string(body), "before its first byte") {
			t.Errorf("%s: %s %q", target, resp.Status, body)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Etag") != "" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: it looks like the object: %v", target, resp.Header)
		}
	}
	_, ring := startRing(t, 2, o)
	for i, target := range []string{"/v/x/chunk", "/v/x/trailer", "/v/x/length"} {
		resp, body := get(t, ring[i%2].url+target, asNode()...)
		if resp.StatusCode != http.StatusBadGateway || resp.Header.Get("Tandem-Reason") != "" {
			t.Errorf("%s, by a balancer: %s %q, reason %q: no other edge is asked", target, resp.Status, body, resp.Header.Get("Tandem-Reason"))
		}
	}
}

// Interim answers go on to whoever waits: an origin that has no end of them is a broken one.
func TestInterimAnswersHaveAnEnd(t *testing.T) {
	var said atomic.Int64
	o := rawOrigin(t, func(conn net.Conn, target string) {
		line := []byte("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		if target == "/processing" {
			line = []byte("HTTP/1.1 102 Processing\r\n\r\n")
		}
		for range 100_000 {
			if _, err := conn.Write(line); err != nil {
				return
			}
			said.Add(1)
		}
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
	})
	e := startEdge(t, Config{Origin: o.URL})
	for _, target := range []string{"/hints", "/processing"} {
		for _, own := range [][]string{nil, {"Cookie", "a=b"}} {
			all, body, final := interims(t, "GET", e.url+target, own...)
			if len(all) == 0 || len(all) > 200 || final.Get("Tandem-Reason") != reasonOrigin {
				t.Errorf("%s: %d interim answers, then %q", target, len(all), body)
			}
		}
	}
	if said.Load() >= 200_000 {
		t.Errorf("the origin was listened to for %d interim answers", said.Load())
	}
}
