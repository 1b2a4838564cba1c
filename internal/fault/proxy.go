package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Proxy listens on an address of its own and passes connections on.
type Proxy struct {
	backend string
	addr    string
	done    sync.WaitGroup

	mu       sync.Mutex
	fault    Fault              // guarded by mu
	struck   int                // guarded by mu
	answers  int                // guarded by mu
	closed   bool               // guarded by mu
	listener net.Listener       // guarded by mu; nil while it refuses
	conns    map[*link]struct{} // guarded by mu
	changed  chan struct{}      // guarded by mu; closed when fault changes
}

// Open listens on a free port of 127.0.0.1 for the backend, "host:port".
func Open(backend string) (*Proxy, error) {
	p := &Proxy{backend: backend, addr: "127.0.0.1:0", conns: map[*link]struct{}{}, changed: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// listen is called with mu held.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	p.listener, p.addr = l, l.Addr().String()
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.serve(conn.(*net.TCPConn))
		}
	}()
	return nil
}

// Addr is where the proxy listens, the same for its whole life.
func (p *Proxy) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addr
}

// Set changes the fault, for answers that begin from now on; what stands still
// goes on. Refuse resets all connections and closes the port; whatever follows
// opens it again.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.fault, p.struck = f, 0
	close(p.changed)
	p.changed = make(chan struct{})
	switch {
	case f.Kind == Refuse && p.listener != nil:
		p.struck++
		_ = p.listener.Close()
		p.listener = nil
		for l := range p.conns {
			l.reset()
		}
	case f.Kind != Refuse && p.listener == nil:
		return p.listen()
	}
	return nil
}

// Struck is how often the fault has happened since it was set.
func (p *Proxy) Struck() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// Answers is how many answers have begun to pass since Open.
func (p *Proxy) Answers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers
}

// Close ends everything.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.conns {
		l.reset()
	}
	p.mu.Unlock()
	p.done.Wait()
	return nil
}

// next is the fault of the answer that begins now, and what tells that another
// fault was set since.
func (p *Proxy) next() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers++
	f := p.fault
	if f.Times > 0 && p.struck >= f.Times {
		f = Fault{}
	}
	if f.Kind != None && f.Kind != "" {
		p.struck++
	}
	return f, p.changed
}

func (p *Proxy) serve(viewer *net.TCPConn) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", p.backend)
	if err != nil {
		_ = viewer.SetLinger(0)
		_ = viewer.Close()
		return
	}
	l := &link{p: p, viewer: viewer, edge: conn.(*net.TCPConn), gone: make(chan struct{})}
	p.mu.Lock()
	if p.closed || p.listener == nil {
		p.mu.Unlock()
		l.reset()
		return
	}
	p.conns[l] = struct{}{}
	p.mu.Unlock()
	p.done.Add(2)
	go func() { defer p.done.Done(); l.requests() }()
	go func() {
		defer p.done.Done()
		if err := l.answers(); errors.Is(err, errStruck) {
			return // the link stands as the fault left it
		}
		l.close()
	}()
}
