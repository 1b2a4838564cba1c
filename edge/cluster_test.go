package edge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

const secretText = "a secret that is long enough"

func testSecret() wire.Secret {
	s, err := wire.NewSecret(secretText)
	if err != nil {
		panic(err)
	}
	return s
}

// testBalancer holds a placement and hears reports, suspicions and readiness.
type testBalancer struct {
	*httptest.Server
	mu        sync.Mutex
	placement *wire.Placement
	keys      wire.Keys
	changed   chan struct{}
	delta     func(after uint64, p *wire.Placement) *wire.PlacementDelta // for who asks for what has changed; nil: the whole
	suspected map[string]int
	ready     map[string]uint64
	reports   map[string]wire.Report
	alone     bool // it says that the placement can't be changed
	timed     bool // and what its clock says
}

func newBalancer(t *testing.T) *testBalancer {
	b := &testBalancer{
		placement: &wire.Placement{Admission: ring.FailSafeAdmission, Trust: &wire.Trust{Keys: 1}}, keys: testKeys(), changed: make(chan struct{}),
		suspected: map[string]int{}, ready: map[string]uint64{}, reports: map[string]wire.Report{},
	}
	b.placement.Index()
	mux := http.NewServeMux()
	mux.HandleFunc(wire.PathRegister, func(w http.ResponseWriter, r *http.Request) {
		var reg wire.Register
		_ = json.NewDecoder(r.Body).Decode(&reg)
		b.change(func(p *wire.Placement) *wire.Placement {
			for i := range p.Edges {
				if p.Edges[i].Name == reg.Edge.Name {
					state := p.Edges[i].State
					if reg.Edge.Incarnation > p.Edges[i].Incarnation {
						state = wire.EdgeRecovering
					}
					p.Edges[i] = reg.Edge
					p.Edges[i].State = state
					return p.Index()
				}
			}
			reg.Edge.State = wire.EdgeUp
			p.Edges = append(p.Edges, reg.Edge)
			return ring.Form(p.Index())
		})
		b.mu.Lock()
		defer b.mu.Unlock()
		call.Reply(w, http.StatusOK, wire.RegisterAnswer{Placement: b.placement})
	})
	mux.HandleFunc(wire.PathPlacement, b.poll)
	mux.HandleFunc(wire.PathKeys, func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		call.Reply(w, http.StatusOK, b.keys)
	})
	mux.HandleFunc(wire.PathSuspect, func(_ http.ResponseWriter, r *http.Request) {
		var s wire.Suspicion
		_ = json.NewDecoder(r.Body).Decode(&s)
		b.mu.Lock()
		b.suspected[s.Edge]++
		b.mu.Unlock()
	})
	mux.HandleFunc(wire.PathReady, func(_ http.ResponseWriter, r *http.Request) {
		var s wire.Ready
		_ = json.NewDecoder(r.Body).Decode(&s)
		b.mu.Lock()
		b.ready[s.Edge] = s.Version
		b.mu.Unlock()
	})
	mux.HandleFunc(wire.PathReport, b.hear)
	b.Server = httptest.NewServer(mux)
	t.Cleanup(func() { b.CloseClientConnections(); b.Close() })
	return b
}

// hear takes a report, and tells what the other one of two edges has asked of the origin.
func (b *testBalancer) hear(w http.ResponseWriter, r *http.Request) {
	var s wire.Report
	_ = json.NewDecoder(r.Body).Decode(&s)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports[s.Edge] = s
	answer := wire.ReportAnswer{Version: b.placement.Version, Majority: !b.alone}
	if b.timed {
		answer.Time = time.Now().UnixMilli()
	}
	for name, other := range b.reports {
		if name != s.Edge {
			answer.Asked = append(answer.Asked, other.Asked...)
		}
	}
	call.Reply(w, http.StatusOK, answer)
}

