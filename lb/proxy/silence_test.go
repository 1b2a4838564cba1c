package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/wire"
	"tandem/lb/proxy/silence"
	"tandem/lb/proxy/upstream"
)

// both are the two ways over plain HTTP/1.1.
// Their limits are such that a busy machine makes nobody silent.
func both(t *testing.T, run func(t *testing.T, o stageOptions)) {
	const limit = 250 * time.Millisecond
	for _, way := range fronts[:2] {
		way.o.cfg = Config{Silence: limit, FirstByte: limit, Total: 10 * time.Second, Connect: time.Second}
		t.Run(way.name, func(t *testing.T) { run(t, way.o) })
	}
}

// dialViewer is a viewer of its own socket: it reads when it likes.
func dialViewer(t *testing.T, s *stage, path string) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: lb\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, resp
}

// A viewer that takes its time is no reason to leave its edge: bytes wait in
// the edge's socket all the while.
func TestSlowViewerIsNotTakenOver(t *testing.T) { both(t, slowViewerIsNotTakenOver) }

func slowViewerIsNotTakenOver(t *testing.T, o stageOptions) {
	t.Parallel()
	for _, path := range []string{"/big", "/grow"} {
		s := newStage(t, o)
		_, resp := dialViewer(t, s, path)
		body := make([]byte, 0, bigSize)
		for range 5 { // the pauses are what is tested
			part := make([]byte, 20_000)
			if _, err := io.ReadFull(resp.Body, part); err != nil {
				t.Fatal(err)
			}
			body = append(body, part...)
			time.Sleep(3 * s.c.cfg.Silence)
		}
		rest, err := io.ReadAll(resp.Body)
		if body = append(body, rest...); err != nil || !bytes.Equal(body, content[path]) {
			t.Fatalf("%s: %d bytes, %v", path, len(body), err)
		}
		if moves, failed := s.taken(); len(moves)+len(failed) != 0 || s.edges[1].asked.Load() != 0 {
			t.Fatalf("%s: takeovers %+v, evidence %v", path, moves, failed)
		}
	}
}

// Two edges are silent; the one asked first moves first: it goes on, nothing is
// counted as taken over, and it is waited for longer from then on.
func TestFirstToMoveWins(t *testing.T) { both(t, firstToMoveWins) }

func firstToMoveWins(t *testing.T, o stageOptions) {
	t.Parallel()
	s := newStage(t, o)
	s.fault(0, fault.Fault{Kind: fault.Stop, At: 1_000_000})
	s.fault(1, fault.Fault{Kind: fault.Stop, At: -1})
	over := make(chan got, 1)
	go func() { over <- s.get(http.MethodGet, "/big", "") }()
	for s.edges[1].proxy.Struck() == 0 { // the partner is asked, and hangs as well
		runtime.Gosched()
	}
	// So that its silence is longer than the limit, by more than a timer's grain: where
	// this viewer had held the edge up a quarter of the limit was enough to be silent.
	time.Sleep(s.c.cfg.Silence)
	s.fault(0, fault.Fault{})
	s.whole(<-over, http.StatusOK, content["/big"])
	if moves, failed := s.taken(); len(moves) != 0 || len(failed) == 0 || failed[0] != "edge-1 stalled" {
		t.Fatalf("takeovers %+v, evidence %v", moves, failed)
	}
	if limit := s.c.latency.Limit("edge-1", silence.NextByte); limit <= s.c.cfg.Silence {
		t.Fatalf("the limit is %s still", limit)
	}
}

// An edge that says that it waits for the origin is not silent, however long.
func TestWaitingEdgeIsNotSilent(t *testing.T) { both(t, waitingEdgeIsNotSilent) }

func waitingEdgeIsNotSilent(t *testing.T, o stageOptions) {
	t.Parallel()
	s := newStage(t, o)
	wait := func(w http.ResponseWriter) {
		for range 12 {
			time.Sleep(s.c.cfg.FirstByte / 3)
			w.Header().Set(wire.HeaderWaiting, "1")
			w.WriteHeader(http.StatusProcessing)
			w.Header().Del(wire.HeaderWaiting)
		}
	}
	s.edges[0].waits.Store(&wait)
	s.whole(s.get(http.MethodGet, "/small", ""), http.StatusOK, content["/small"])
	if moves, failed := s.taken(); len(moves)+len(failed) != 0 || s.edges[1].asked.Load() != 0 {
		t.Fatalf("takeovers %+v, evidence %v", moves, failed)
	}
	// It stops saying so: then it is.
	s.fault(0, fault.Fault{Kind: fault.Stop, At: -1, Times: 1})
	s.whole(s.get(http.MethodGet, "/small", ""), http.StatusOK, content["/small"])
	if moves, _ := s.taken(); len(moves) != 1 || moves[0].Phase != "waiting" || moves[0].Cause != CauseStalled || moves[0].Lost {
		t.Fatalf("takeovers %+v", moves)
	}
}

