package lb

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tandem/internal/budget"
	"tandem/internal/cachekey"
	"tandem/internal/front"
	"tandem/internal/front/streams"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

func (c *stage) token(id wire.SessionID, stream string, expires time.Time) string {
	c.t.Helper()
	text, ok := c.lb.Keys().Seal(wire.Token{SessionID: id, Stream: c.lb.Placement().StreamID(stream), Expires: expires.Unix()})
	if !ok {
		c.t.Fatal("there is no key")
	}
	return wire.SessionPrefix + text
}

func TestTokenThatIsNotGoodLeadsToANewSessionOrIsRefused(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	hour := time.Now().Add(time.Hour)
	expired := c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(-time.Hour))
	ended := c.token(wire.SessionID{Pair: 99}, "/film/", hour)
	foreign := wire.SessionPrefix + strings.Repeat("A", wire.TokenLength)
	for _, row := range []struct {
		path   string
		status int
		at     string
	}{
		{expired + "/film/master.m3u8?x=1", http.StatusFound, "/film/master.m3u8?x=1"},
		{expired + "/film/a.m4s", http.StatusForbidden, ""},
		{foreign + "/film/live.mpd", http.StatusFound, "/film/live.mpd"},
		{foreign + "/film/a.m4s", http.StatusForbidden, ""},
		{c.token(wire.SessionID{Pair: 1}, "/other/", hour) + "/film/a.m4s", http.StatusOK, ""}, // of the same origin
		{ended + "/film/master.m3u8", http.StatusFound, "/film/master.m3u8"},
		{ended + "/film/a.m4s", http.StatusOK, ""},
		{foreign + "//elsewhere.example/x.m3u8", http.StatusForbidden, ""}, // no Location leads to another host
	} {
		resp, body := c.viewer(nil, row.path)
		if resp.StatusCode != row.status || resp.Header.Get("Location") != row.at {
			t.Errorf("%s: %s to %q: %s", row.path, resp.Status, resp.Header.Get("Location"), body)
		}
		if row.status != http.StatusOK && resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: a browser's player can't read the answer", row.path)
		}
	}
	// What is asked for under a pair that has ended gets a place, and keeps it.
	if resp, _ := c.viewer(nil, ended+"/film/b.m4s"); resp.StatusCode != http.StatusOK || c.opened() != 1 {
		t.Errorf("%s, %d sessions opened", resp.Status, c.opened())
	}
}

// Both members of a pair are gone and there was no room for its sessions: they
// are not laid upon edges that deliver all they can.
func TestSessionThatNobodyHasRoomForIsRefused(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 2})
	pair := c.lb.Placement().Pairs[0] // edge-1 and edge-2
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: pair.ID})
	for _, name := range []string{pair.Low, pair.High} {
		for _, m := range c.members {
			if m.edge.Name == name {
				m.Close()
			}
		}
		c.lb.control.Checks.Failed(name, proxy.CauseRefused)
		until(t, name+" is declared dead", func() bool { return c.state(name) == wire.EdgeDown })
	}
	path := c.token(wire.SessionID{Pair: pair.ID}, "/film/", time.Now().Add(time.Hour)) + "/film/a.m4s"
	for i, row := range []struct{ delivering, status int }{{2, http.StatusServiceUnavailable}, {1, http.StatusOK}} {
		report := wire.Report{Edge: "edge-3", Incarnation: 1, Sequence: uint64(100 + i), Capacity: 2, Delivering: row.delivering}
		c.node(http.MethodPost, wire.PathReport, report, http.StatusOK, &wire.ReportAnswer{})
		resp, body := c.viewer(nil, path)
		if resp.StatusCode != row.status || row.status != http.StatusOK && resp.Header.Get(wire.HeaderReason) != wire.ReasonCluster {
			t.Errorf("edge-3 delivers %d of 2: %s: %s", row.delivering, resp.Status, body)
		}
	}
}

