package others

import (
	"net"
	"sync"
)

// Queue is the listener of a server that is given its connections, one by one.
type Queue struct {
	addr  net.Addr
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

// NewQueue is for a server that listens at an address.
func NewQueue(addr net.Addr) *Queue {
	return &Queue{addr: addr, conns: make(chan net.Conn), over: make(chan struct{})}
}

// Put waits until the server takes the connection; false: it takes no more.
func (q *Queue) Put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.over:
		return false
	}
}

// Accept is a net.Listener's.
func (q *Queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.over:
		return nil, net.ErrClosed
	}
}

// Close is a net.Listener's.
func (q *Queue) Close() error {
	q.once.Do(func() { close(q.over) })
	return nil
}

// Addr is a net.Listener's.
func (q *Queue) Addr() net.Addr { return q.addr }
