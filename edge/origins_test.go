package edge

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// listenFirst is a base URL at which its test serves later.
func listenFirst(t *testing.T) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l, "http://" + l.Addr().String()
}

// One origin dies and one hangs: viewers see nothing, and it is counted.
func TestViewersSeeNothingOfAnOriginThatDies(t *testing.T) {
	good := newOrigin(t)
	dead := newOrigin(t)
	dead.Close()
	over := make(chan struct{})
	defer close(over)
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-over
		panic(http.ErrAbortHandler)
	}))
	defer hanging.CloseClientConnections()
	file := filepath.Join(t.TempDir(), "upstreams.yaml")
	text := fmt.Sprintf("[{prefix: /, next-after: 20ms, servers: [{url: %q}, {url: %q}, {url: %q}]}]", dead.URL, hanging.URL, good.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, Config{Upstreams: file})
	for i := range 3 {
		path := fmt.Sprintf("/a/%d.m4s", i)
		if resp, body := get(t, e.url+path); resp.StatusCode != 200 || !bytes.Equal(body, bodyOf(path, segmentSize)) {
			t.Errorf("%s: %s, %d bytes", path, resp.Status, len(body))
		}
	}
	w := httptest.NewRecorder() // what the operators see
	e.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`tandem_edge_upstream_up{origin="` + dead.URL + `",upstream="/"} 0`,
		`tandem_edge_upstream_up{origin="` + good.URL + `",upstream="/"} 1`,
		`tandem_edge_upstream_tries_total{origin="` + dead.URL + `",result="unreached",upstream="/"} 1`,
		`tandem_edge_upstream_tries_total{origin="` + hanging.URL + `",result="late",upstream="/"} 1`,
		`tandem_edge_upstream_tries_total{origin="` + good.URL + `",result="answered",upstream="/"} 3`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("not counted: %s", want)
		}
	}
}

// What reports say of an origin that is dead.
func TestReportsSayThatTheOriginIsDown(t *testing.T) {
	dead := newOrigin(t)
	dead.Close()
	e := startEdge(t, Config{Origin: dead.URL})
	if out := e.traffic().OriginsOut; len(out) != 0 {
		t.Errorf("nobody has asked yet, and %q is out", out)
	}
	if resp, _ := get(t, e.url+"/a/1.m4s"); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%s", resp.Status)
	}
	if out := e.traffic().OriginsOut; !slices.Equal(out, []string{dead.URL}) {
		t.Errorf("%q is out", out)
	}
}

// An origin that breaks off is carried on from another one that has the very same
// bytes.
func TestBrokenBodyIsFinishedFromAnotherOrigin(t *testing.T) {
	bad, good := newOrigin(t), newOrigin(t)
	bad.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if bad.count(r.URL.Path) > 1 {
			w.WriteHeader(503)
			return true
		}
		w.Header().Set("Content-Length", fmt.Sprint(segmentSize))
		_, _ = w.Write(bodyOf(r.URL.Path, segmentSize)[:100_000])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	e := startEdge(t, Config{Origin: bad.URL + "," + good.URL})
	if resp, body := get(t, e.url+"/a/1.m4s"); resp.StatusCode != 200 || !bytes.Equal(body, bodyOf("/a/1.m4s", segmentSize)) {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
}

// Below a path: the origin's base is not in viewers' names, nor in its redirects,
// which keep viewers at the edge and in their session.
func TestOriginBelowAPathAndItsRedirects(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if to := map[string]string{"/base/old.ts": o.URL + "/base/new.ts", "/v/x/old.ts": o.URL + "/v/x/new.ts", "/base/away.ts": "http://other.test/"}[r.URL.Path]; to != "" {
			w.Header()["Location"] = []string{to}
			if strings.Contains(r.URL.RawQuery, "kept") {
				w.Header().Set("Cache-Control", "max-age=60")
			}
			w.WriteHeader(http.StatusFound)
			return true
		}
		if r.URL.Path == "/a.ts" {
			w.WriteHeader(404)
			return true
		}
		return false
	})
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	to := func(url string) string {
		t.Helper()
		resp, err := stay.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.Header.Get("Location")
	}
	alone := startEdge(t, Config{Origin: o.URL + "/base/"})
	if resp, body := get(t, alone.url+"/a.ts"); resp.StatusCode != 200 || !bytes.Equal(body, bodyOf("/base/a.ts", segmentSize)) {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
	_, ring := startRing(t, 2, o)
	member := ring[0]
	id, _ := open(t, member, 1, "/v/x/")
	session := wire.SessionPrefix + tokenOf(id, "/v/x/")
	for range 2 { // fetched, then stored
		for at, want := range map[string]string{
			alone.url + "/old.ts": "/new.ts", alone.url + "/old.ts?kept": "/new.ts", alone.url + "/away.ts?kept": "http://other.test/",
			member.url + session + "/v/x/old.ts": session + "/v/x/new.ts", member.url + session + "/v/x/old.ts?kept": session + "/v/x/new.ts",
		} {
			if got := to(at); got != want {
				t.Errorf("%s: Location %q, want %q", at, got, want)
			}
		}
	}
}

