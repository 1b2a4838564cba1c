package others

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// Nobody waits for ever, and nothing is kept, when nobody takes them.
func TestHandedOverToNobodyIsEnded(t *testing.T) {
	l := New(nil)
	mine, theirs := net.Pipe()
	l.give(mine)
	_ = l.Close()
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a connection that waited: %v", err)
	}
	late, other := net.Pipe()
	l.give(late)
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("one that came later: %v", err)
	}
	if _, err := l.Accept(); err != net.ErrClosed {
		t.Error(err)
	}
}

// Of strangers there are few: one more ends the one that came first, and none that a
// node was let through on. Whoever goes gives its place back, as what it was.
func TestStrangersAreFew(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := New(ln.Addr())
	l.most = 2
	nodes, left := 0, 0
	meet := func() (c *conn, client net.Conn) {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		tcp, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c = &conn{TCPConn: tcp.(*net.TCPConn), leave: func(node bool) {
			if left++; node {
				nodes++
			}
		}}
		l.meet(c)
		return c, client
	}
	node, ofNode := meet()
	node.Proved()
	node.Proved()
	_, first := meet()
	second, _ := meet()
	_ = second.Close()
	_ = second.Close()
	meet() // in the place of the second
	if left != 1 || nodes != 0 {
		t.Fatalf("%d have left, %d of them nodes", left, nodes)
	}
	meet()
	_ = first.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err != io.EOF || left != 2 {
		t.Errorf("the one that came first: %v; %d have left", err, left)
	}
	if _, err := node.Write([]byte("x")); err != nil {
		t.Error("the node's:", err)
	}
	if _, err := io.ReadFull(ofNode, make([]byte, 1)); err != nil {
		t.Error("the node's:", err)
	}
	_ = node.Close()
	if nodes != 1 || l.strangers.Len() != 2 {
		t.Errorf("%d nodes have left; %d strangers", nodes, l.strangers.Len())
	}
}

// A stranger has little told, and a node what it likes.
func TestAStrangerIsToldLittle(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(ln)
	defer l.Close()
	for _, node := range []bool{false, true} {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if node {
			c.(interface{ Proved() }).Proved()
		}
		go func() { _, _ = io.Copy(io.Discard, client) }()
		part := make([]byte, toldMost/4)
		for i := range 8 {
			if _, err := c.Write(part); (err == nil) != (node || i < 4) {
				t.Errorf("a node %v, part %d: %v", node, i, err)
			}
		}
	}
}

// A stranger that takes nothing is not waited for: a write that has no room holds nobody.
func TestAStrangerThatTakesNothingIsReset(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(ln).(bounded)
	defer l.Close()
	l.of.limit = 50 * time.Millisecond
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.(*net.TCPConn).SetReadBuffer(1024)
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := accepted.(*conn)
	_ = c.SetWriteBuffer(1024)
	defer time.AfterFunc(20*time.Second, func() { _ = c.TCPConn.Close() }).Stop() // else it waits for ever
	for err == nil {
		_, err = c.Write(make([]byte, 4096))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if _, err := c.TCPConn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) || l.of.open.Load() != 0 {
		t.Errorf("its connection is there: %v", err)
	}
}

// At a listener of their own strangers are as few, and a node stays.
func TestStrangersAreFewWhereNodesAreAlone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(ln).(bounded)
	defer l.Close()
	l.of.most = 2
	var here, there []net.Conn
	for i := range 4 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		here, there = append(here, accepted), append(there, c)
		if i == 0 {
			accepted.(interface{ Proved() }).Proved()
		}
	}
	_ = there[1].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := there[1].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the stranger that came first: %v", err)
	}
	if _, err := here[0].Write([]byte("x")); err != nil {
		t.Error("the node:", err)
	}
	if _, err := io.ReadFull(there[0], make([]byte, 1)); err != nil {
		t.Error("the node:", err)
	}
	for _, c := range here {
		_ = c.Close()
	}
	if n := l.of.open.Load(); n != 0 || l.of.strangers.Len() != 0 {
		t.Errorf("%d are open, %d strangers", n, l.of.strangers.Len())
	}
}

// Nor are there more of all than a process has descriptors for: one too many is reset, and
// who goes gives its place back.
func TestConnectionsAreBounded(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := Bound(ln).(bounded)
	b.of.open.Store(openMost - 1)
	accepted := make(chan net.Conn, 3)
	go func() {
		defer close(accepted)
		for {
			c, err := b.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	last := <-accepted
	above, err := net.Dial("tcp", ln.Addr().String())
	if err == nil { // else it was reset before the call came back
		defer above.Close()
		_ = above.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = above.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Error("one too many:", err)
	}
	_ = last.Close()
	dial()
	<-accepted
	_ = ln.Close()
	if c, more := <-accepted; more {
		t.Error("one more was accepted:", c)
	}
}
