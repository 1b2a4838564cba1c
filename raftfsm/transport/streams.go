package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/identity"
	"tandem/internal/names"
)

// maxHandshakes bounds the connections that have not proved themselves yet. One more ends
// the one that came first: a node has proved itself long before, where strangers come by
// the hundred a second, and say nothing.
const maxHandshakes = 256

// dialTimeout is how long a connection to a peer may take to come about: a lost
// packet is sent again after a second, so no longer than that.
const dialTimeout = time.Second

// ErrForeign is for a handshake with somebody who does not belong to the cluster.
var ErrForeign = errors.New("the other side does not hold the cluster's secret")

// ErrOvertaken is what others are answered by a node of an earlier era.
var ErrOvertaken = errors.New("the cluster was recovered without this balancer, whose disk is of before")

// streams is TCP with a handshake under Raft's transport. A connection that
// does not pass gets not one byte and is closed.
type streams struct {
	listener net.Listener
	address  address // what others dial
	name     string  // of this node
	key      []byte
	identity *identity.Bundle // nil: what is said is not encrypted
	ready    chan net.Conn
	done     chan struct{} // closed by Close
	closing  sync.Once
	loops    sync.WaitGroup
	refused  atomic.Int64
	era      atomic.Uint64
	second   func(name string) string // where to call a node where nobody answers, "": nowhere; set before the first Dial

	mu    sync.Mutex
	open  map[net.Conn]*tls.Conn // guarded by mu: all there are, so that nobody need wait for one that hangs; nil: without TLS, or not through with it
	ended bool                   // guarded by mu

	proving []net.Conn // guarded by mu; in the order in which they came
}

// peerConn is a connection of which streams know: tcp, or TLS over it.
type peerConn struct {
	net.Conn
	tcp net.Conn
	of  *streams
}

// Close closes the connection, without a word that a silent peer could hold up, and
// forgets it.
func (c peerConn) Close() error {
	c.of.release(c.tcp)
	return c.tcp.Close()
}

// address is what a node is reached at; it may be a name, which net.TCPAddr
// can't hold.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// openStreams takes the listener over.
func openStreams(o Options) (*streams, error) {
	advertise := o.Advertise
	if advertise == "" {
		advertise = o.Listener.Addr().String()
	}
	host, port, err := net.SplitHostPort(advertise)
	if err != nil {
		return nil, fmt.Errorf("--raft-advertise: %q: %w", advertise, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("--raft-advertise: others can't dial %s: give a name or an address of this machine, like 10.0.0.1:%s", advertise, port)
	}
	if port == "0" {
		return nil, fmt.Errorf("--raft-advertise: others can't dial port 0 (%s)", advertise)
	}
	s := &streams{
		listener: o.Listener, address: address(advertise), name: o.Name, key: o.Key, identity: o.Identity,
		ready: make(chan net.Conn), done: make(chan struct{}),
		open: map[net.Conn]*tls.Conn{},
	}
	s.era.Store(o.Era)
	s.loops.Go(s.accept)
	return s, nil
}

// accept lets each connection prove itself on a goroutine of its own, so that
// one that says nothing keeps nobody waiting.
func (s *streams) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			select {
			case <-s.done:
				return
			case <-time.After(10 * time.Millisecond): // out of files, perhaps
				continue
			}
		}
		s.meet(conn)
		s.loops.Go(func() { s.prove(conn) })
	}
}

// meet notes a connection that proves itself, and ends the first one where there are too
// many.
func (s *streams) meet(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proving = append(s.proving, conn)
	if len(s.proving) > maxHandshakes {
		_ = s.proving[0].Close() // it is refused where it waits
		s.proving = slices.Delete(s.proving, 0, 1)
	}
}

// met forgets one that has proved itself, or has ended.
func (s *streams) met(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.proving, conn); i >= 0 {
		s.proving = slices.Delete(s.proving, i, i+1)
	}
}

func (s *streams) prove(conn net.Conn) {
	defer s.met(conn)
	if !s.hold(conn) {
		_ = conn.Close()
		return
	}
	held, era := peerConn{conn, conn, s}, s.era.Load()
	err := s.named(&held)
	if err == nil {
		err = admit(held.Conn, keyOf(s.key, era), s.name, handshakeTimeout)
	}
	if err != nil || s.era.Load() != era {
		s.refused.Add(1)
		_ = held.Close()
		return
	}
	s.met(conn)
	select {
	case s.ready <- held:
	case <-s.done:
		_ = held.Close()
	}
}

