package lb

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// speak serves h over HTTP/2 to the function's requests.
func speak(h http.Handler, ask func(roundTrip func() io.ReadCloser)) {
	var http2 http.Protocols
	http2.SetUnencryptedHTTP2(true)
	ln, done := make(pipes), make(chan struct{})
	s := &http.Server{Handler: h, Protocols: &http2}
	go func() { defer close(done); _ = s.Serve(ln) }()
	client := &http.Transport{Protocols: &http2, DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		ln <- there
		return here, nil
	}}
	ask(func() io.ReadCloser {
		r, err := client.RoundTrip(httptest.NewRequest(http.MethodGet, "http://lb.test/", nil))
		if err != nil {
			panic(err)
		}
		return r.Body
	})
	client.CloseIdleConnections()
	_ = s.Close()
	<-done
}

// The end of a short answer lies with the server when its handler has returned.
func TestEndOfAnAnswerHasItsTimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &told{ResponseWriter: httptest.NewRecorder()}
		paced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }), 1<<10, streamGrace, nil).ServeHTTP(w, nil)
		if in := time.Until(w.deadline); in != streamGrace+streamPart*time.Second/(1<<10) {
			t.Errorf("it has %v", in)
		}
		time.Sleep(time.Hour) // no timer is left
	})
}

// A look that waited while the answer ended does not begin the next one: its timer would
// go on for ever.
func TestAStreamThatIsOverIsLookedAtNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &told{ResponseWriter: httptest.NewRecorder()}
		s := &streamWriter{ResponseWriter: w, limits: http.NewResponseController(w), least: time.Second, slow: func() { t.Error("it is reset") }}
		_, _ = s.Write([]byte("x"))
		s.close()
		s.look()
		if s.timer.Stop() {
			t.Error("it will be looked at again")
		}
	})
}

// told remembers its deadline.
type told struct {
	http.ResponseWriter
	deadline time.Time
}

func (w *told) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

// A client of HTTP/2 that takes nothing of an answer, or too little, loses its stream, and
// who takes it as fast as he has to loses nothing, however long that lasts.
func TestStreamThatNobodyTakesIsReset(t *testing.T) {
	const minRate, size = 1 << 10, 5 << 20 // more than a client's window
	for what, row := range map[string]struct {
		part  int // taken each time
		pause time.Duration
		slow  int
		rest  time.Duration // of the edge, in the middle of the answer
	}{
		"nothing":                {0, time.Hour, 1, 0},
		"64 KB in 5 s":           {64 << 10, 5 * time.Second, 0, 0},
		"4 KB each 20 min":       {4 << 10, 20 * time.Minute, 1, 0},
		"all, of an edge's hour": {1 << 20, 0, 0, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			slow := 0
			ended := make(chan error, 1)
			h := paced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, err := w.Write(bytes.Repeat([]byte("x"), size/2))
				if time.Sleep(row.rest); err == nil {
					_, err = w.Write(bytes.Repeat([]byte("x"), size/2))
				}
				ended <- err
			}), minRate, streamGrace, func() { slow++ })
			speak(h, func(roundTrip func() io.ReadCloser) {
				began, body := time.Now(), roundTrip()
				got := int64(0)
				for err := error(nil); err == nil; {
					time.Sleep(row.pause)
					n := int64(0)
					n, err = io.CopyN(io.Discard, body, int64(row.part))
					if got += n; row.part == 0 {
						break
					}
				}
				n, _ := io.Copy(io.Discard, body)
				_ = body.Close()
				err := <-ended
				if whole := err == nil && got+n == size; whole != (row.slow == 0) || slow != row.slow {
					t.Errorf("%s: %v after %v, %d bytes; %d were too slow", what, err, time.Since(began), got+n, slow)
				}
			})
		})
	}
}

// What a client asks for at once over HTTP/2 counts as its connections do: the first
// request of a connection is the connection's, each other one is one more.
func TestStreamsCountAsConnections(t *testing.T) {
	g := newConnLimiter(100, 3, 0, func(address string) string { return address }, nil)
	c, _ := g.admit("a")
	begun, end := make(chan struct{}, 5), make(chan struct{})
	h := g.counted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-end }))
	answers := make(chan *httptest.ResponseRecorder, 5)
	ask := func(c *client) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(withClient(t.Context(), c)))
		answers <- w
	}
	under := func(c *client) {
		go ask(c)
		<-begun
	}
	for range 3 {
		under(c)
	}
	go ask(c)
	select {
	case <-begun:
		t.Error("a fourth is let in")
	case w := <-answers:
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || g.Open() != 3 || g.Beyond() != 1 {
			t.Errorf("a fourth: %d, %v; %d are open, %d were refused", w.Code, w.Header(), g.Open(), g.Beyond())
		}
	}
	other, _ := g.admit("b")
	under(other)
	close(end)
	for range 4 {
		if w := <-answers; w.Code != http.StatusOK {
			t.Errorf("one that was under way: %d", w.Code)
		}
	}
	if g.Open() != 2 {
		t.Errorf("%d are open when all have ended, not the two connections", g.Open())
	}
}
