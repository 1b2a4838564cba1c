package streams

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// TestWhoTakesNothingHoldsLittle: handlers wait, whatever they have to say, and what the
// client asks of the connection meanwhile waits as well.
func TestWhoTakesNothingHoldsLittle(t *testing.T) { synctest.Test(t, takesNothing) }

func takesNothing(t *testing.T) {
	var wrote atomic.Int64
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for piece := make([]byte, 10_000); ; {
			n, err := w.Write(piece)
			if wrote.Add(int64(n)); err != nil {
				return
			}
		}
	}, func(c *Config) { c.Streams = 10 })
	here, there := net.Pipe() // keeps nothing
	c := over(t, s, here, there)
	go func() { _, _ = io.CopyN(io.Discard, here, 39) }() // settings, and nothing else; the rest of the frames stays where it is
	_, _ = io.WriteString(here, http2.ClientPreface)
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	_ = c.WriteWindowUpdate(0, 1<<30)
	done := make(chan struct{})
	go func() { // until it is held up
		defer close(done)
		for id := uint32(1); id < 20; id += 2 {
			if c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.head(request("GET", "/")...), EndStream: true, EndHeaders: true}) != nil {
				return
			}
		}
		for range 200_000 {
			if c.WritePing(false, [8]byte{}) != nil {
				return
			}
		}
	}()
	synctest.Wait()
	select {
	case <-done:
		t.Error("200,000 pings were taken")
	default:
	}
	s.mu.Lock()
	held := s.all()
	s.mu.Unlock()
	for _, c := range held {
		c.mu.Lock()
		if len(c.out) > outMost+frameLeast || cap(c.out) > outMost+64<<10 {
			t.Errorf("%d bytes wait, in %d", len(c.out), cap(c.out))
		}
		c.mu.Unlock()
	}
	if n := wrote.Load(); n == 0 || n > 10*(waits+outMost) {
		t.Errorf("handlers wrote %d bytes", n)
	}
	_ = here.Close()
	<-done
	<-c.served
}

// TestRequestsThatAreGivenUpCount until their handlers have ended: who asks and resets,
// over and over, has no more at once than others.
func TestRequestsThatAreGivenUpCount(t *testing.T) {
	free, most := make(chan struct{}), 0
	var mu sync.Mutex
	running := 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		<-r.Context().Done()
		<-free
		mu.Lock()
		running--
		mu.Unlock()
	}, func(c *Config) { c.Streams = 3 })
	c := call(t, s)
	refused := 0
	for id := uint32(1); id < 200; id += 2 {
		c.get(id, "/")
		_ = c.WriteRSTStream(id, http2.ErrCodeCancel)
	}
	_ = c.WritePing(false, [8]byte{})
	for {
		f := c.next(http2.FrameRSTStream, http2.FramePing)
		if f.kind == http2.FramePing {
			break
		}
		if f.code == http2.ErrCodeRefusedStream {
			refused++
		}
	}
	mu.Lock()
	if most > 2*3 || refused < 90 {
		t.Errorf("%d at once; %d refused", most, refused)
	}
	mu.Unlock()
	close(free)
	c.hangUp()
}

// TestWhoKeepsTheLimitIsNotRefused: an answer that has come to its end is none that the
// client has to count (section 5.1.2), though its handler may have something to do still.
func TestWhoKeepsTheLimitIsNotRefused(t *testing.T) {
	on := make(chan struct{})
	c := call(t, newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1")
		_, _ = io.WriteString(w, "x")
		<-on
	}, func(c *Config) { c.Streams = 2 }))
	defer c.hangUp()
	defer close(on) // before that: who hangs up waits for the handlers
	for id, want := uint32(1), http2.ErrCodeNo; id < 11; id += 2 {
		if id == 9 { // there are two handlers for each of two by now
			want = http2.ErrCodeRefusedStream
		}
		c.get(id, "/")
		if _, _, code := c.answer(id); code != want {
			t.Errorf("stream %d: %v", id, code)
		}
	}
}

// TestNothingBeginsAfterTheEnd: what TLS has read of a client lies here when its connection
// has failed, and is no request any more.
func TestNothingBeginsAfterTheEnd(t *testing.T) {
	var said bytes.Buffer
	said.WriteString(http2.ClientPreface)
	c := &client{Framer: http2.NewFramer(&said, nil)}
	c.fields = newFields(c)
	_ = c.WriteSettings() // to a buffer, as all here
	_ = c.WritePing(false, [8]byte{})
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head(request("GET", "/")...), EndStream: true, EndHeaders: true})
	s := New(Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100_000)) })}) // Close would wait for it as well
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.Serve(context.Background(), &unwritable{said: &said, closed: make(chan struct{})}, nil, nil)
	}()
	select {
	case <-served:
	case <-time.After(20 * time.Second):
		t.Fatal("a request that came after the end is waited for")
	}
	s.Close()
}

// unwritable fails with the answer to a ping, and has more to read.
type unwritable struct {
	plain
	said   *bytes.Buffer
	sends  int
	once   sync.Once
	closed chan struct{}
}

func (u *unwritable) Read(b []byte) (int, error) {
	if u.said.Len() > 0 {
		return u.said.Read(b)
	}
	<-u.closed
	return 0, io.EOF
}
func (u *unwritable) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (u *unwritable) SetWriteDeadline(time.Time) error { return nil }
func (u *unwritable) Close() error                     { u.once.Do(func() { close(u.closed) }); return nil }

func (u *unwritable) Send(time.Duration) error {
	if u.sends++; u.sends > 2 { // settings, and what is said of the client's
		return io.ErrClosedPipe
	}
	return nil
}
