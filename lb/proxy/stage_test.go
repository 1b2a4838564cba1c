package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/fault"
	"tandem/internal/front"
	"tandem/internal/front/streams"
	"tandem/internal/h1"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

const (
	bigSize   = 4 << 20
	smallSize = 3 << 10
)

// content is what the edges hold: version 1 and 2 differ in one byte.
var content = func() map[string][]byte {
	rnd := rand.New(rand.NewPCG(4, 2))
	m := map[string][]byte{}
	for path, size := range map[string]int{"/big": bigSize, "/small": smallSize, "/grow": 600_000, "/made": 600_000, "/plain": 300_000} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		m[path] = b
	}
	return m
}()

// fakeEdge answers like an edge; a faulty proxy stands before it.
type fakeEdge struct {
	name    string
	secret  wire.Secret
	version int
	proxy   *fault.Proxy
	server  *httptest.Server
	asked   atomic.Int64
	told    atomic.Pointer[http.Header]                 // of the last request
	waits   atomic.Pointer[func(w http.ResponseWriter)] // before the head
	refuses atomic.Bool                                 // every session
}

func (e *fakeEdge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	h := r.Header.Clone()
	e.told.Store(&h)
	if !e.secret.Authorised(r) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if wait := e.waits.Load(); wait != nil {
		(*wait)(w)
	}
	if e.refuses.Load() {
		w.Header().Set(wire.HeaderReason, wire.ReasonLimit)
		http.Error(w, "full", http.StatusServiceUnavailable)
		return
	}
	body, ok := content[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if e.version != 1 {
		body = bytes.Clone(body)
		body[len(body)-1] ^= 1
	}
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Tandem-Stored", "1")
	tag := fmt.Sprintf(`"v%d-%s"`, e.version, r.URL.Path[1:])
	switch r.URL.Path {
	case "/grow":
		w.Header().Set("ETag", tag)
		e.grow(w, r, body)
	case "/made": // the fetch of each edge is its own
		w.Header().Set("ETag", fmt.Sprintf("%s%s-%d\"", wire.MadeTag, e.name, e.version))
		e.grow(w, r, body)
	case "/plain": // no validator
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	default:
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// grow gives a body whose length nobody knows.
func (e *fakeEdge) grow(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set(wire.HeaderWaiting, "1")
	if text := r.Header.Get("Range"); text != "" && r.Header.Get("If-Range") == w.Header().Get("ETag") {
		var first int
		if _, err := fmt.Sscanf(text, "bytes=%d-", &first); err != nil {
			panic(err)
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-*/*", first))
		w.WriteHeader(http.StatusPartialContent)
		body = body[first:]
	}
	for part := range slices.Chunk(body, 50_000) {
		_, _ = w.Write(part)
		_ = http.NewResponseController(w).Flush()
	}
}

// stage is a balancer's byte path between viewers and faulty edges.
type stage struct {
	t      testing.TB
	edges  []*fakeEdge
	c      *Proxy
	front  *httptest.Server
	loops  *front.Server // in place of it
	url    string
	client *http.Client

	mu     sync.Mutex
	moves  []Takeover
	failed []string
	noRoom bool
	place  func() (Request, bool) // nil: none
}

type stageOptions struct {
	cfg      Config
	tls, h2  bool
	loop     bool // splices
	edges    int
	versions []int
	direct   bool // no proxies
}

func newStage(t testing.TB, o stageOptions) *stage {
	t.Helper()
	secret, err := wire.NewSecret("a secret of the tests")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	if o.edges == 0 {
		o.edges = 2
	}
	if o.cfg.Silence == 0 {
		o.cfg = Config{Silence: 120 * time.Millisecond, FirstByte: 120 * time.Millisecond, Total: 10 * time.Second, Connect: time.Second}
	}
	for i := range o.edges {
		e := &fakeEdge{name: fmt.Sprintf("edge-%d", i+1), secret: secret, version: 1}
		if i < len(o.versions) {
			e.version = o.versions[i]
		}
		e.server = httptest.NewServer(e)
		if e.proxy, err = fault.Open(strings.TrimPrefix(e.server.URL, "http://")); err != nil {
			t.Fatal(err)
		}
		s.edges = append(s.edges, e)
	}
	s.c = New(o.cfg, Deps{
		Secret: secret, Name: "lb-1", Logger: zerolog.Nop(),
		Failed: func(edge, cause string) { s.locked(func() { s.failed = append(s.failed, edge+" "+cause) }) },
		Moved:  func(v Takeover) { s.locked(func() { s.moves = append(s.moves, v) }) },
		Room:   func(string) (ok bool) { s.locked(func() { ok = !s.noRoom }); return ok },
	})
	s.listen(o)
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.c.Run(ctx) }()
	t.Cleanup(func() { s.close(stop, over) })
	return s
}

// listen opens the viewers' side.
func (s *stage) listen(o stageOptions) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.c.Serve(w, r, s.requestFor(r.RequestURI, o.direct)) })
	if o.loop || o.h2 {
		s.listenOnLoops(handler, o)
		return
	}
	s.front = httptest.NewUnstartedServer(handler)
	s.front.Start()
	s.url, s.client = s.front.URL, s.front.Client()
	s.client.Transport.(*http.Transport).DisableCompression = true
}

func (s *stage) listenOnLoops(handler http.Handler, o stageOptions) {
	next := s.requestFor("", o.direct)
	deps := LoopDeps{
		Plan: func(h *h1.Request) (LoopRequest, bool) {
			return LoopRequest{Target: h.Target, First: next.First, Pair: next.Pair}, true
		},
		Others: func(string) func([]string) (upstream.Target, bool) { return next.Next },
		Viewer: func(c *front.Conn) string { return c.Address() },
		Served: func(int, int64) {},
		Forget: func(*http.Request, *LoopRequest) {},
		Anew:   func(*http.Request, *LoopRequest) func() (Request, bool) { return s.anew() },
		Broken: func(*http.Request) {},
	}
	cfg := front.Config{Handler: handler, Quick: func(l *front.Loop) front.Quick { return s.c.Splicer(deps, l) }}
	s.client = &http.Client{Transport: &http.Transport{}}
	scheme := "http://"
	if o.tls || o.h2 {
		scheme = "https://"
		certified := httptest.NewTLSServer(nil)
		cfg.TLS, s.client = &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"http/1.1"}}, certified.Client()
		certified.Close()
		if o.h2 {
			cfg.TLS.NextProtos, cfg.HTTP2 = []string{"h2"}, &streams.Config{Handler: handler}
			s.client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
		}
	}
	s.loops = front.New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = s.loops.Serve(ln) }()
	s.url = scheme + ln.Addr().String()
	s.client.Transport.(*http.Transport).DisableCompression = true
}

func (s *stage) close(stop func(), over chan error) {
	s.client.CloseIdleConnections()
	if s.loops != nil {
		_ = s.loops.Close()
	} else {
		s.front.Close()
	}
	stop()
	if err := <-over; err != nil {
		s.t.Error(err)
	}
	for _, e := range s.edges {
		_ = e.proxy.Close()
		e.server.Close()
	}
}

func (s *stage) requestFor(requestTarget string, direct bool) Request {
	at := func(e *fakeEdge) upstream.Target {
		if direct {
			return upstream.Target{Edge: e.name, Addr: strings.TrimPrefix(e.server.URL, "http://")}
		}
		return upstream.Target{Edge: e.name, Addr: e.proxy.Addr()}
	}
	return Request{
		Target: requestTarget, Viewer: "198.51.100.7", Pair: 3, First: at(s.edges[0]), Anew: s.anew(),
		Next: func(tried []string) (upstream.Target, bool) {
			for _, e := range s.edges {
				if !slices.Contains(tried, e.name) {
					return at(e), true
				}
			}
			return upstream.Target{}, false
		},
	}
}

// anew is for Request.Anew.
func (s *stage) anew() (place func() (Request, bool)) {
	s.locked(func() { place = s.place })
	return place
}

func (s *stage) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// taken returns the takeovers since the last call.
func (s *stage) taken() (moves []Takeover, failed []string) {
	s.locked(func() { moves, failed, s.moves, s.failed = s.moves, s.failed, nil, nil })
	return moves, failed
}

func (s *stage) fault(edge int, f fault.Fault) {
	s.t.Helper()
	if err := s.edges[edge].proxy.Set(f); err != nil {
		s.t.Fatal(err)
	}
}

// got is an answer as the viewer sees it.
type got struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (s *stage) get(method, path, byteRange string) got {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	b := bytes.NewBuffer(make([]byte, 0, max(resp.ContentLength, 0)+bytes.MinRead))
	_, err = b.ReadFrom(resp.Body)
	return got{resp.StatusCode, resp.Header, b.Bytes(), err}
}

// whole fails the test unless the answer is exactly these bytes.
func (s *stage) whole(g got, status int, want []byte) {
	s.t.Helper()
	if err := g.check(status, want); err != nil {
		moves, failed := s.taken()
		s.t.Fatalf("%v\ntakeovers %+v\nevidence %v", err, moves, failed)
	}
}

func (g got) check(status int, want []byte) error {
	switch {
	case g.err != nil:
		return fmt.Errorf("%d of %d bytes: %w", len(g.body), len(want), g.err)
	case g.status != status:
		return fmt.Errorf("status %d, want %d", g.status, status)
	case sha256.Sum256(g.body) != sha256.Sum256(want):
		return fmt.Errorf("%d bytes of %d, other ones", len(g.body), len(want))
	case g.header.Get("Tandem-Stored") != "" || g.header.Get(wire.HeaderWaiting) != "":
		return errors.New("an internal field went to the viewer")
	}
	return nil
}
