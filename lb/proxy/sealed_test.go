package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/identity"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// split gives what speaks TLS to who accepts, and serves the rest.
type split struct {
	net.Listener
	plain func(c net.Conn, in *bufio.Reader)
	under *sync.WaitGroup
}

type begun struct {
	net.Conn
	in *bufio.Reader
}

func (c begun) Read(b []byte) (int, error) { return c.in.Read(b) }

func (l split) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		in := bufio.NewReader(c)
		if first, err := in.Peek(1); err == nil && first[0] == 0x16 {
			return begun{c, in}, nil
		}
		l.under.Go(func() {
			l.plain(c, in)
			_ = c.Close()
		})
	}
}

// sealedStage is a balancer on loops before an edge that speaks TLS, and in clear what a
// test says, and another edge.
type sealedStage struct {
	*spliceStage
	grants *sealedhead.Grants
	first  *named
	body   []byte
	former []byte // head of an answer, sealed

	in    sync.Mutex
	heard []string // requests that came in clear, as they came; guarded by in
}

// answer is what an edge says in clear to a request that it has opened.
type saying func(s *sealedStage, c net.Conn, head string, a sealedhead.Answer)

func openSealed(t *testing.T, edges int, say saying) *sealedStage {
	t.Helper()
	node := identities(t)
	s := &sealedStage{grants: sealedhead.NewGrants("edge-1", time.Now), body: []byte(pattern(300_000))}
	var under sync.WaitGroup
	t.Cleanup(under.Wait)
	s.first = newNamedBehind(t, node(identity.Edge, "edge-1"), s.body, func(l net.Listener) net.Listener {
		return split{l, func(c net.Conn, in *bufio.Reader) { s.serve(c, in, say) }, &under}
	})
	second := newNamed(t, node(identity.Edge, "edge-2"), s.body, 0)
	tickets := sealedhead.NewTickets("lb-1", time.Now, func(context.Context, sealedhead.Edge) (sealedhead.Grant, error) {
		return s.grants.Give("lb-1", func() error { return nil })
	})
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- tickets.Run(ctx) }()
	t.Cleanup(func() { stop(); <-over })
	first := s.first.target("edge-1")
	s.spliceStage = openSplices(t, spliceOptions{edges: []upstream.Target{first, second.target("edge-2")}[:edges], identity: node(identity.Balancer, "lb-1"), tickets: tickets})
	s.eventually("there is a ticket", func() bool { return tickets.Of(sealedhead.Edge{Name: "edge-1", Addr: first.Addr}) != nil })
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *sealedStage) serve(c net.Conn, in *bufio.Reader, say saying) {
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		s.in.Lock()
		s.heard = append(s.heard, r.RequestURI+fmt.Sprint(r.Header))
		s.in.Unlock()
		head, a, err := s.grants.Open(r.Header.Get(wire.HeaderSealed))
		if err != nil {
			s.t.Error(err)
			return
		}
		say(s, c, string(head), a)
	}
}

func (s *sealedStage) head(length int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: %d\r\nX-Own: yes\r\n\r\n", length)
}

func outer(sealed []byte, length int) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\nContent-Length: %d\r\n\r\n", wire.HeaderSealed, sealed, length)
}

// honest answers as an edge does.
func honest(s *sealedStage, c net.Conn, _ string, a sealedhead.Answer) {
	_, _ = io.WriteString(c, outer(a.Append(nil, s.head(len(s.body))), len(s.body)))
	_, _ = c.Write(s.body)
}

