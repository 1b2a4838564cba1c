package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

// connQueue is the fallback server's listener.
type connQueue struct {
	addr  net.Addr
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func newConnQueue(addr net.Addr) *connQueue {
	return &connQueue{addr: addr, conns: make(chan net.Conn), over: make(chan struct{})}
}

// Accept is a net.Listener's.
func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.over:
		return nil, net.ErrClosed
	}
}

// Close is a net.Listener's.
func (q *connQueue) Close() error {
	q.once.Do(func() { close(q.over) })
	return nil
}

// Addr is a net.Listener's.
func (q *connQueue) Addr() net.Addr { return q.addr }

// Handed is a connection that the fallback server got from a loop.
type Handed struct {
	*net.TCPConn
	prefix []byte // read before
	client any
	leave  func(client any)
	once   sync.Once
}

// Client is what Config.Enter gave.
func (h *Handed) Client() any { return h.client }

// Read gives first what had been read before.
func (h *Handed) Read(b []byte) (int, error) {
	if len(h.prefix) > 0 {
		n := copy(b, h.prefix)
		h.prefix = h.prefix[n:]
		return n, nil
	}
	return h.TCPConn.Read(b)
}

// WriteTo goes by Read: the TCPConn's own does not know what had been read before.
func (h *Handed) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{h}) }

// Close is a net.Conn's.
func (h *Handed) Close() error {
	h.once.Do(func() { h.leave(h.client) })
	return h.TCPConn.Close()
}

// handOver gives the connection, beginning with the request in h, to the
// fallback server.
func (c *Conn) handOver(h *h1.Request) {
	s := c.loop.server
	tcp, err := socketOf(c.fd)
	if err != nil {
		c.Reset()
		return
	}
	handed := &Handed{TCPConn: tcp, prefix: append([]byte(h.Text), c.input...), client: c.client, leave: s.cfg.Leave}
	c.loop.Forget(c.fd) // the socket lives on, so its end would not do that
	c.state, c.input = closed, nil
	_ = unix.Close(c.fd)
	c.over(false)
	s.away.Add(1)
	go func() {
		select {
		case s.queue.conns <- handed: // until its last state
		case <-s.queue.over:
			_ = handed.Close()
			s.away.Done()
		}
	}()
}

// adopt makes f the fallback server: its goroutines are waited for by Close, and
// their requests end then.
func (s *Server) adopt(f *http.Server) {
	f.Handler = lastUnless(s.cfg.Foreign, f.Handler)
	f.DisableGeneralOptionsHandler = true // it would go by lastUnless
	if f.BaseContext == nil {
		f.BaseContext = func(net.Listener) context.Context { return s.ctx }
	}
	told := f.ConnState
	f.ConnState = func(conn net.Conn, state http.ConnState) {
		if told != nil {
			told(conn, state)
		}
		if _, handed := conn.(*Handed); handed && (state == http.StateClosed || state == http.StateHijacked) {
			s.away.Done()
		}
	}
}

// lastUnless closes the fallback server's connections after an answer that is not
// to a foreign request: it reads heads less strictly than this room does, so it
// gets no second one from anybody.
func lastUnless(foreign func(target string) bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !foreign(r.RequestURI) {
			w.Header().Set("Connection", "close")
		}
		if r.Method == http.MethodOptions && r.RequestURI == "*" {
			w.Header().Set("Content-Length", "0") // what net/http says of a whole server
			return
		}
		h.ServeHTTP(w, r)
	})
}

// ClientOf finds what Config.Enter gave in a connection of the fallback server.
func ClientOf(conn net.Conn) (client any, ok bool) {
	h, ok := conn.(*Handed)
	if !ok {
		return nil, false
	}
	return h.client, true
}