func (b *testBalancer) poll(w http.ResponseWriter, r *http.Request) {
	var after uint64
	_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
	for {
		b.mu.Lock()
		p, changed := b.placement, b.changed
		b.mu.Unlock()
		if p.Version > after {
			b.answer(w, r, after, p)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Second):
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
}

func (b *testBalancer) change(f func(p *wire.Placement) *wire.Placement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := f(ring.Copy(b.placement))
	next.Version = b.placement.Version + 1
	b.placement = next
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *testBalancer) state(name string, s wire.EdgeState, anchor ring.Anchor, loads ...ring.Load) {
	b.change(func(p *wire.Placement) *wire.Placement {
		for i := range p.Edges {
			if p.Edges[i].Name == name {
				p.Edges[i].State = s
			}
		}
		return ring.Settle(p, loads, anchor).ApplyTo(p)
	})
}

func (b *testBalancer) place(stream string, pairs ...wire.PairID) {
	b.change(func(p *wire.Placement) *wire.Placement {
		p.Streams = p.Streams.With(wire.StreamPlace{Stream: stream, ID: wire.NameHash(stream), Pairs: pairs})
		return p.Index()
	})
}

// testEdge is a running edge.
type testEdge struct {
	*Edge
	url  string
	cfg  Config
	stop func()
	done chan struct{} // closed when it has ended
}

func startEdge(t *testing.T, cfg Config) *testEdge {
	t.Helper()
	return startEdgeAt(t, cfg, time.Now)
}

// startEdgeAt is startEdge with a clock.
func startEdgeAt(t *testing.T, cfg Config, now func() time.Time) *testEdge {
	t.Helper()
	var defaults Config
	defaults.Settings()
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	if cfg.Name == "" {
		cfg.Name = "edge-1"
	}
	if cfg.Capacity == 0 {
		cfg.Capacity = 8
	}
	cfg.StoreBytes, cfg.MemoryBytes = cmp.Or(cfg.StoreBytes, 1<<30), 64<<20
	cfg.MaxConnections, cfg.MaxPerClient = cmp.Or(cfg.MaxConnections, defaults.MaxConnections), cmp.Or(cfg.MaxPerClient, defaults.MaxPerClient)
	cfg.HeaderTimeout, cfg.MinRate = defaults.HeaderTimeout, cmp.Or(cfg.MinRate, defaults.MinRate)
	cfg.NoticeEvery, cfg.ReportEvery = 30*time.Millisecond, 30*time.Millisecond
	if cfg.SilentFor == 0 { // a busy machine makes nobody silent
		cfg.SilentFor = 100
	}
	if cfg.SessionIdle == 0 {
		cfg.SessionIdle = time.Minute
	}
	cfg.CopyRate, cfg.OriginTimeout, cfg.PeerSilent = 1<<30, 5*time.Second, 5*time.Second
	cfg.toPublish, cfg.peerRepair = 5*time.Second, 5*time.Second
	cfg.Duplication, cfg.QueryNames = cmp.Or(cfg.Duplication, defaults.Duplication), cmp.Or(cfg.QueryNames, defaults.QueryNames)
	if len(cfg.Balancers) > 0 {
		cfg.Secret = testSecret()
	}
	e, err := New(cfg, Deps{Logger: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.DebugLevel), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	te := &testEdge{Edge: e, url: "http://" + l.Addr().String(), cfg: cfg}
	e.Bind(te.url, "http://127.0.0.1:1")
	server := e.Server(e.Handler(), e.Quick)
	go func() { _ = server.Serve(l) }()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	te.done = done
	go func() {
		defer close(done)
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	var once sync.Once
	te.stop = func() {
		once.Do(func() {
			_ = server.Close()
			cancel()
			<-done
		})
	}
	t.Cleanup(te.stop)
	return te
}

// startRing starts n edges under one balancer and waits until all follow it.
func startRing(t *testing.T, n int, o *testOrigin) (*testBalancer, []*testEdge) {
	t.Helper()
	return startRingOf(t, n, o, func(int) Config { return Config{} })
}

// startRingOf is startRing with a configuration for each edge.
func startRingOf(t *testing.T, n int, o *testOrigin, of func(i int) Config) (*testBalancer, []*testEdge) {
	t.Helper()
	b := newBalancer(t)
	var edges []*testEdge
	for i := range n {
		cfg := of(i)
		cfg.Name, cfg.Origin, cfg.Balancers = fmt.Sprintf("edge-%d", i+1), o.URL, []string{b.URL}
		edges = append(edges, startEdge(t, cfg))
		eventually(t, "registered", func() bool { _, ok := edges[i].view.Placement().Edge(edges[i].cfg.Name); return ok })
	}
	b.place("/v/x/", 1)
	followed(t, b, edges...)
	return b, edges
}

func followed(t *testing.T, b *testBalancer, edges ...*testEdge) {
	t.Helper()
	eventually(t, "placement followed", func() bool {
		b.mu.Lock()
		version := b.placement.Version
		b.mu.Unlock()
		for _, e := range edges {
			if e.view.Placement().Version < version {
				return false
			}
		}
		return true
	})
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func get(t *testing.T, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	return do(t, http.MethodGet, url, nil, header...)
}

func do(t *testing.T, method, url string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return resp, b
}

func asNode() []string {
	return []string{wire.HeaderAuth, testSecret().Bearer(), wire.HeaderFrom, "lb-1"}
}

func open(t *testing.T, e *testEdge, pair wire.PairID, stream string) (wire.SessionID, string) {
	return ask(t, e, wire.OpenRequest{Pair: pair, Stream: stream, Viewer: "192.0.2.1"})
}

func ask(t *testing.T, e *testEdge, request wire.OpenRequest) (wire.SessionID, string) {
	t.Helper()
	text, _ := json.Marshal(request)
	resp, b := do(t, http.MethodPost, e.url+wire.PathOpen, bytes.NewReader(text), asNode()...)
	if resp.StatusCode == http.StatusConflict {
		var r wire.Refusal
		_ = json.Unmarshal(b, &r)
		return wire.SessionID{}, r.Reason
	}
	var id wire.SessionID
	if err := json.Unmarshal(b, &id); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return id, ""
}

// A neighbour that is not heard of is told to the balancers, and not asked.
func TestANeighbourThatFallsSilentIsSuspected(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRingOf(t, 2, o, func(int) Config { return Config{SilentFor: 3} })
	edges[1].stop()
	eventually(t, "the balancer is told", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.suspected["edge-2"] > 0
	})
	if !edges[0].view.BacksOff("edge-2") {
		t.Error("it is asked all the same")
	}
	for n := range 8 { // of which it fills about half
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		if _, body := get(t, edges[0].url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) || o.count(path) != 1 {
			t.Errorf("%s: %d bytes, the origin was asked %d times", path, len(body), o.count(path))
		}
	}
}