// An edge whose origin leads back to it says so at once; caches in a row are none.
func TestLoopIsRefused(t *testing.T) {
	o := newOrigin(t)
	inner := startEdge(t, Config{Origin: o.URL})
	outer := startEdge(t, Config{Origin: inner.url})
	if resp, _ := get(t, outer.url+"/a/1.m4s"); resp.StatusCode != 200 {
		t.Errorf("two caches in a row: %s", resp.Status)
	}
	for what, count := range map[string]int{"itself": 1, "each other": 2} {
		var listeners []net.Listener
		var urls []string
		for range count {
			l, url := listenFirst(t)
			listeners, urls = append(listeners, l), append(urls, url)
		}
		for i, l := range listeners {
			e := startEdge(t, Config{Origin: urls[(i+1)%count]})
			server := &http.Server{Handler: e.Handler()}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			began := time.Now()
			resp, _ := do(t, method, urls[0]+"/x", nil)
			if resp.StatusCode != http.StatusLoopDetected || time.Since(began) > 2*time.Second {
				t.Errorf("%s, %s: %s after %s", what, method, resp.Status, time.Since(began))
			}
		}
	}
	long := make([]string, 0, 80)
	for i := range 33 {
		long = append(long, "CDN-Loop", fmt.Sprintf("cdn-%d", i))
	}
	req, _ := http.NewRequest(http.MethodGet, inner.url+"/x", nil)
	for i := 0; i < len(long); i += 2 {
		req.Header.Add(long[i], long[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusLoopDetected {
		t.Errorf("33 caches in a row: %s", resp.Status)
	}
}

// A cluster takes nothing of its viewers' fields along but what tells of a loop.
func TestClusterHandsOnWhoHadTheRequestBefore(t *testing.T) {
	o := newOrigin(t)
	var seen atomic.Value
	o.handle(func(_ http.ResponseWriter, r *http.Request) bool {
		seen.Store(strings.Join(r.Header["Cdn-Loop"], ", "))
		return false
	})
	b := newBalancer(t)
	e := startEdge(t, Config{Origin: o.URL, Balancers: []string{b.URL}})
	get(t, e.url+"/a/1.m4s", "CDN-Loop", "other-cdn; v=1")
	if got, _ := seen.Load().(string); got != "other-cdn; v=1, "+e.loopID+`; edge="edge-1"` {
		t.Errorf("CDN-Loop: %s", got)
	}
}

// What the placement says of origins goes before an edge's own settings, at once and
// while it runs, and ends with it; what can't be used on this machine changes nothing.
func TestUpstreamsOfTheClusterGoBeforeTheEdgesOwn(t *testing.T) {
	own, theirs := newOrigin(t), newOrigin(t)
	b := newBalancer(t)
	e := startEdge(t, Config{Origin: own.URL, Balancers: []string{b.URL}})
	n := 0
	asks := func(folder string) (string, int) { // which origin, by the count of what it was asked
		n++
		path := fmt.Sprintf("%s%d.m4s", folder, n)
		resp, _ := get(t, e.url+path, asNode()...)
		switch {
		case own.count(path) == 1 && theirs.count("/base"+path) == 0:
			return "own", resp.StatusCode
		case own.count(path) == 0 && theirs.count("/base"+path) == 1:
			return "theirs", resp.StatusCode
		}
		return "none", resp.StatusCode
	}
	set := func(all ...wire.Upstream) {
		b.change(func(p *wire.Placement) *wire.Placement { p.Upstreams = all; return p.Index() })
		followed(t, b, e)
	}
	news := wire.Upstream{Prefix: "/news/", Servers: []wire.UpstreamServer{{URL: theirs.URL + "/base"}}}
	rest := wire.Upstream{Prefix: "/", Servers: news.Servers}
	broken := wire.Upstream{Prefix: "/", Servers: []wire.UpstreamServer{{URL: "https://nobody.test"}}, CA: "/nonexistent/ca.pem"}
	for i, step := range []struct {
		set        []wire.Upstream
		news, rest string
	}{
		{nil, "own", "own"},
		{[]wire.Upstream{news}, "theirs", "own"},
		{[]wire.Upstream{broken}, "theirs", "own"},
		{[]wire.Upstream{rest}, "theirs", "theirs"},
		{nil, "own", "own"},
	} {
		set(step.set...)
		for folder, want := range map[string]string{"/news/": step.news, "/rest/": step.rest} {
			if who, status := asks(folder); who != want || status != http.StatusOK {
				t.Errorf("step %d: %s: asked %s, %d; want %s", i, folder, who, status, want)
			}
		}
	}
	cfg := e.cfg // a signal to read the settings anew
	cfg.Origin = theirs.URL + "/base"
	if err := cfg.readUpstreams(); err != nil {
		t.Fatal(err)
	}
	e.Reload(cfg)
	if who, status := asks("/rest/"); who != "theirs" || status != http.StatusOK {
		t.Errorf("after the reload: asked %s, %d", who, status)
	}
}

func TestUpstreamsComeFromAFile(t *testing.T) {
	news, rest := newOrigin(t), newOrigin(t)
	file := filepath.Join(t.TempDir(), "upstreams.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("- prefix: /news/\n  servers: [{url: \"" + news.URL + "/n\"}]\n  next-after: 1s\n")
	e := startEdge(t, Config{Origin: rest.URL, Upstreams: file})
	for path, of := range map[string]string{"/news/1.ts": "/n/news/1.ts", "/else/1.ts": "/else/1.ts"} {
		if _, body := get(t, e.url+path); !bytes.Equal(body, bodyOf(of, segmentSize)) {
			t.Errorf("%s is not what is at %s", path, of)
		}
	}
	c := func(origin string) error {
		var c Config
		c.Settings()
		c.Data, c.Origin, c.Upstreams = t.TempDir(), origin, file
		return c.Validate()
	}
	if err := c(""); err == nil || !strings.Contains(err.Error(), "no row for /") {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"- prefix: /\n  servers: [{url: 'http://u:s3cret@x y'}]":       "--upstreams:",
		"- prefix: /\n  servers: [{url: http://a}]":                    "leave one of them out",
		"- prefix: /a/\n  servers: [{url: http://a}]\n  wieght: 1":     "wieght",
		"- prefix: /a/\n  servers: [{url: http://a}]\n  next-after: 5": "no time",
	} {
		write(text)
		if err := c(rest.URL); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	c2 := Config{Name: "e", Data: "d", Origin: "http://u:s3cret@host/?x"}
	if err := c2.Validate(); err == nil || !strings.HasPrefix(err.Error(), "--origin: ") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

// An origin that leads the edge to the edge is told off in one line.
func TestARedirectToTheEdgeItselfIsNotFollowed(t *testing.T) {
	to := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "upstreams.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "- {prefix: /, redirects: follow, servers: [{url: '%s'}]}\n", s.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, Config{Upstreams: file})
	to = e.url + "/metrics"
	if resp, body := get(t, e.url+"/1.ts"); resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), "a listener of the cluster") {
		t.Errorf("%s: %s", resp.Status, body)
	}
}
