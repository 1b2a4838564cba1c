package origin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/h1/h1test"
	"tandem/internal/wire"
)

// dial opens a connection of a stranger.
func (s started) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// A request that two servers could read in two ways is refused, and what stands behind
// it is never served: net/http takes the first of these.
func TestRequestsAreReadOneWayOrRefused(t *testing.T) {
	s := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	const behind = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, head := range []string{
		"POST /a/1.ts HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"PUT /a/1.ts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\n\r\nx\r\n0\r\n\r\n",
		"GET /a/1.ts HTTP/1.1\r\nHost: a\r\nX: y\nZ: z\r\n\r\n",
		"GET /a/1.ts HTTP/1.1\nHost: a\n\n",
	} {
		c := s.dial(t)
		if _, err := io.WriteString(c, head+behind); err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(c) // what is behind it may make the end a reset
		if got := string(all); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Count(got, "HTTP/1.1 ") != 1 {
			t.Errorf("%q: %q", head, got)
		}
	}
	if n := s.counts.take(false)["/behind"]; n != 0 {
		t.Errorf("what stood behind was asked for %d times", n)
	}
}

// Strangers have as many connections as they may: one too many is reset, and a node,
// which shows the secret, is none of them.
func TestConnectionsOfStrangersAreBounded(t *testing.T) {
	secret, err := wire.NewSecret(strings.Repeat("k3y-of-the-cluster-", 4))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Sample: true, MaxConnections: 2, MaxPerClient: 2}, Deps{Secret: secret})
	ask := func(c net.Conn, field string) error {
		if _, err := fmt.Fprintf(c, "GET /sample/master.m3u8 HTTP/1.1\r\nHost: a\r\n%s\r\n", field); err != nil {
			return err
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		return err
	}
	first, second := s.dial(t), s.dial(t)
	if err := errors.Join(ask(first, ""), ask(second, "")); err != nil {
		t.Fatal(err)
	}
	if err := ask(s.dial(t), ""); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("one too many: %v", err)
	}
	if err := ask(s.dial(t), wire.HeaderAuth+": "+secret.Bearer()+"\r\n"); err != nil {
		t.Errorf("a node: %v", err)
	}
	if err := ask(first, ""); err != nil {
		t.Errorf("one of those that may: %v", err)
	}
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) { // a loop counts who has gone
		w := httptest.NewRecorder()
		s.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		counted := true
		for _, line := range []string{"tandem_origin_connections 2", "tandem_origin_connections_refused_total 1", "tandem_origin_slow_clients_total 0"} {
			counted = counted && strings.Contains(w.Body.String(), line+"\n")
		}
		if counted {
			return
		}
		if time.Now().After(until) {
			t.Fatal("not counted:", w.Body)
		}
	}
}

// What is pushed may be as sparse as a track of subtitles: only its silence ends it.
func TestPushesMayBeSparse(t *testing.T) {
	s := start(t, Config{Media: t.TempDir(), Ingest: true, MinRate: 1 << 20, IngestIdle: time.Minute}, Deps{})
	if c := s.frontConfig(nil); c.BodyRate != 0 || c.BodyGrace <= time.Minute || c.MinRate != 1<<20 {
		t.Errorf("%d bytes a second of a push within %s, %d of an answer", c.BodyRate, c.BodyGrace, c.MinRate)
	}
}

// What RFC 9110 and RFC 9112 demand of whoever reads a request, bodies of pushes included.
func TestMustsOfHTTPAtAnOrigin(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{Media: dir, Ingest: true, IngestMaxBytes: 1 << 40}, Deps{})
	dial := func() (net.Conn, error) {
		write(t, dir, "a/1.m4s", "media") // one of the probes deletes it
		return net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	}
	h1test.Target{Dial: dial, Path: "/a/1.m4s", Wait: 20 * time.Millisecond}.Try(t)
}
