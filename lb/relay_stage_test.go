package lb

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
	"tandem/internal/wire"
)

// relayStage is a balancer whose viewers' side is loops, with or without relays.
type relayStage struct {
	t     testing.TB
	o     relayOptions
	c     *carrier
	loops *front.Server
	addr  string
	stop  func()
	ways  front.Ways

	mu     sync.Mutex
	relays []*relays // guarded by mu, as all below
	moves  []takeover
	failed []string
	served []countedAs
	left   int // to carriages
	broken int
	ended  int64 // responses, of either kind, since the beginning
}

// countedAs is what one response was counted as.
type countedAs struct {
	status int
	sent   int64
}

type relayOptions struct {
	cfg     carryConfig
	without bool // relays: the oracle
	loops   int
	edges   []target
	rate    int64
}

// patient is for tests in which no edge is to be called silent.
var patient = carryConfig{Silence: 20 * time.Second, FirstByte: 20 * time.Second, MaxSilence: 20 * time.Second, Total: 30 * time.Second, Connect: 10 * time.Second}

func openRelays(t testing.TB, o relayOptions) *relayStage {
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
	s := &relayStage{t: t, o: o}
	s.c = newCarrier(o.cfg, carryDeps{
		Secret: secret, Name: "lb-1", Logger: zerolog.Nop(),
		Failed: func(edge, cause string) { s.locked(func() { s.failed = append(s.failed, edge+" "+cause) }) },
		Moved:  func(v takeover) { s.locked(func() { s.moves = append(s.moves, v) }) },
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

func (s *relayStage) listen() {
	cfg := front.Config{
		Loops: s.o.loops, MinRate: s.o.rate, Ways: &s.ways,
		Enter: func(address string) (any, bool) { return &client{address: address}, true },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer s.noteBroken()
			s.note(s.c.carry(w, r, errand{Target: r.URL.RequestURI(), Viewer: hostOf(r.RemoteAddr), Pair: 3, First: s.o.edges[0], Next: s.next}))
		}),
	}
	if !s.o.without {
		cfg.Quick = func(l *front.Loop) front.Quick {
			n := newRelays(s.c, s.deps(), l)
			s.locked(func() { s.relays = append(s.relays, n) })
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

func (s *relayStage) deps() relayDeps {
	return relayDeps{
		plan: func(h *front.Head) (relayPlan, bool) {
			return relayPlan{to: h.Target, first: s.o.edges[0], pair: 3}, true
		},
		others: func(string) func([]string) (target, bool) {
			s.locked(func() { s.left++ })
			return s.next
		},
		served: s.note,
		forget: func(*http.Request, *relayPlan) {},
		broken: func(*http.Request) {
			if why := recover(); why != nil {
				s.locked(func() { s.broken++; s.ended++ })
				panic(why)
			}
		},
	}
}

func (s *relayStage) note(status int, sent int64) {
	s.locked(func() { s.served = append(s.served, countedAs{status, sent}); s.ended++ })
}

// noteBroken has to be deferred itself.
func (s *relayStage) noteBroken() {
	if why := recover(); why != nil {
		s.locked(func() { s.broken++; s.ended++ })
		panic(why)
	}
}

func (s *relayStage) next(tried []string) (target, bool) {
	for _, e := range s.o.edges {
		if !slices.Contains(tried, e.Edge) {
			return e, true
		}
	}
	return target{}, false
}

func (s *relayStage) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *relayStage) all() (all []*relays) {
	s.locked(func() { all = s.relays })
	return all
}

// counted is what has been noted since the last call.
func (s *relayStage) counted() (served []countedAs, moves []takeover, failed []string, left, broken int) {
	s.locked(func() {
		served, moves, failed, left, broken = s.served, s.moves, s.failed, s.left, s.broken
		s.served, s.moves, s.failed, s.left, s.broken = nil, nil, nil, 0, 0
	})
	return served, moves, failed, left, broken
}

// over is when so many responses have been counted.
func (s *relayStage) over(n int) {
	s.t.Helper()
	s.eventually("it is counted", func() (ok bool) {
		s.locked(func() { ok = len(s.served)+s.broken >= n })
		return ok
	})
}

// on runs do on a loop and waits: what had come to the loop before is done then.
func (s *relayStage) on(n *relays, do func()) {
	over := make(chan struct{})
	// The round that a Post falls into may have looked for events before it.
	n.loop.Post(func() { n.loop.Post(func() { do(); close(over) }) })
	<-over
}

// settle waits until the loops have seen what has come to them.
func (s *relayStage) settle() {
	for _, n := range s.all() {
		s.on(n, func() {})
	}
}

// freeze lets no loop do anything until it is told to go on.
func (s *relayStage) freeze() (thaw func()) {
	release := make(chan struct{})
	for _, n := range s.all() {
		s.on(n, func() {})
		frozen := make(chan struct{})
		n.loop.Post(func() { close(frozen); <-release })
		<-frozen
	}
	return func() { close(release) }
}

// under counts the relays that wait for an edge, and idle lines.
func (s *relayStage) under() (waiting, idle int) {
	for _, n := range s.all() {
		s.on(n, func() {
			for r := n.waiting.first; r != nil; r = r.after {
				waiting++
			}
			for _, list := range n.idle {
				idle += len(list)
			}
		})
	}
	return waiting, idle
}

// nothingLeft is for when the loops have ended.
func (s *relayStage) nothingLeft() {
	for _, n := range s.all() {
		if n.waiting.first != nil || n.waiting.last != nil || len(n.idle) != 0 || len(n.pipes) != 0 {
			s.t.Errorf("left: waiting %v, lines %v, %d pipes", n.waiting.first, n.idle, len(n.pipes))
		}
		for _, r := range n.spare {
			if r.conn != nil || r.line != nil || r.pipe != nil || r.listed || len(r.held) != 0 {
				s.t.Errorf("a spare relay holds %+v", r)
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

func (s *relayStage) eventually(what string, good func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !good(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("in vain: %s; %d connections, requests: %d quick, %d away, %d to net/http", what,
				s.loops.Connections(), s.ways.Quick.Load(), s.ways.Away.Load(), s.ways.Fallback.Load())
		}
	}
}

// viewer is one who reads when it likes.
type viewer struct {
	*net.TCPConn
	in *bufio.Reader
	s  *relayStage
}

func (s *relayStage) dial() *viewer {
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
func (s *relayStage) get(method, path string, fields ...string) got {
	s.t.Helper()
	v := s.dial()
	defer v.Close()
	v.ask(method, path, fields...)
	return v.read(method)
}

// pair is a scripted edge and one that is well, with the same object.
func pair(t *testing.T, cfg carryConfig, body string, answer func(c net.Conn, ask string)) (s *relayStage, first *scripted) {
	t.Helper()
	first = script(t, answer)
	second := script(t, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	return openRelays(t, relayOptions{cfg: cfg, edges: []target{first.target("edge-1"), second.target("edge-2")}}), first
}
