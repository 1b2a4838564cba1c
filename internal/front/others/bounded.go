package others

import "net"

// bounded is a listener that is the nodes' own.
type bounded struct {
	net.Listener
	of *Listener
}

// Bound keeps strangers few at a listener that is the nodes' own, as where viewers call as
// well: anybody who reaches it could hold all descriptors of the process.
func Bound(ln net.Listener) net.Listener { return bounded{ln, New(ln.Addr())} }

// Accept is a net.Listener's. One too many is reset.
func (b bounded) Accept() (net.Conn, error) {
	for {
		accepted, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := accepted.(*net.TCPConn)
		if !ok {
			return accepted, nil
		}
		if b.of.open.Add(1) > openMost {
			b.of.open.Add(-1)
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
			continue
		}
		c := &conn{TCPConn: tcp, leave: func(bool) { b.of.open.Add(-1) }}
		b.of.meet(c)
		return c, nil
	}
}
