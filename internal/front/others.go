package front

import (
	order "container/list"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
)

// recordHandshake begins a connection of TLS (RFC 8446 section 5.1); no request does.
const recordHandshake = 0x16

// Bounds of connections that are handed over: how many there may be, how many of those
// on which no node has been let through, and how many may wait for who takes them. A
// client's place is kept as long as it has one.
const (
	othersOpen      = 8192
	othersStrangers = 1024
	othersMost      = 1024
)

// Others is a listener for the connections that speak TLS where requests are expected
// in clear: those of nodes, who find each other at one port. Whoever serves it says
// who may ask what.
type Others struct {
	addr  net.Addr
	open  atomic.Int64
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	most  int // strangers

	mu        sync.Mutex
	strangers order.List // of *handedOver, in the order in which they came; guarded by mu
}

// NewOthers is for a server that listens at an address.
func NewOthers(addr net.Addr) *Others {
	return &Others{addr: addr, conns: make(chan net.Conn, othersMost), done: make(chan struct{}), most: othersStrangers}
}

// Accept is a net.Listener's.
func (o *Others) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.done:
		return nil, net.ErrClosed
	}
}

// Close is a net.Listener's. Connections that wait are ended.
func (o *Others) Close() error {
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
func (o *Others) Addr() net.Addr { return o.addr }

// give hands a connection over, or ends it when nobody takes it.
func (o *Others) give(c net.Conn) {
	select {
	case <-o.done:
		_ = c.Close()
		return
	default:
	}
	if o.open.Load() > othersOpen {
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
func (o *Others) meet(c *handedOver) {
	o.mu.Lock()
	c.of, c.stranger = o, o.strangers.PushBack(c)
	var first *handedOver
	if o.strangers.Len() > o.most {
		first = o.strangers.Remove(o.strangers.Front()).(*handedOver)
		first.stranger = nil
	}
	o.mu.Unlock()
	if first != nil {
		_ = first.Close()
	}
}

// known takes one out of the strangers.
func (o *Others) known(c *handedOver) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.stranger != nil {
		o.strangers.Remove(c.stranger)
		c.stranger = nil
	}
}

// handedOver is a connection whose first bytes have been read.
type handedOver struct {
	*net.TCPConn
	first    []byte
	leave    func(node bool)
	once     sync.Once
	node     atomic.Bool // a node was let through on it
	of       *Others
	stranger *order.Element // guarded by of.mu; nil: it is none, or has gone
}

// Proved says that a node was let through on the connection (internal/rights).
func (c *handedOver) Proved() {
	if !c.node.Swap(true) {
		c.of.known(c)
	}
}

// Read is a net.Conn's.
func (c *handedOver) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.TCPConn.Read(b)
}

// Close is a net.Conn's; the client's place is given back.
func (c *handedOver) Close() error {
	c.once.Do(func() {
		c.of.known(c)
		c.leave(c.node.Load())
	})
	return c.TCPConn.Close()
}

// handOver takes a connection from its loop that begins with TLS. False: it does not,
// or nobody is there for it.
func handOver(c *Conn, b []byte) bool {
	s, client := c.loop.server, c.client
	if b[0] != recordHandshake || s.cfg.Others == nil {
		return false
	}
	tcp, err := kernel.SocketOf(c.fd)
	if err != nil {
		c.close()
		return true
	}
	other := &handedOver{TCPConn: tcp, first: append([]byte(nil), b...), leave: func(node bool) {
		if n, ok := client.(interface{ Node() }); ok && node {
			n.Node()
		}
		s.cfg.Leave(client)
		s.cfg.Others.open.Add(-1)
	}}
	s.cfg.Others.open.Add(1)
	s.cfg.Others.meet(other)
	c.leave()
	c.loop.tried(c)
	c.loop.Forget(c.fd) // its copy lives on
	_ = unix.Close(c.fd)
	c.state, c.input = closed, nil
	c.loop.held.Add(-1)
	s.open.Add(-1)
	s.cfg.Others.give(other)
	return true
}
