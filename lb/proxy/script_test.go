package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
	"tandem/lb/proxy/upstream"
)

// scripted is an edge that sends exactly the bytes that a test says.
type scripted struct {
	t      testing.TB
	ln     net.Listener
	greet  func(c net.Conn) // before it is asked; nil: says nothing
	answer func(c net.Conn, ask string)

	under sync.WaitGroup
	mu    sync.Mutex
	asked []string // guarded by mu
	conns []net.Conn
	open  int // guarded by mu
}

// script opens an edge; it ends with the test.
func script(t testing.TB, answer func(c net.Conn, ask string)) *scripted {
	t.Helper()
	return scriptGreeting(t, nil, answer)
}

// scriptGreeting opens one that speaks first.
func scriptGreeting(t testing.TB, greet func(c net.Conn), answer func(c net.Conn, ask string)) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &scripted{t: t, ln: ln, greet: greet, answer: answer}
	e.under.Go(e.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		e.hangUp()
		e.under.Wait()
	})
	return e
}

func (e *scripted) accept() {
	for {
		c, err := e.ln.Accept()
		if err != nil {
			return
		}
		e.locked(func() { e.conns = append(e.conns, c); e.open++ })
		e.under.Go(func() {
			e.serve(c)
			_ = c.Close()
			e.locked(func() { e.open-- })
		})
	}
}

func (e *scripted) serve(c net.Conn) {
	if e.greet != nil {
		e.greet(c)
	}
	in := bufio.NewReader(c)
	for {
		ask, err := readAsk(in)
		if err != nil {
			return
		}
		e.locked(func() { e.asked = append(e.asked, ask) })
		e.answer(c, ask)
	}
}

// readAsk is the next request's head.
func readAsk(in *bufio.Reader) (string, error) {
	var ask strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		ask.WriteString(line)
		if line == "\r\n" {
			return ask.String(), nil
		}
	}
}

func (e *scripted) locked(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// hangUp closes all connections.
func (e *scripted) hangUp() {
	e.locked(func() {
		for _, c := range e.conns {
			_ = c.Close()
		}
		e.conns = nil
	})
}

// taken are the requests since the last call.
func (e *scripted) taken() (asked []string) {
	e.locked(func() { asked, e.asked = e.asked, nil })
	return asked
}

// connected is how many connections there are.
func (e *scripted) connected() (n int) {
	e.locked(func() { n = e.open })
	return n
}

func (e *scripted) target(name string) upstream.Target {
	return upstream.Target{Edge: name, Addr: e.ln.Addr().String()}
}

// nobody is an edge at whose port nobody listens, nor will.
func nobody(t testing.TB, name string) upstream.Target {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return upstream.Target{Edge: name, Addr: "127.0.0.1:" + number(int64(bound.(*unix.SockaddrInet4).Port))}
}

// send is a write that a test does not mind to fail: a balancer may have hung up.
func send(c net.Conn, text string) { _, _ = io.WriteString(c, text) }

// await is for an edge that stands still: a test that fails does not wait for it.
func await(t testing.TB, event <-chan struct{}) {
	select {
	case <-event:
	case <-t.Context().Done():
	}
}

// targetOf is the request's target.
func targetOf(ask string) string {
	_, rest, _ := strings.Cut(ask, " ")
	to, _, _ := strings.Cut(rest, " ")
	return to
}

// plainOK is an ordinary answer.
func plainOK(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nETag: \"v1\"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// objectFor answers for an object, or for a part of it.
func objectFor(ask, body string) string { return versionFor(ask, body, `"v1"`) }

// versionFor is objectFor of one version.
func versionFor(ask, body, tag string) string {
	span := fieldOf(ask, "Range")
	if known := fieldOf(ask, "If-Range"); span == "" || known != "" && known != tag {
		return strings.Replace(plainOK(body), `"v1"`, tag, 1)
	}
	from, to, _ := strings.Cut(strings.TrimPrefix(span, "bytes="), "-")
	first, _ := h1.Number(from)
	last, ok := h1.Number(to)
	if !ok {
		last = int64(len(body)) - 1
	}
	return fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nETag: %s\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n%s",
		tag, first, last, len(body), last-first+1, body[first:last+1])
}

// fieldOf is a field of a request's head.
func fieldOf(ask, name string) string {
	for line := range strings.SplitSeq(ask, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}
