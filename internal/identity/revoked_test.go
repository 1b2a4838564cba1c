package identity

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
)

// A revoked node would not end the connection on which it is asked: who dialled it asks
// no more on it, and takes no more of what comes.
func TestRevocationEndsTheUseOfAConnectionThatWasDialled(t *testing.T) {
	c := newTown(t)
	edge, lb := c.node(Edge, "edge-1"), c.node(Balancer, "lb-1")
	ln, err := tls.Listen("tcp", "127.0.0.1:0", lb.Server(ProtocolHTTP))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	dial := func() net.Conn {
		conn, err := edge.Dial(t.Context(), ln.Addr().String(), Want{Role: Balancer, Node: "lb-1"}, ProtocolHTTP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	asks, waits := dial(), dial()
	say := func(conn net.Conn, text string) error {
		_, err := conn.Write([]byte(text))
		return err
	}
	hear := func(conn net.Conn) (string, error) {
		buf := make([]byte, 16)
		n, err := conn.Read(buf)
		return string(buf[:n]), err
	}
	for _, conn := range []net.Conn{asks, waits} {
		if err := say(conn, "before"); err != nil {
			t.Fatal(err)
		}
		if text, err := hear(conn); text != "before" || err != nil {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if err := say(waits, "an answer"); err != nil {
		t.Fatal(err)
	}
	edge.Revoke(map[string]uint64{"edge-9": 9}) // somebody else
	if err := say(asks, "after"); err != nil {
		t.Error("another one's revocation:", err)
	}
	edge.Revoke(map[string]uint64{"lb-1": 1})
	if err := say(asks, "more"); !errors.Is(err, ErrRevoked) {
		t.Error("it is asked:", err)
	}
	if text, err := hear(waits); text != "" || !errors.Is(err, ErrRevoked) {
		t.Errorf("what it says is taken: %q, %v", text, err)
	}
	if strange, altered := edge.Counts.Strange.Load(), edge.Counts.Altered.Load(); strange+altered != 0 {
		t.Errorf("counted as %d strange and %d altered", strange, altered)
	}
}
