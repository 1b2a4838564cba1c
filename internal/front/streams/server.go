package streams

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"tandem/internal/front/h2"
	"tandem/internal/h1"
)

// Config says who answers, and what a client may take.
type Config struct {
	Handler http.Handler
	Limits  h1.Limits // of a request's head; zero: those of viewers
	Streams int       // requests at once of a connection; 0: 100

	IdleTimeout  time.Duration // without a request; 0: 75 s
	FrameTimeout time.Duration // for a frame, or a head, from its first byte; 0: 5 s
	PingAfter    time.Duration // without a frame while there are requests, until the client is asked whether it is there; 0: 15 s
	PingTimeout  time.Duration // for its answer; 0: 15 s
	WriteTimeout time.Duration // for the kernel to take something of what is written; 0: 30 s

	MinRate int64  // bytes a second below which a stream whose client has something to take is reset; 0: never
	Slow    func() // one was; nil: nobody wants to know

	Panic func(r *http.Request, why any) // a handler panicked, not by http.ErrAbortHandler; nil: nobody wants to know
}

func (c *Config) fill() {
	if c.Limits == (h1.Limits{}) {
		c.Limits = h1.Viewers
	}
	if c.Streams == 0 {
		c.Streams = 100
	}
	for _, limit := range []struct {
		of  *time.Duration
		say time.Duration
	}{
		{&c.IdleTimeout, 75 * time.Second},
		{&c.FrameTimeout, 5 * time.Second},
		{&c.PingAfter, 15 * time.Second},
		{&c.PingTimeout, 15 * time.Second},
		{&c.WriteTimeout, 30 * time.Second},
	} {
		if *limit.of == 0 {
			*limit.of = limit.say
		}
	}
	if c.Slow == nil {
		c.Slow = func() {}
	}
	if c.Panic == nil {
		c.Panic = func(*http.Request, any) {}
	}
}

// Conn is what a connection is read from and written to: bytes above TLS. One goroutine
// reads, one writes, and any closes it.
type Conn interface {
	net.Conn
	CloseWrite() error

	// Progress is how many bytes the client has acknowledged, and how many the kernel holds
	// for which it has not.
	Progress() (acked uint64, waiting int)

	// Seal takes bytes that Send then writes; it keeps none of b. Send fails when the kernel
	// takes nothing for as long as limit.
	Seal(b []byte) error
	Send(limit time.Duration) error

	// Turn waits for the client's turn to let a request begin, which lasts until begun is called.
	Turn() (begun func())
}

// Server serves connections that it is given.
type Server struct {
	cfg Config

	mu    sync.Mutex
	conns map[*conn]struct{} // guarded by mu
	ends  bool               // guarded by mu; a connection that comes ends after its first requests
	over  bool               // guarded by mu; none is served any more
	empty *sync.Cond         // there are none

	calls *workers
}

// New starts nothing.
func New(cfg Config) *Server {
	cfg.fill()
	s := &Server{cfg: cfg, conns: map[*conn]struct{}{}, calls: newWorkers()}
	s.empty = sync.NewCond(&s.mu)
	return s
}

// Serve answers a connection's requests, with contexts of ctx, until it has ended, and
// closes it.
func (s *Server) Serve(ctx context.Context, over Conn, state *tls.ConnectionState, meter *h2.Meter) {
	c := newConn(ctx, s, over, state, meter)
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		c.stop()
		_ = over.Close()
		return
	}
	s.conns[c] = struct{}{}
	c.ends = s.ends
	s.mu.Unlock()
	c.serve()
	s.mu.Lock()
	delete(s.conns, c)
	s.empty.Broadcast()
	s.mu.Unlock()
}

// Shutdown tells all clients that they are to go elsewhere (GOAWAY), and waits until ctx
// ends for their requests, and for the last connection.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.ends = true
	all := s.all()
	s.mu.Unlock()
	for _, c := range all {
		c.leave()
	}
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.empty.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.empty.Wait()
	}
	return nil
}

// Close ends all connections, and returns when their goroutines have.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, c := range s.all() {
		c.cut()
	}
	for len(s.conns) > 0 {
		s.empty.Wait()
	}
	s.calls.end()
}

// all is for who holds mu.
func (s *Server) all() []*conn {
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}
