package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// slowEvery is how often a slow client does something, and slowTakes what a reader then takes,
// in bytes.
const (
	slowEvery = 250 * time.Millisecond
	slowTakes = 16
)

// slow is one client that takes an answer, or sends a head or a body, as slowly as it likes,
// until the server has ended its connection.
func (c *crowdState) slow(ctx context.Context, client int, prefix string) {
	began := time.Now()
	tcp, err := c.dialSlow(ctx, client)
	if err != nil {
		c.fault(ctx, err)
		return
	}
	defer tcp.Close()
	conn := net.Conn(tcp)
	if c.TLS {
		if conn, err = c.secure(ctx, tcp, c.Streams); err != nil {
			c.fault(ctx, err)
			return
		}
	}
	if err := c.beginSlowly(conn, prefix); err != nil {
		c.fault(ctx, err)
		return
	}
	for tick := time.NewTicker(slowEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if c.ended(tcp, conn) {
			c.mu.Lock()
			c.times = append(c.times, time.Since(began))
			c.mu.Unlock()
			return
		}
	}
}

// dialSlow connects with a small window, which a reader fills with little.
func (c *crowdState) dialSlow(ctx context.Context, client int) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: c.address(client), Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1400)
		})
	}}
	conn, err := d.DialContext(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

func (c *crowdState) beginSlowly(conn net.Conn, prefix string) error {
	switch {
	case c.Kind == "heads":
		_, err := fmt.Fprintf(conn, "GET %s%s HTTP/1.1\r\nHost: %s\r\nX-Slow: ", prefix, c.Path, c.Addr)
		return err
	case c.Kind == "uploads":
		_, err := fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n", prefix, c.Path, c.Addr)
		return err
	case c.Streams:
		of, err := newStreamClient(conn, c.Addr)
		if err != nil {
			return err
		}
		return of.ask(prefix + c.Path)
	}
	_, err := conn.Write(c.request(prefix + c.Path))
	return err
}

// ended does what is slow, and tells whether the server has ended the connection. What lies in
// a reader's own socket when it is reset can still be read: its end is the kernel's word.
func (c *crowdState) ended(tcp *net.TCPConn, conn net.Conn) bool {
	if c.Kind == "readers" {
		_ = tcp.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := tcp.Read(make([]byte, slowTakes)) // below TLS
		return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || failed(tcp)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	for err := error(nil); err == nil; {
		if _, err = conn.Read(make([]byte, 4096)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
	_, err := conn.Write([]byte("a"))
	return err != nil
}

func failed(tcp *net.TCPConn) (yes bool) {
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
			yes = err != nil || code != 0
		})
	}
	return yes
}
