package front

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/budget"
	"tandem/internal/front/incoming"
	"tandem/internal/front/kernel"
	"tandem/internal/front/streams"
	"tandem/internal/front/turns"
	"tandem/internal/h1"
	"tandem/internal/proxied"
)

// Config says who answers, and what clients may take.
type Config struct {
	Handler http.Handler        // whatever may wait
	Quick   func(l *Loop) Quick // one a loop; nil: all goes to Handler

	TLS   *tls.Config     // nil: plain
	HTTP2 *streams.Config // for connections whose client has chosen it, with TLS; nil: nobody may

	Others *Others // takes connections that speak TLS where TLS is nil; nil: they are malformed

	Loops       int           // 0: as many as processors
	Limits      h1.Limits     // of requests' heads; zero: those of viewers
	HeadTimeout time.Duration // for a head to arrive, from its first byte or the connection's beginning
	IdleTimeout time.Duration // between requests
	MaxQueue    int           // bytes of answers in the kernel for one client that could not be sent yet; 0: what the system likes
	MinRate     int64         // bytes a second below which a client that has something to take is cut off; 0: never
	BodyRate    int64         // the same, of bodies that clients send; 0: any rate will do
	BodyGrace   time.Duration // for which nothing of a body may come, or too little

	Proxies proxied.Config // who stands before this server, and says for whom

	Enter    func(address string) (client any, ok bool)            // a connection begins; false: it is one too many, and is reset. Leave is told of whatever client it gives
	Proves   func(client any, h *h1.Request) bool                  // whether a connection's first request is a node's: such a one is never too many, nor too slow; nil: none is
	Asks     func(h *h1.Request) string                            // for whose address a node's request is made, empty: its own; nil: likewise
	Leave    func(client any)                                      // it has ended
	Context  func(ctx context.Context, client any) context.Context // of a request that goes away
	Ways     *Ways                                                 // counts; nil: nobody wants to know
	Unshaken func(err error)                                       // a handshake failed
	Slow     func()                                                // a client was cut off
	Noisy    func()                                                // one of HTTP/2 was, that sent too much that asks for nothing (h2)
	Streams  func(client any, tcp *net.TCPConn) (over func())      // a client's connection speaks HTTP/2 from now on: goroutines write to it, until over is called
	Held     *budget.Held                                          // bounds what the kernel holds for clients that do not take it; nil: nothing does. Nodes don't count
	Received func(client any) int64                                // of that, in bytes, what a goroutine's response to a client is given elsewhere; nil: nothing
	Relieved func(held int64)                                      // a client was reset because of so many bytes of Held
	Panic    func(r *http.Request, why any)                        // a handler panicked, not by http.ErrAbortHandler

	// 0, nil: those of the room. Tests have less time, and files that are where they say.
	lingerFor, halfFor, paceEvery, weighEvery time.Duration

	resident func(file *os.File, offset int64) bool // whether a byte is in memory
}

// Ways counts requests by the way they went: answered on a loop (or begun there), or
// by a goroutine.
type Ways struct{ Quick, Away atomic.Int64 }

func (c *Config) fill() {
	if c.Loops == 0 {
		c.Loops = kernel.Processors
	}
	if c.Limits == (h1.Limits{}) {
		c.Limits = h1.Viewers
	}
	if c.HeadTimeout == 0 {
		c.HeadTimeout = 5 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 75 * time.Second
	}
	if c.lingerFor == 0 {
		c.lingerFor = lingerFor
	}
	if c.halfFor == 0 {
		c.halfFor = halfFor
	}
	if c.paceEvery == 0 {
		c.paceEvery = paceEvery
	}
	if c.BodyGrace == 0 {
		c.BodyGrace = incoming.Grace
	}
	if c.weighEvery == 0 {
		c.weighEvery = weighEvery
	}
	if c.resident == nil {
		c.resident = kernel.InMemory
	}
	if c.Enter == nil {
		c.Enter = func(string) (any, bool) { return nil, true }
	}
	if c.Leave == nil {
		c.Leave = func(any) {}
	}
	if c.Context == nil {
		c.Context = func(ctx context.Context, _ any) context.Context { return ctx }
	}
	if c.Ways == nil {
		c.Ways = new(Ways)
	}
	if c.Unshaken == nil {
		c.Unshaken = func(error) {}
	}
	if c.Slow == nil {
		c.Slow = func() {}
	}
	if c.Noisy == nil {
		c.Noisy = func() {}
	}
	if c.Streams == nil {
		c.Streams = func(any, *net.TCPConn) func() { return func() {} }
	}
	if c.Panic == nil {
		c.Panic = func(*http.Request, any) {}
	}
}

// Server serves one listener.
type Server struct {
	cfg       Config
	ctx       context.Context // of all requests that are away; ended by Close
	cancel    context.CancelFunc
	loops     []*Loop
	streams   *streams.Server // for HTTP/2; nil: none
	turns     *turns.Turns    // of handshakes, and of requests of HTTP/2 that begin
	writes    *turns.Turns    // of what is sealed and written over HTTP/2
	draining  atomic.Bool
	lameDuck  atomic.Bool    // every answer is the last one of its connection
	open      atomic.Int64   // connections
	away      sync.WaitGroup // requests that are away, handshakes, and connections that speak HTTP/2
	accepting atomic.Int64   // loops that accept connections
	unlisten  func()         // closes the listener, when none does

	mu      sync.Mutex
	started bool           // guarded by mu
	closed  bool           // guarded by mu
	running sync.WaitGroup // loops
}