// A partner without room is not asked beside an edge that has an excuse.
func TestHedgesNeedRoom(t *testing.T) { both(t, hedgesNeedRoom) }

func hedgesNeedRoom(t *testing.T, o stageOptions) {
	t.Parallel()
	s := newStage(t, o)
	s.locked(func() { s.noRoom = true })
	s.fault(0, fault.Fault{Kind: fault.Stop, At: 100_000})
	over := make(chan got, 1)
	go func() { over <- s.get(http.MethodGet, "/grow", "") }()
	time.Sleep(5 * s.c.cfg.Silence) // growing: the limit is three times as long
	if n := s.edges[1].asked.Load(); n != 0 {
		t.Fatalf("%d requests to a partner without room", n)
	}
	s.locked(func() { s.noRoom = false })
	s.whole(<-over, http.StatusOK, content["/grow"])
	if moves, _ := s.taken(); len(moves) != 1 || moves[0].Phase != "waiting" {
		t.Fatalf("takeovers %+v", moves)
	}
}

// What an edge is told, and what it is not.
func TestRequestFields(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	req := httptest.NewRequest(http.MethodGet, "/small", nil)
	for name, value := range map[string]string{
		"Tandem-Viewer": "forged", "Tandem-Auth": "forged", "Tandem-New": "forged", "Connection": "X-Mine", "X-Mine": "1",
		"Cmcd-Object": "br=1", "X-Playback-Session-Id": "7", "If-None-Match": `"old"`, "Te": "trailers", "Keep-Alive": "1",
	} {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	if status, n := s.c.Serve(w, req, s.requestFor(req.RequestURI, false)); status != http.StatusOK || n != smallSize {
		t.Fatalf("%d, %d bytes", status, n)
	}
	h := *s.edges[0].told.Load()
	for name, want := range map[string]string{
		wire.HeaderViewer: "198.51.100.7", wire.HeaderPair: "3", wire.HeaderFrom: "lb-1", "Tandem-New": "", "X-Mine": "", "Te": "", "Keep-Alive": "",
		"Cmcd-Object": "br=1", "X-Playback-Session-Id": "7", "If-None-Match": `"old"`,
	} {
		if h.Get(name) != want || len(h.Values(name)) > 1 {
			t.Errorf("%s: %q, want %q", name, h.Values(name), want)
		}
	}
	if via := w.Header().Get("Via"); via != "1.1 tandem" {
		t.Errorf("Via: %q", via)
	}
}

// Nothing is left of a hundred broken responses: no goroutine, no descriptor.
func TestNothingIsLeft(t *testing.T) { both(t, nothingIsLeft) }

func nothingIsLeft(t *testing.T, o stageOptions) {
	s := newStage(t, o)
	count := func() (int, int) {
		s.client.CloseIdleConnections()
		if s.front != nil {
			s.front.CloseClientConnections()
		}
		s.c.pool.Sweep(func(*upstream.Conn) bool { return true })
		for _, e := range s.edges {
			e.server.CloseClientConnections()
		}
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return runtime.NumGoroutine(), len(fds)
	}
	round := func() {
		for _, kind := range []fault.Kind{fault.Kill, fault.Stop, fault.Close, fault.Garbage} {
			s.fault(0, fault.Fault{Kind: kind, At: 100_000, Times: 1})
			s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
		}
	}
	round()
	goroutines, fds := count()
	for range 10 {
		round()
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		g, f := count()
		// Parsing goroutines that are just ending; each loop keeps empty pipes, and so
		// does the standard library until a collection. A leak would be of 40 and more.
		if g <= goroutines+2 && f <= fds+10 {
			return
		}
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("goroutines %d -> %d, descriptors %d -> %d", goroutines, g, fds, f)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Over plain HTTP/1.1 the body never enters this process: what the process
// reads (rchar; splice does not count there) is the viewer's part alone.
func TestBodyIsSpliced(t *testing.T) { both(t, bodyIsSpliced) }

func bodyIsSpliced(t *testing.T, o stageOptions) {
	o.direct = true
	s := newStage(t, o)
	read := func() (n int64) {
		b, err := os.ReadFile("/proc/self/io")
		if err != nil {
			t.Skip(err)
		}
		if _, err := fmt.Sscanf(strings.SplitN(string(b), "\n", 2)[0], "rchar: %d", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const rounds = 8
	begun := read()
	for range rounds {
		s.whole(s.get(http.MethodGet, "/big", ""), http.StatusOK, content["/big"])
	}
	if n := read() - begun; n > rounds*bigSize*3/2 {
		t.Fatalf("%d bytes read for %d delivered: copied", n, rounds*bigSize)
	}
}