// Media comes in clear, its heads sealed: who listens finds neither the session nor the
// viewer, the connection serves again, and TLS is not asked.
func TestMediaComesInClearAndHeadsDoNot(t *testing.T) {
	s := openSealed(t, 2, func(s *sealedStage, c net.Conn, head string, a sealedhead.Answer) {
		if !strings.HasPrefix(head, "GET /s/session/a/1.m4s HTTP/1.1\r\n") || !strings.Contains(head, wire.HeaderViewer+": 127.0.0.1\r\n") || strings.Contains(head, wire.HeaderAuth) {
			s.t.Errorf("asked %q", head)
		}
		honest(s, c, head, a)
	})
	for range 3 {
		if g := s.get(http.MethodGet, "/s/session/a/1.m4s"); g.status != http.StatusOK || !bytes.Equal(g.body, s.body) || g.header.Get("X-Own") != "yes" || g.header.Get(wire.HeaderSealed) != "" {
			t.Fatalf("%d, %d bytes, %v, %v", g.status, len(g.body), g.header, g.err)
		}
	}
	if asked := s.first.asked.Load(); asked != 0 || s.c.Sealed().Asked.Load() != 3 || s.c.Sealed().Elsewhere.Load() != 0 {
		t.Errorf("by TLS %d times; sealed %d, elsewhere %d", asked, s.c.Sealed().Asked.Load(), s.c.Sealed().Elsewhere.Load())
	}
	s.in.Lock()
	for _, text := range s.heard {
		if strings.Contains(text, "session") || strings.Contains(text, "127.0.0.1]") || strings.Contains(text, "m4s") {
			t.Errorf("in clear: %s", text)
		}
	}
	s.in.Unlock()
	// Manifests name sessions, heads alone are not worth it.
	for _, ask := range [][2]string{{http.MethodGet, "/s/session/a/index.m3u8"}, {http.MethodGet, "/s/session/a/x.MPD?a=b"}, {http.MethodHead, "/s/session/a/1.m4s"}} {
		if g := s.get(ask[0], ask[1]); g.status != http.StatusOK {
			t.Errorf("%v: %d", ask, g.status)
		}
	}
	if asked := s.first.asked.Load(); asked != 3 || s.c.Sealed().Asked.Load() != 3 {
		t.Errorf("by TLS %d times, sealed %d", asked, s.c.Sealed().Asked.Load())
	}
}

// changed are answers that are not the edge's to this request, and how many of them count
// as changed.
var changed = map[string]struct {
	say     saying
	altered int64
}{
	"misdirected": {func(_ *sealedStage, c net.Conn, _ string, _ sealedhead.Answer) {
		_, _ = io.WriteString(c, "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")
	}, 0},
	"an answer that is not sealed": {func(_ *sealedStage, c net.Conn, _ string, _ sealedhead.Answer) {
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n")
	}, 0},
	"no answer": {func(_ *sealedStage, c net.Conn, _ string, _ sealedhead.Answer) {
		_, _ = io.WriteString(c, "\x16\x03nonsense\r\n\r\n")
	}, 0},
	"its end": {func(_ *sealedStage, c net.Conn, _ string, _ sealedhead.Answer) { _ = c.Close() }, 0},
	"a bit changed": {func(s *sealedStage, c net.Conn, _ string, a sealedhead.Answer) {
		sealed := a.Append(nil, s.head(len(s.body)))
		sealed[len(sealed)/2] ^= 1
		if sealed[len(sealed)/2] == '=' {
			sealed[len(sealed)/2] = 'A'
		}
		_, _ = io.WriteString(c, outer(sealed, len(s.body)))
		_, _ = c.Write(s.body)
	}, 1},
	"another length": {func(s *sealedStage, c net.Conn, _ string, a sealedhead.Answer) {
		_, _ = io.WriteString(c, outer(a.Append(nil, s.head(len(s.body))), len(s.body)-1))
		_, _ = c.Write(s.body[1:])
	}, 1},
	"the request": {func(s *sealedStage, c net.Conn, _ string, _ sealedhead.Answer) {
		s.in.Lock()
		_, text, _ := strings.Cut(s.heard[len(s.heard)-1], wire.HeaderSealed+":[")
		s.in.Unlock()
		text, _, _ = strings.Cut(text, "]")
		_, _ = io.WriteString(c, outer([]byte(text), len(s.body)))
		_, _ = c.Write(s.body)
	}, 1},
	"a former answer": {func(s *sealedStage, c net.Conn, head string, a sealedhead.Answer) {
		if s.former == nil {
			s.former = a.Append(nil, s.head(len(s.body)))
			honest(s, c, head, a)
			return
		}
		_, _ = io.WriteString(c, outer(s.former, len(s.body)))
		_, _ = c.Write(s.body)
	}, 1},
}

