package front

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// caller is a client that says what it likes, byte by byte.
type caller struct {
	*net.TCPConn
	over net.Conn // the same, or TLS on it
	t    *testing.T
	r    *bufio.Reader
}

// call connects; all is over when patience is.
func call(t *testing.T, addr string) *caller {
	t.Helper()
	return callWith(t, addr, net.Dialer{})
}

// callSlow has a small window, so that the server soon has to wait.
func callSlow(t *testing.T, addr string) *caller {
	t.Helper()
	return callWith(t, addr, net.Dialer{Control: smallWindow})
}

func smallWindow(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
}

func callWith(t *testing.T, addr string, d net.Dialer) *caller {
	t.Helper()
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	over, err := speaking(conn)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{conn.(*net.TCPConn), over, t, bufio.NewReader(over)}
}

// ask is a request without fields but Host and those given.
func ask(method, target string, fields ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// say sends in one segment.
func (c *caller) say(format string, with ...any) {
	c.t.Helper()
	if len(with) > 0 {
		format = fmt.Sprintf(format, with...)
	}
	if _, err := io.WriteString(c.over, format); err != nil {
		c.t.Errorf("sending: %v", err)
	}
}

// Write is a net.Conn's.
func (c *caller) Write(b []byte) (int, error) { return c.over.Write(b) }

// CloseWrite says that nothing more is sent.
func (c *caller) CloseWrite() error {
	if over, ok := c.over.(*tls.Conn); ok {
		_ = over.CloseWrite()
	}
	return c.TCPConn.CloseWrite()
}

// reply is one answer.
type reply struct {
	*http.Response
	body []byte
}

// hear reads one answer to a request of that method.
func (c *caller) hear(method string) reply {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s: after %d bytes of the body: %v", resp.Status, len(body), err)
	}
	return reply{resp, body}
}

// hearTarget reads one answer and checks that it is the one to this target, every
// byte of it.
func (c *caller) hearTarget(method, target string) reply {
	c.t.Helper()
	r := c.hear(method)
	want := []byte("away " + target)
	if size, _, ok := cutOf(target); ok {
		want = plenty()[:size]
		if r.ContentLength != int64(size) {
			c.t.Fatalf("%s: Content-Length is %d", target, r.ContentLength)
		}
	}
	if method == http.MethodHead {
		want = nil
	}
	if got := r.Header.Get("X-Target"); r.StatusCode != http.StatusOK || got != target || !bytes.Equal(r.body, want) {
		c.t.Fatalf("asked for %s: %d to %q, %d bytes, right: %v", target, r.StatusCode, got, len(r.body), bytes.Equal(r.body, want))
	}
	return r
}

// How a connection can end.
const (
	inOrder = "in order"
	byReset = "by a reset"
)

// end reads up to the connection's end: what came, and how it ended.
func (c *caller) end() (rest []byte, how string) {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	switch {
	case err == nil:
		return rest, inOrder
	case isReset(err):
		return rest, byReset
	default:
		c.t.Fatalf("the connection does not end: %v after %d bytes", err, len(rest))
		return rest, ""
	}
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ends checks that nothing comes any more.
func (c *caller) ends(how string) {
	c.t.Helper()
	if rest, got := c.end(); got != how || len(rest) > 0 {
		c.t.Errorf("the connection ended %s after %d bytes (%.60q); want %s after none", got, len(rest), rest, how)
	}
}

// vanish ends the connection by a reset.
func (c *caller) vanish() {
	_ = c.SetLinger(0)
	_ = c.Close()
}
