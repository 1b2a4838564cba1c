package edge

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// endless is an origin whose answers end with their connections. It serves one
// request a connection, and holds bodies back until it is told.
func endless(t *testing.T, goOn <-chan struct{}) (url string, asked *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = &atomic.Int64{}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				head := make([]byte, 4096)
				if n, err := c.Read(head); err != nil || n == 0 {
					return
				}
				asked.Add(1)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\nbegin")
				<-goOn
				if bytes.Contains(head, []byte("broken")) {
					_ = c.(*net.TCPConn).SetLinger(0)
					return
				}
				_, _ = io.WriteString(c, " and end")
			})
		}
	})
	return "http://" + l.Addr().String(), asked
}

// A body that ends with its connection is given to all who wait for it, through
// whichever member, and kept by nobody: nobody can tell its end from a break.
func TestBodyThatEndsWithItsConnectionIsSharedAndNotKept(t *testing.T) {
	goOn := make(chan struct{})
	url, asked := endless(t, goOn)
	b := newBalancer(t)
	var edges []*testEdge
	for i := range 2 {
		edges = append(edges, startEdge(t, Config{Name: fmt.Sprintf("edge-%d", i+1), Origin: url, Balancers: []string{b.URL}}))
		eventually(t, "registered", func() bool { _, ok := edges[i].view.Placement().Edge(edges[i].cfg.Name); return ok })
	}
	b.place("/v/x/", 1)
	followed(t, b, edges...)
	var herd sync.WaitGroup
	misses := func() (n int64) {
		for _, e := range edges {
			n += e.fetch.Counts.Misses.Load()
		}
		return n
	}
	for i := range 40 {
		herd.Go(func() {
			resp, body := get(t, edges[i%2].url+"/v/x/1.ts", asNode()...)
			if string(body) != "begin and end" || strings.Contains(resp.Header.Get("Cache-Status"), "stored") {
				t.Errorf("%q, %s", body, resp.Header.Get("Cache-Status"))
			}
		})
	}
	eventually(t, "all have asked", func() bool { return misses() >= 41 })
	close(goOn)
	herd.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times by a herd", n)
	}
	for _, e := range edges {
		eventually(t, "no fill runs", func() bool { return !e.store.Filling("/v/x/1.ts") })
		if e.store.Has("/v/x/1.ts") {
			t.Errorf("%s keeps it", e.cfg.Name)
		}
	}
	before := asked.Load()
	get(t, edges[0].url+"/v/x/1.ts", asNode()...)
	if asked.Load() == before {
		t.Error("it was given from nowhere")
	}
	req, _ := http.NewRequest(http.MethodGet, edges[0].url+"/v/x/broken.ts", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a break looks like an end: %q", body)
	}
}

// Who waits for an origin that hangs waits for two fetches at most: for the one that
// ran, and for one more, which may fare better.
func TestHerdOverAnOriginThatHangsEndsAfterTwoFetches(t *testing.T) {
	const herd = 20
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	e := startEdge(t, Config{Origin: s.URL, OriginTimeout: 200 * time.Millisecond})
	var all sync.WaitGroup
	for range herd {
		all.Go(func() {
			if resp, _ := get(t, e.url+"/1.ts"); resp.StatusCode != http.StatusGatewayTimeout {
				t.Error(resp.Status)
			}
		})
	}
	all.Wait()
	if n := e.store.Stats().Joined; n > 2*herd {
		t.Errorf("%d requests joined %d fetches", herd, n)
	}
}
