package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/identity"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// spliceStage is a balancer whose viewers' side is loops, with or without splices.
type spliceStage struct {
	t     testing.TB
	o     spliceOptions
	c     *Proxy
	loops *front.Server
	addr  string
	stop  func()
	ways  front.Ways

	mu      sync.Mutex
	splices []*Splicer // guarded by mu, as all below
	moves   []Takeover
	failed  []string
	served  []countedAs
	left    int // to responses
	broken  int
	ended   int64 // responses, of either kind, since the beginning
}

// countedAs is what one response was counted as.
type countedAs struct {
	status int
	sent   int64
}

type spliceOptions struct {
	cfg     Config
	without bool // splices: the oracle
	loops   int
	edges   []upstream.Target
	rate    int64
	queue   int

	identity *identity.Bundle
	tickets  *sealedhead.Tickets
}

// patient is for tests in which no edge is to be called silent.
var patient = Config{Silence: 20 * time.Second, FirstByte: 20 * time.Second, MaxSilence: 20 * time.Second, Total: 30 * time.Second, Connect: 10 * time.Second}

func openSplices(t testing.TB, o spliceOptions) *spliceStage {
	t.Helper()
	secret, err := wire.NewSecret("a secret of the tests")
	if err != nil {
		t.Fatal(err)
	}
	if o.cfg.Silence == 0 {
		o.cfg = patient
	}
	if o.loops == 0 {
		o.loops = 1
	}
	s := &spliceStage{t: t, o: o}
	s.c = New(o.cfg, Deps{
		Secret: secret, Name: "lb-1", Logger: zerolog.Nop(), Identity: o.identity, Tickets: o.tickets,
		Failed: func(edge, cause string) { s.locked(func() { s.failed = append(s.failed, edge+" "+cause) }) },
		Moved:  func(v Takeover) { s.locked(func() { s.moves = append(s.moves, v) }) },
	})
	s.listen()
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.c.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		_ = s.loops.Close()
		stop()
		<-over
		s.nothingLeft()
	})
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *spliceStage) listen() {
	cfg := front.Config{
		Loops: s.o.loops, MinRate: s.o.rate, MaxQueue: s.o.queue, Ways: &s.ways,
		Enter: func(address string) (any, bool) { return address, true },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer s.noteBroken()
			s.note(s.c.Serve(w, r, Request{Target: r.URL.RequestURI(), Viewer: viewerOf(r), Pair: 3, First: s.o.edges[0], Next: s.next}))
		}),
	}
	if !s.o.without {
		cfg.Quick = func(l *front.Loop) front.Quick {
			n := s.c.Splicer(s.deps(), l)
			s.locked(func() { s.splices = append(s.splices, n) })
			return n
		}
	}
	s.loops = front.New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = s.loops.Serve(ln) }()
	s.addr = ln.Addr().String()
	s.eventually("the loops run", func() bool { return s.o.without || len(s.all()) == s.o.loops })
}

func (s *spliceStage) deps() LoopDeps {
	return LoopDeps{
		Plan: func(h *h1.Request) (LoopRequest, bool) {
			return LoopRequest{Target: h.Target, First: s.o.edges[0], Pair: 3}, true
		},
		Others: func(string) func([]string) (upstream.Target, bool) {
			s.locked(func() { s.left++ })
			return s.next
		},
		Viewer: func(c *front.Conn) string { return c.Client().(string) },
		Served: s.note,
		Forget: func(*http.Request, *LoopRequest) {},
		Anew:   func(*http.Request, *LoopRequest) func() (Request, bool) { return nil },
		Broken: func(*http.Request) {
			if why := recover(); why != nil {
				s.locked(func() { s.broken++; s.ended++ })
				panic(why)
			}
		},
	}
}

func (s *spliceStage) note(status int, sent int64) {
	s.locked(func() { s.served = append(s.served, countedAs{status, sent}); s.ended++ })
}

// noteBroken has to be deferred itself.
func (s *spliceStage) noteBroken() {
	if why := recover(); why != nil {
		s.locked(func() { s.broken++; s.ended++ })
		panic(why)
	}
}

func (s *spliceStage) next(tried []string) (upstream.Target, bool) {
	for _, e := range s.o.edges {
		if !slices.Contains(tried, e.Edge) {
			return e, true
		}
	}
	return upstream.Target{}, false
}

func (s *spliceStage) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *spliceStage) all() (all []*Splicer) {
	s.locked(func() { all = s.splices })
	return all
}

