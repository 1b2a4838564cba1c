package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// An operators' listener has no more connections than it is to have: one more is reset,
// whatever those that are there do, and their places are free when they have gone. A head
// without an end is refused.
func TestOperatorsConnectionsAreBounded(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var open atomic.Int64
	l := Admin(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") }), nil, func(address string) (func(), bool) {
		if address != "127.0.0.1" {
			t.Errorf("counted as %q", address)
		}
		if open.Add(1) > 2 {
			open.Add(-1)
			return nil, false
		}
		return func() { open.Add(-1) }, true
	})
	served := make(chan error, 1)
	go func() { served <- l.Server.Serve(l.Socket) }()
	defer func() { _ = l.Server.Close(); <-served }()
	dial := func() (net.Conn, *bufio.Reader) {
		t.Helper()
		c := dialled(t, ln.Addr().String())
		return c, bufio.NewReader(c)
	}
	asks := func(c net.Conn, in *bufio.Reader) error {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		if string(text) != "well" {
			return fmt.Errorf("%q, %w", text, err)
		}
		return nil
	}
	one, ofOne := dial()
	must(t, asks(one, ofOne))
	two, ofTwo := dial()
	must(t, asks(two, ofTwo))
	if err := asks(dial()); err == nil {
		t.Error("a third one is answered")
	}
	must(t, asks(one, ofOne))
	_ = two.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		c, in := dial()
		if err := asks(c, in); err == nil {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 2*adminHead)+"\r\n\r\n")
			if resp, err := http.ReadResponse(in, nil); err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("an endless head: %s", resp.Status)
			}
			_ = c.Close()
			break
		} else if time.Now().After(end) {
			t.Fatal("the place is not free again:", err)
		}
	}
}

// dialled is a connection; one that was reset before it knew that it was there is ended.
func dialled(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if errors.Is(err, syscall.ECONNRESET) {
		c, _ = net.Pipe()
		_ = c.Close()
		return c
	}
	must(t, err)
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}