func TestRequestsThatAreNotForHereAreRefused(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	for _, row := range []struct {
		request string
		status  string
	}{
		{"POST /film/master.m3u8 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405"},
		{"DELETE /film/master.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
		{"GET /film/a.m4s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"GET /film/a.m4s HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /film/b.m4s HTTP/1.1\r\n\r\n", "400"},
		{"GET /film/..%2fa.m4s HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
		{"GET /x/../_tandem/ping HTTP/1.1\r\nHost: x\r\n\r\n", "403"},
		{"GET /./_tandem/ping HTTP/1.1\r\nHost: x\r\n\r\n", "403"},
		{"GET /s/token/_tandem/ping HTTP/1.1\r\nHost: x\r\n\r\n", "403"},
		{"GET /s/token/x/..%2f..%2f/%5Ftandem/ping HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
		{"GET /s/token/x/../%5Ftandem/ping HTTP/1.1\r\nHost: x\r\n\r\n", "403"},
		{"GET /film/100%.m4s HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
		{"GET /" + strings.Repeat("x", cachekey.MaxKey) + " HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
		{"GET /film/a.m4s HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		{"OPTIONS /film/master.m3u8 HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n", "204"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, row.request)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " "+row.status+" ") {
			t.Errorf("%.60q: %q, %v", row.request, line, err)
		}
		_ = conn.Close()
	}
	resp, _ := c.request(c.client, http.MethodPost, c.url+"/film/a.m4s", nil)
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Fatal(resp.Status, resp.Header)
	}
}

// What a viewer asks for is asked of the edge as it is spelled, on a loop and in a
// goroutine; what the standard calls the same gets one spelling.
func TestNamesGoToTheEdgeAsTheyCame(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	resp, _ := c.viewer(nil, "/film/master.m3u8")
	session := strings.TrimSuffix(resp.Header.Get("Location"), "/film/master.m3u8")
	for spelled, want := range map[string]string{
		"/film/a%2Fb.m4s": "", "/film//b.m4s": "", "//film/b.m4s": "", "/film/q%3Fx=1.m4s": "", "/film/it's(1)!*.m4s?x=%2f": "/film/it's(1)!*.m4s?x=%2F", "/film/a+b.m4s?sid=1&CMCD=y": "",
		"/other/place.m4s": "", "/film/%61/../b%2f.m4s": "/film/b%2F.m4s", "/film/|.m4s": "",
	} {
		if want == "" {
			want = spelled
		}
		for _, prefix := range []string{session, ""} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, "GET "+prefix+spelled+" HTTP/1.1\r\nHost: x\r\n\r\n")
			line, err := bufio.NewReader(conn).ReadString('\n')
			_ = conn.Close()
			m := c.member("edge-1")
			asked := ""
			m.locked(func() { asked = strings.TrimPrefix(m.target, prefix) })
			if err != nil || !strings.Contains(line, " 200 ") || asked != want {
				t.Errorf("%s%s: %q; the edge was asked for %s, want %s", prefix, spelled, line, asked, want)
			}
		}
	}
	if resp, _ := c.viewer(nil, "//elsewhere.example/x.m3u8"); !strings.HasPrefix(resp.Header.Get("Location"), "/s/") {
		t.Errorf("%s to %q", resp.Status, resp.Header.Get("Location"))
	}
}

func TestSegmentsWithoutASessionAreServedUnlessForbidden(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	if resp, body := c.viewer(nil, "/film/a.m4s"); resp.StatusCode != http.StatusOK || string(body) != "object /film/a.m4s" {
		t.Fatalf("%s %q", resp.Status, body)
	}
	if n := c.lb.Placement().Streams.Len(); n != 0 {
		t.Fatalf("%d streams were placed for it", n)
	}
	c = newStage(t, stageOptions{edges: 2, capacity: 8, config: func(c *Config) { c.LooseSegments = false }})
	if resp, _ := c.viewer(nil, "/film/a.m4s"); resp.StatusCode != http.StatusForbidden {
		t.Fatal(resp.Status)
	}
}

// cutOff tells whether a read ended because the other side closed or reset.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

func TestConnectionsAreLimited(t *testing.T) {
	c := newStage(t, stageOptions{config: func(c *Config) { c.MaxPerClient, c.HeaderTimeout = 3, 300*time.Millisecond }})
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	until(t, "three are in", func() bool { return c.lb.connections.Open() == 3 })
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err == nil { // else it was reset even before that
		conns = append(conns, conn)
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Read(make([]byte, 1))
	}
	if !cutOff(err) {
		t.Fatalf("the fourth connection of one client: %v", err)
	}
	until(t, "one is counted as refused", func() bool { return c.lb.connections.Beyond() == 1 })
	// One that never finishes its head does not stay either, and makes room.
	_, _ = io.WriteString(conns[0], "GET /film/a.m4s HTTP/1.1\r\nHost:")
	_ = conns[0].SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(conns[0]); err != nil && !cutOff(err) {
		t.Fatal(err)
	}
	until(t, "the others go as well", func() bool { return c.lb.connections.Open() == 0 })
}

// stuck is a connection of which its client takes the first bytes and no more; nor does
// it send any then, so the error of its end is there for the test.
type stuck struct {
	net.Conn
	left   atomic.Int64
	closed chan struct{}
	once   sync.Once
}

func (s *stuck) Read(b []byte) (int, error) {
	left := s.left.Load()
	if left == 0 {
		<-s.closed
		return 0, net.ErrClosed
	}
	n, err := s.Conn.Read(b[:min(int64(len(b)), left)])
	s.left.Add(int64(-n))
	return n, err
}

func (s *stuck) Write(b []byte) (int, error) {
	if s.left.Load() == 0 {
		return len(b), nil
	}
	return s.Conn.Write(b)
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// Of HTTP/2: after its time, and at once where the kernel holds too much for viewers.
func TestClientThatTakesNothingIsReset(t *testing.T) {
	t.Run("too slow", func(t *testing.T) {
		takesNothing(t, func(g *connLimiter) {
			for range 8 { // what is in flight at first counts as progress
				g.pace(time.Second)
			}
		})
	})
	t.Run("holds too much", func(t *testing.T) {
		takesNothing(t, func(g *connLimiter) {
			g.weigh(time.Now())
			if n := g.held.Bytes(); n < 1<<16 {
				t.Fatalf("%d bytes are held", n)
			}
			g.held.Limit(g.held.Bytes() - 1)
			g.weigh(time.Now()) // who has just taken something is spared
			for i := range 3 {  // and what is in flight at first is taken
				g.weigh(time.Now().Add(time.Duration(i+1) * budget.Spares))
			}
		})
	})
}

func takesNothing(t *testing.T, look func(*connLimiter)) {
	cut := 0
	g := newConnLimiter(10, 10, 1<<20, wire.ClientOf, func() { cut++ })
	g.relieved = func(int64) { cut++ }
	certified := certificateOf(newCertificate(t))
	var body http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) {
		for chunk := make([]byte, 1<<16); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	server := front.New(front.Config{
		Handler: body, TLS: certified.Config(), HTTP2: &streams.Config{Handler: body}, Streams: g.speaks,
		Enter: func(address string) (any, bool) { return g.admit(address) },
		Leave: func(c any) { g.leave(c.(*client)) },
	})
	ln := listen(t)
	over := make(chan error, 1)
	go func() { over <- server.Serve(ln) }()
	defer func() { _ = server.Close(); <-over }()
	slow, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = slow.(*net.TCPConn).SetReadBuffer(16 << 10)
	defer slow.Close()
	half := &stuck{Conn: slow, closed: make(chan struct{})}
	half.left.Store(64 << 10) // of a window of 4 MB
	defer half.Close()
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client := tls.Client(half, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		return client, client.HandshakeContext(ctx)
	}}
	resp, err := (&http.Client{Transport: transport}).Get("https://" + ln.Addr().String() + "/")
	if err != nil || resp.ProtoMajor != 2 {
		t.Fatal(resp, err)
	}
	until(t, "it takes no more, and the socket is full", func() bool {
		if half.left.Load() > 0 {
			return false
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		for c := range g.paced {
			_, waiting, ok := progress(c.tcp)
			return ok && waiting > 1<<16
		}
		return false
	})
	look(g)
	if cut != 1 {
		t.Fatalf("%d connections cut", cut)
	}
	until(t, "it is gone", func() bool { return g.Open() == 0 })
	_ = slow.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, slow); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("the client sees %v, want a reset", err)
	}
}

// RFC 9113 section 8.3.1 asks for a host as HTTP/1.1 does; HTTP/1.0 does not.
func TestARequestNamesItsHost(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	for major, status := range map[int]int{1: http.StatusOK, 2: http.StatusBadRequest} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.ProtoMajor, r.ProtoMinor = "", major, 0
		w := httptest.NewRecorder()
		c.lb.Handler().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("HTTP/%d.0: %d %s, want %d", major, w.Code, w.Body, status)
		}
	}
}

// Whoever opens the viewers' address in a browser is told what it is, unless the
// origin has a page there; and a health check can ask there, without a secret.
func TestTheViewersAddressSaysWhatItIs(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	resp, body := c.viewer(nil, "/")
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "object /") {
		t.Errorf("the origin's own page: %s %q", resp.Status, body)
	}
	if resp, body := c.viewer(nil, wire.PathHealth); resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
		t.Errorf("health: %s %q", resp.Status, body)
	}
	for _, m := range c.members {
		m.locked(func() { m.missing = true })
	}
	resp, body = c.viewer(nil, "/")
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "This address is for players") || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("without a page of the origin's: %s %q", resp.Status, body)
	}
	if resp, _ := c.viewer(nil, "/nothing.ts"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another path: %s", resp.Status)
	}
	for _, e := range c.lb.Placement().Edges {
		c.propose(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
	}
	if resp, body := c.viewer(nil, wire.PathHealth); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("health without an edge: %s %q", resp.Status, body)
	}
}