// named finds out by its certificate who has called: a balancer, or nobody.
func (s *streams) named(c *peerConn) error {
	if s.identity == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	conn := tls.Server(c.tcp, s.identity.Server(identity.ProtocolRaft))
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	state := conn.ConnectionState()
	peer, err := s.identity.Peer(&state)
	if err != nil {
		return err
	}
	if !peer.Role.Is(identity.Balancer) {
		return fmt.Errorf("%w: %s is %s", ErrForeign, peer.Node, peer.Role)
	}
	s.note(c, conn)
	return nil
}

// note keeps a connection of TLS, to be looked at again.
func (s *streams) note(c *peerConn, conn *tls.Conn) {
	c.Conn = conn
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c.tcp]; ok {
		s.open[c.tcp] = conn
	}
}

// call makes a connection that was dialled one to a balancer, known by its
// certificate.
func (s *streams) call(c *peerConn, addr, name string, timeout time.Duration) error {
	if s.identity == nil {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn := tls.Client(c.tcp, s.identity.Client(host, identity.Want{Role: identity.Balancer, Node: name}, identity.ProtocolRaft))
	if err := s.identity.Told(conn.HandshakeContext(ctx)); err != nil {
		return err
	}
	s.note(c, conn)
	c.Conn = s.identity.Watch(conn)
	return nil
}

// endUntrusted ends the connections of those whose certificates count no longer.
func (s *streams) endUntrusted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tcp, conn := range s.open {
		if conn == nil {
			continue
		}
		state := conn.ConnectionState()
		if _, err := s.identity.Peer(&state); err != nil {
			_ = tcp.Close()
		}
	}
}

func (s *streams) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.open[conn] = nil
	}
	return !s.ended
}

func (s *streams) release(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// Accept is the next connection of a node of this cluster.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case conn := <-s.ready:
		return conn, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Dial connects to another node and proves both sides. Where it is not, or somebody else
// is, it is called where it says that it listens. One that shuts us out is called once
// more as builds before names are.
func (s *streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	name, addr := callee(to)
	conn, err := s.dial(addr, name, timeout)
	if err != nil && name != "" && s.second != nil {
		if at := s.second(name); at != "" && at != addr {
			if conn, err := s.dial(at, name, timeout); err == nil {
				return conn, nil
			}
		}
	}
	if err != nil && name != "" && errors.Is(err, errUnanswered) {
		conn, err = s.dial(addr, "", timeout)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	return conn, nil
}

func (s *streams) dial(addr, name string, timeout time.Duration) (net.Conn, error) {
	conn, err := names.Dial(context.Background(), &net.Dialer{Timeout: min(timeout, dialTimeout)}, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if !s.hold(conn) {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	held, era := peerConn{conn, conn, s}, s.era.Load()
	if err = s.call(&held, addr, name, min(timeout, handshakeTimeout)); err == nil {
		err = greet(held.Conn, keyOf(s.key, era), name, min(timeout, handshakeTimeout))
	}
	if err == nil && s.era.Load() != era {
		err = ErrOvertaken
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("raft handshake: %w", err), held.Close())
	}
	return held, nil
}

// Addr is what the others dial.
func (s *streams) Addr() net.Addr { return s.address }

// cut ends every connection, and lets no new one come about: what waits for a
// peer's answer waits no longer.
func (s *streams) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for conn := range s.open {
		_ = conn.Close()
	}
}

// Close ends the listener and every connection, and waits for the goroutines. A
// second time changes nothing.
func (s *streams) Close() error {
	s.cut()
	var err error
	s.closing.Do(func() {
		close(s.done)
		err = s.listener.Close()
		s.loops.Wait()
	})
	return err
}

// enter makes the era another one: what was let in before is shut out.
func (s *streams) enter(era uint64) {
	s.era.Store(era)
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		_ = conn.Close()
	}
}

var _ raft.StreamLayer = (*streams)(nil)
