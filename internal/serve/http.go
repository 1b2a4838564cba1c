package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/front/h2"
)

// HTTP makes a server of net/http one that can go in order. With a config it
// speaks TLS. The server is not to be used otherwise afterwards.
//
// HTTP/2 is for those whose server says how much of it (HTTP2): what net/http takes of a
// client by itself has no bound, and nodes ask each other by HTTP/1.1.
func HTTP(s *http.Server, config *tls.Config) Server {
	h := &httpServer{Server: s, gone: make(chan struct{})}
	if s.HTTP2 == nil {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
	}
	h.TLSConfig = config
	next, states := s.Handler, s.ConnState
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.leaving.Load() {
			w.Header().Set("Connection", "close") // HTTP/2 says GOAWAY
		}
		next.ServeHTTP(w, r)
	})
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			h.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			h.open.Add(-1)
		}
		if states != nil {
			states(c, state)
		}
	}
	return h
}

type httpServer struct {
	*http.Server
	leaving atomic.Bool
	open    atomic.Int64

	mu      sync.Mutex
	ln      net.Listener // guarded by mu
	stopped bool         // guarded by mu; the listener is closed, and Serve waits for Shutdown or Close
	gone    chan struct{}
	once    sync.Once
}

// Serve is a Server's.
func (h *httpServer) Serve(ln net.Listener) error {
	h.mu.Lock()
	h.ln = ln
	h.mu.Unlock()
	var err error
	if h.TLSConfig != nil {
		err = h.ServeTLS(ln, "", "")
	} else {
		err = h.Server.Serve(ln)
	}
	h.mu.Lock()
	stopped := h.stopped
	h.mu.Unlock()
	if stopped && errors.Is(err, net.ErrClosed) {
		<-h.gone
		return http.ErrServerClosed
	}
	return err
}

// LameDuck is a Server's.
func (h *httpServer) LameDuck() { h.leaving.Store(true) }

// StopAccepting is a Server's.
func (h *httpServer) StopAccepting() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	if h.ln != nil {
		_ = h.ln.Close()
	}
}

// Connections is a Server's.
func (h *httpServer) Connections() int { return int(h.open.Load()) }

// Shutdown is a Server's.
func (h *httpServer) Shutdown(ctx context.Context) error {
	defer h.once.Do(func() { close(h.gone) })
	return ignoreClosed(h.Server.Shutdown(ctx))
}

// Close is a Server's.
func (h *httpServer) Close() error {
	defer h.once.Do(func() { close(h.gone) })
	return ignoreClosed(h.Server.Close())
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Admin is the listener for operators, with TLS where there is a config. Its streams of events never end by
// themselves, so nobody waits for them.
func Admin(ln net.Listener, h http.Handler, config *tls.Config, places Places) Listener {
	s := &http.Server{
		Handler: timely(headed(h), orderTime, takeTime), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: adminHead,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: adminStreams, MaxReceiveBufferPerConnection: adminUnread}, ErrorLog: stdlog.New(unshaken{}, "", 0),
	}
	metered := h2.Server(s, func(from net.Addr) {
		stdlog.Printf("admin-listen: the connection of %s is reset: it sends frames of HTTP/2 that ask for nothing", from)
	})
	return Listener{Name: "admin-listen", Socket: ln, Nodes: true, Abrupt: true, Server: bounded{HTTP(s, config), places, metered}}
}

// headed answers HEAD as GET (RFC 9110 section 9.3.2), without its body, which net/http leaves
// out: monitors ask /readyz so.
func headed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			asGet := *r
			asGet.Method = http.MethodGet
			r = &asGet
		}
		next.ServeHTTP(w, r)
	})
}

// Bounds of an operator's connection.
const (
	adminHead    = 64 << 10  // bytes of a request's head
	adminStreams = 50        // requests of HTTP/2 at once
	adminUnread  = 256 << 10 // bytes of their bodies that nobody has read yet; less than h2.Free, or they would be noise
)

// unshaken passes net/http's lines on to the log, but for handshakes that failed: probes
// of ports would fill it, and who dialled says why.
type unshaken struct{}

// Write takes one line.
func (unshaken) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		stdlog.Print(string(line))
	}
	return len(line), nil
}

var _ Server = (*httpServer)(nil)