// New starts nothing.
func New(cfg Config) *Server {
	cfg.fill()
	s := &Server{cfg: cfg, turns: turns.New(kernel.Processors), writes: turns.New(writesAtOnce * kernel.Processors)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if cfg.TLS != nil && cfg.HTTP2 != nil {
		s.speaks(*cfg.HTTP2)
	}
	return s
}

// speaks makes a server for HTTP/2.
func (s *Server) speaks(cfg streams.Config) {
	next := cfg.Handler
	cfg.Limits, cfg.Panic = s.cfg.Limits, s.cfg.Panic
	cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = s.asks(r)
		if s.lameDuck.Load() {
			w.Header().Set("Connection", "close") // GOAWAY
		}
		next.ServeHTTP(w, r)
	})
	s.streams = streams.New(cfg)
}

// Serve answers at a TCP listener until Shutdown or Close; then it returns
// http.ErrServerClosed. The listener is closed.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("front: %T is no TCP listener", ln)
	}
	file, err := tcp.File()
	if err != nil {
		return fmt.Errorf("front: listener: %w", err)
	}
	defer file.Close()
	fd := int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("front: listener: %w", err)
	}
	kernel.ProbeSilent(fd)
	kernel.ReserveDescriptors()
	if err := s.start(fd, ln.Addr(), func() { _, _ = ln.Close(), file.Close() }); err != nil {
		return err
	}
	s.running.Wait()
	return http.ErrServerClosed
}

// start opens the loops and lets them run.
func (s *Server) start(listener int, addr net.Addr, unlisten func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.closed {
		return http.ErrServerClosed
	}
	for i := range s.cfg.Loops {
		l, err := newLoop(s, i)
		if err == nil {
			s.loops = append(s.loops, l)
			err = l.listen(listener)
		}
		if err != nil {
			for _, opened := range s.loops {
				opened.release()
			}
			s.loops = nil
			return fmt.Errorf("front: loop: %w", err)
		}
	}
	kernel.MakeRoom(len(s.loops))
	s.started = true
	s.unlisten = unlisten
	s.accepting.Store(int64(len(s.loops)))
	for _, l := range s.loops {
		s.running.Go(l.run)
	}
	return nil
}

// LameDuck makes every answer the last one of its connection, as Connection:
// close says to the client. New connections are accepted all the same.
func (s *Server) LameDuck() { s.lameDuck.Store(true) }

// StopAccepting closes the listener; the connections that there are stay.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	loops, started := s.loops, s.started && !s.closed
	s.mu.Unlock()
	if !started {
		return
	}
	var stopped sync.WaitGroup
	for _, l := range loops {
		stopped.Add(1)
		if !s.postOpen(l, func() {
			l.accepts.stop()
			stopped.Done()
		}) {
			stopped.Done() // Close stops it
		}
	}
	stopped.Wait()
}

// Turn returns when every loop has turned once, or ctx has ended.
func (s *Server) Turn(ctx context.Context) error {
	s.mu.Lock()
	loops := s.loops
	s.mu.Unlock()
	turned := make(chan struct{}, len(loops))
	for _, l := range loops {
		if !s.postOpen(l, func() { turned <- struct{}{} }) {
			return http.ErrServerClosed
		}
	}
	for range loops {
		select {
		case <-turned:
		case <-ctx.Done():
			return fmt.Errorf("a loop of %d has not turned: %w", len(loops), ctx.Err())
		}
	}
	return nil
}

// Shutdown stops accepting, closes idle connections and waits until ctx ends for
// the rest. What is left then goes on until Close.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	loops, started := s.loops, s.started
	s.mu.Unlock()
	if !started {
		return s.Close()
	}
	for _, l := range loops {
		s.postOpen(l, l.drain)
	}
	if s.streams != nil {
		if err := s.streams.Shutdown(ctx); err != nil {
			return err
		}
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.open.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return s.Close()
}

// Close resets all connections and returns when no goroutine is left.
func (s *Server) Close() error {
	s.draining.Store(true)
	s.mu.Lock()
	again := s.closed
	s.closed = true
	loops := s.loops
	s.mu.Unlock()
	if again {
		s.running.Wait()
		return nil
	}
	s.cancel()
	var aborted sync.WaitGroup
	for _, l := range loops {
		aborted.Add(1)
		l.Post(func() {
			l.abort()
			aborted.Done()
		})
	}
	aborted.Wait() // nothing goes away any more
	if s.streams != nil {
		s.streams.Close()
	}
	s.away.Wait()
	for _, l := range loops {
		l.Post(func() { l.ended = true })
	}
	s.running.Wait()
	kernel.MakeRoom(-len(loops))
	return nil
}

// postOpen posts to a loop, but when Close has begun: a loop that has ended has
// no bell, and its number may be another's.
func (s *Server) postOpen(l *Loop, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		l.Post(f)
	}
	return !s.closed
}

// Connections counts those that there are.
func (s *Server) Connections() int { return int(s.open.Load()) }

// least is the loop with the fewest connections.
func (s *Server) least() *Loop {
	best := s.loops[0]
	for _, l := range s.loops[1:] {
		if l.held.Load() < best.held.Load() {
			best = l
		}
	}
	return best
}