// counted is what has been noted since the last call.
func (s *spliceStage) counted() (served []countedAs, moves []Takeover, failed []string, left, broken int) {
	s.locked(func() {
		served, moves, failed, left, broken = s.served, s.moves, s.failed, s.left, s.broken
		s.served, s.moves, s.failed, s.left, s.broken = nil, nil, nil, 0, 0
	})
	return served, moves, failed, left, broken
}

// over is when so many responses have been counted.
func (s *spliceStage) over(n int) {
	s.t.Helper()
	s.eventually("it is counted", func() (ok bool) {
		s.locked(func() { ok = len(s.served)+s.broken >= n })
		return ok
	})
}

// on runs do on a loop and waits: what had come to the loop before is done then.
func (s *spliceStage) on(n *Splicer, do func()) {
	over := make(chan struct{})
	// The round that a Post falls into may have looked for events before it.
	n.loop.Post(func() { n.loop.Post(func() { do(); close(over) }) })
	<-over
}

// settle waits until the loops have seen what has come to them.
func (s *spliceStage) settle() {
	for _, n := range s.all() {
		s.on(n, func() {})
	}
}

// freeze lets no loop do anything until it is told to go on.
func (s *spliceStage) freeze() (thaw func()) {
	release := make(chan struct{})
	for _, n := range s.all() {
		s.on(n, func() {})
		frozen := make(chan struct{})
		n.loop.Post(func() { close(frozen); <-release })
		<-frozen
	}
	return func() { close(release) }
}

// under counts the splices that wait for an edge, and idle connections.
func (s *spliceStage) under() (waiting, idle int) {
	for _, n := range s.all() {
		s.on(n, func() {
			for r := n.waiting.first; r != nil; r = r.after {
				waiting++
			}
			idle += n.pool.Size()
		})
	}
	return waiting, idle
}

// nothingLeft is for when the loops have ended.
func (s *spliceStage) nothingLeft() {
	for _, n := range s.all() {
		if n.waiting.first != nil || n.waiting.last != nil || n.pool.Size() != 0 || len(n.pipes) != 0 {
			s.t.Errorf("left: waiting %v, %d connections, %d pipes", n.waiting.first, n.pool.Size(), len(n.pipes))
		}
		for _, r := range n.spare {
			if r.viewer != nil || r.conn != nil || r.pipe != nil || r.listed || len(r.held) != 0 {
				s.t.Errorf("a spare splice holds %+v", r)
			}
		}
	}
	s.locked(func() {
		if begun := s.ways.Quick.Load() + s.ways.Away.Load(); begun != s.ended {
			s.t.Errorf("%d responses were begun, %d counted", begun, s.ended)
		}
	})
	if n := s.loops.Connections(); n != 0 {
		s.t.Errorf("left: %d connections", n)
	}
}

func (s *spliceStage) eventually(what string, good func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !good(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("in vain: %s; %d connections, requests: %d quick, %d away", what,
				s.loops.Connections(), s.ways.Quick.Load(), s.ways.Away.Load())
		}
	}
}

// viewer is one who reads when it likes.
type viewer struct {
	*net.TCPConn
	in *bufio.Reader
	s  *spliceStage
}

func (s *spliceStage) dial() *viewer {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	return &viewer{TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c), s: s}
}

func (v *viewer) ask(method, path string, fields ...string) {
	v.s.t.Helper()
	text := method + " " + path + " HTTP/1.1\r\nHost: lb\r\n"
	for _, f := range fields {
		text += f + "\r\n"
	}
	if _, err := io.WriteString(v, text+"\r\n"); err != nil {
		v.s.t.Fatal(err)
	}
}

// read is the answer to one request.
func (v *viewer) read(method string) got {
	resp, err := http.ReadResponse(v.in, &http.Request{Method: method})
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return got{resp.StatusCode, resp.Header, b.Bytes(), err}
}

// get asks on a connection of its own.
func (s *spliceStage) get(method, path string, fields ...string) got {
	s.t.Helper()
	v := s.dial()
	defer v.Close()
	v.ask(method, path, fields...)
	return v.read(method)
}

// pair is a scripted edge and one that is well, with the same object.
func pair(t *testing.T, cfg Config, body string, answer func(c net.Conn, ask string)) (s *spliceStage, first *scripted) {
	t.Helper()
	first = script(t, answer)
	second := script(t, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	return openSplices(t, spliceOptions{cfg: cfg, edges: []upstream.Target{first.target("edge-1"), second.target("edge-2")}}), first
}

// viewerOf is the viewer's address without the port.
func viewerOf(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}