// Whatever comes in place of an edge's answer, the viewer gets the object, by TLS, and
// nothing of what came; what was changed is counted.
func TestWhatIsChangedInBetweenIsNotGiven(t *testing.T) {
	for what, c := range changed {
		s := openSealed(t, 2, c.say)
		if what == "a former answer" {
			s.get(http.MethodGet, "/0.m4s")
			if s.first.asked.Load() != 0 {
				t.Fatal("the first one was not taken")
			}
		}
		g := s.get(http.MethodGet, "/1.m4s")
		if g.status != http.StatusOK || !bytes.Equal(g.body, s.body) || g.header.Get("Location") != "" {
			t.Errorf("%s: %d, %d bytes, %v, %v", what, g.status, len(g.body), g.header, g.err)
		}
		if asked, altered := s.first.asked.Load(), s.c.Sealed().Altered.Load(); asked != 1 && what != "its end" || altered != c.altered {
			t.Errorf("%s: by TLS %d times, %d counted as changed", what, asked, altered)
		}
		s.stop()
	}
}

// An edge that dies in the middle of a body in clear is taken over from by TLS.
func TestABodyInClearThatBreaksIsFinishedByAnotherEdge(t *testing.T) {
	for _, at := range []int{1, 5_000, 150_000, 299_999} {
		s := openSealed(t, 2, func(s *sealedStage, c net.Conn, _ string, a sealedhead.Answer) {
			_, _ = io.WriteString(c, outer(a.Append(nil, s.head(len(s.body))), len(s.body)))
			_, _ = c.Write(s.body[:at])
			_ = c.Close()
		})
		g := s.get(http.MethodGet, "/1.m4s")
		if g.status != http.StatusOK || !bytes.Equal(g.body, s.body) || g.err != nil {
			t.Errorf("at %d: %d, %d bytes, %v", at, g.status, len(g.body), g.err)
		}
		s.over(1)
		if _, moves, _, _, _ := s.counted(); len(moves) != 1 || !moves[0].OK || moves[0].To != "edge-2" {
			t.Errorf("at %d: %+v", at, moves)
		}
		s.stop()
		if n := s.c.pool.Size(); n != 0 {
			s.c.pool.Sweep(func(u *upstream.Conn) bool {
				if u.Plain() {
					t.Errorf("at %d: a connection in clear is kept for TLS", at)
				}
				return true
			})
		}
	}
}

// A body in clear that stood still, and goes on with nobody else to ask, is finished; the
// connection is not kept where others are that speak TLS.
func TestAConnectionInClearIsNotKeptForTLS(t *testing.T) {
	goOn := make(chan struct{})
	s := openSealed(t, 1, func(s *sealedStage, c net.Conn, _ string, a sealedhead.Answer) {
		_, _ = io.WriteString(c, outer(a.Append(nil, s.head(len(s.body))), len(s.body)))
		_, _ = c.Write(s.body[:100_000])
		<-goOn
		_, _ = c.Write(s.body[100_000:])
	})
	v := s.dial()
	v.ask(http.MethodGet, "/1.m4s")
	s.has(100_000)
	s.after(patient.Silence + time.Second)
	s.eventually("a goroutine has it", func() bool { waiting, _ := s.under(); return waiting == 0 })
	close(goOn)
	if g := v.read(http.MethodGet); g.status != http.StatusOK || !bytes.Equal(g.body, s.body) {
		t.Errorf("%d, %d bytes, %v", g.status, len(g.body), g.err)
	}
	s.over(1)
	if n := s.c.pool.Size(); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}
