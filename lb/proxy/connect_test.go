package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/identity"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// busy is a listener of an edge that answers no handshake before it is let.
type busy struct {
	net.Listener
	free chan struct{}
}

func (b *busy) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	return &busyConn{Conn: c, free: b.free}, err
}

type busyConn struct {
	net.Conn
	free chan struct{}
}

func (c *busyConn) Read(p []byte) (int, error) {
	<-c.free
	return c.Conn.Read(p)
}

// On a machine so busy that no edge's handshake ends in time each of them is waited for
// all the same: the limit says when the next one is asked beside it, and gives up nobody.
func TestHandshakesThatTakeLongAreWaitedFor(t *testing.T) {
	node := identities(t)
	body := []byte(pattern(30_000))
	secret, _ := wire.NewSecret("a secret that never leaves a node")
	left := make(chan struct{}, 1)
	never := scriptGreeting(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		left <- struct{}{}
	}, nil)
	for _, partner := range []bool{false, true} {
		b := &busy{free: make(chan struct{})}
		first := newNamedBehind(t, node(identity.Edge, "edge-1"), body, func(l net.Listener) net.Listener { b.Listener = l; return b })
		var late []string
		p := New(Config{Silence: 20 * time.Second, FirstByte: 20 * time.Second, Total: 30 * time.Second, Connect: 10 * time.Millisecond}, Deps{
			Name: "lb-1", Secret: secret, Identity: node(identity.Balancer, "lb-1"),
			Failed: func(edge, cause string) {
				if late = append(late, edge+" "+cause); (len(late) == 2) == partner {
					close(b.free)
				}
			},
		})
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.Serve(w, r, Request{Target: "/a/seg.m4s", Viewer: "198.51.100.7", First: first.target("edge-1"), Next: func(tried []string) (upstream.Target, bool) {
				to := never.target("edge-2")
				to.TLS = true
				return to, partner && !slices.Contains(tried, "edge-2")
			}})
		}))
		resp, err := http.Get(front.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		front.Close()
		if resp.StatusCode != http.StatusOK || err != nil || string(got) != string(body) {
			t.Errorf("with a partner %v: %d, %d bytes, %v; late were %v", partner, resp.StatusCode, len(got), err, late)
		}
		p.pool.Sweep(func(*upstream.Conn) bool { return true })
	}
	<-left // who was overtaken
}

// An edge whose queue of connections is full has none free a moment later: a loop that was
// not connected in time has it asked once more, beside whoever else there is.
func TestConnectionThatWasNotThereInTimeIsTriedAgain(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String()
	full, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	file := os.NewFile(uintptr(fd), "edge-1")
	defer file.Close()
	edge, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	defer edge.Close()

	s := openSplices(t, spliceOptions{edges: []upstream.Target{{Edge: "edge-1", Addr: at}}})
	s.c.deps.Failed = func(string, string) {
		if taken, err := edge.Accept(); err == nil {
			_ = taken.Close()
		}
		go func() {
			if c, err := edge.Accept(); err == nil {
				_, _ = readAsk(bufio.NewReader(c))
				send(c, plainOK("well"))
			}
		}()
	}
	v := s.dial()
	v.ask(http.MethodGet, "/1")
	s.wait(1)
	s.after(s.o.cfg.Connect)
	s.seenWell(v)
}
