package others

import (
	order "container/list"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of connections that are handed over: how many there may be, how many of those
// on which no node has been let through, and how many may wait for who takes them. A
// client's place is kept as long as it has one.
const (
	openMost      = 8192
	strangersMost = 1024
	waitingMost   = 1024
)

// toldMost is how many bytes a stranger is told: a handshake, and why he is refused. Who asks
// for more, and reads none of it, would have it lie in the kernel: each key's update of TLS 1.3
// is answered (RFC 8446 section 4.6.3).
const toldMost = 64 << 10

// takeLimit is how long a stranger may take to take what he is told.
const takeLimit = 10 * time.Second

var errStranger = errors.New("a stranger is told no more")

// Listener is a listener for the connections that speak TLS where requests are expected
// in clear: those of nodes, who find each other at one port. Whoever serves it says
// who may ask what.
type Listener struct {
	addr  net.Addr
	open  atomic.Int64
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	most  int // strangers
	limit time.Duration

	mu        sync.Mutex
	strangers order.List // of *conn, in the order in which they came; guarded by mu
}

// New is for a server that listens at an address.
func New(addr net.Addr) *Listener {
	return &Listener{addr: addr, conns: make(chan net.Conn, waitingMost), done: make(chan struct{}), most: strangersMost, limit: takeLimit}
}

// Accept is a net.Listener's.
func (o *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.done:
		return nil, net.ErrClosed
	}
}

// Close is a net.Listener's. Connections that wait are ended.
func (o *Listener) Close() error {
	o.once.Do(func() { close(o.done) })
	for {
		select {
		case c := <-o.conns:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// Addr is a net.Listener's.
func (o *Listener) Addr() net.Addr { return o.addr }

// Give hands over a connection of which first was read; leave is told when it has ended,
// and whether it was a node's.
func (o *Listener) Give(tcp *net.TCPConn, first []byte, leave func(node bool)) {
	o.open.Add(1)
	c := &conn{TCPConn: tcp, first: append([]byte(nil), first...), leave: func(node bool) {
		leave(node)
		o.open.Add(-1)
	}}
	o.meet(c)
	o.give(c)
}

// give ends a connection when nobody takes it.
func (o *Listener) give(c net.Conn) {
	select {
	case <-o.done:
		_ = c.Close()
		return
	default:
	}
	if o.open.Load() > openMost {
		_ = c.Close()
		return
	}
	select {
	case o.conns <- c:
	default:
		_ = c.Close()
	}
}

// meet notes one of whom nothing is known yet. When there are too many of those the
// one that came first ends: a node has proved itself long before.
func (o *Listener) meet(c *conn) {
	o.mu.Lock()
	c.of, c.stranger, c.limit = o, o.strangers.PushBack(c), o.limit
	var first *conn
	if o.strangers.Len() > o.most {
		first = o.strangers.Remove(o.strangers.Front()).(*conn)
		first.stranger = nil
	}
	o.mu.Unlock()
	if first != nil {
		_ = first.Close()
	}
}

// known takes one out of the strangers.
func (o *Listener) known(c *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.stranger != nil {
		o.strangers.Remove(c.stranger)
		c.stranger = nil
	}
}

// conn is a connection whose first bytes have been read.
type conn struct {
	*net.TCPConn
	first    []byte
	leave    func(node bool)
	once     sync.Once
	node     atomic.Bool // a node was let through on it
	told     atomic.Int64
	limit    time.Duration // for a stranger to take a part of what he is told
	of       *Listener
	stranger *order.Element // guarded by of.mu; nil: it is none, or has gone
}

// Proved says that a node was let through on the connection (internal/rights).
func (c *conn) Proved() {
	if !c.node.Swap(true) {
		_ = c.SetWriteDeadline(time.Time{})
		c.of.known(c)
	}
}

// Read is a net.Conn's.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.TCPConn.Read(b)
}

// Write is a net.Conn's.
func (c *conn) Write(b []byte) (int, error) {
	if c.node.Load() {
		return c.TCPConn.Write(b)
	}
	err := errStranger
	if c.told.Add(int64(len(b))) <= toldMost {
		var n int
		_ = c.SetWriteDeadline(time.Now().Add(c.limit))
		if n, err = c.TCPConn.Write(b); err == nil {
			return n, nil
		}
	}
	_ = c.SetLinger(0)
	_ = c.Close()
	return 0, err
}

// Close is a net.Conn's; the client's place is given back.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.of.known(c)
		c.leave(c.node.Load())
	})
	return c.TCPConn.Close()
}
