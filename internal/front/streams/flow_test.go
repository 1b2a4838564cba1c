package streams

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// fill is a body of so many bytes that nobody takes for another one.
func fill(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + n)
	}
	return b
}

// inPieces is so many bytes as the path says, written in pieces of any size.
func inPieces(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		body, random := fill(n), rand.New(rand.NewPCG(uint64(n), 1))
		if n%2 == 0 {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		for len(body) > 0 {
			part := body[:min(len(body), 1+random.IntN(1<<uint(1+random.IntN(18))))]
			if k, err := w.Write(part); k != len(part) || err != nil {
				t.Error(k, err)
				return
			}
			body = body[len(part):]
			if random.IntN(10) == 0 {
				w.(http.Flusher).Flush()
			}
		}
	}
}

// TestNobodyWaitsForAWindowThatIsOpen: whatever sizes, windows and frames, and however
// many at once, each gets its own bytes, all of them.
func TestNobodyWaitsForAWindowThatIsOpen(t *testing.T) {
	s := newServer(t, inPieces(t))
	for _, row := range []struct{ first, window, frame uint32 }{{1, 100, 0}, {0, 5000, 0}, {65535, 65535, 0}, {1 << 20, 1 << 20, 1 << 20}, {3, 70_000, 17_000}} {
		here, there := pipe()
		c := over(t, s, here, there)
		settings := []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: row.first}}
		if row.frame > 0 {
			settings = append(settings, http2.Setting{ID: http2.SettingMaxFrameSize, Val: row.frame})
		}
		c.preface(settings...)
		random := rand.New(rand.NewPCG(uint64(row.window), 3))
		want, got := map[uint32][]byte{}, map[uint32][]byte{}
		most := 100_000
		if row.window < 1000 {
			most = 2000
		}
		for id := uint32(1); id < 60; id += 2 {
			n := random.IntN(most)
			want[id] = fill(n)
			c.get(id, "/"+strconv.Itoa(n))
		}
		_ = c.WriteWindowUpdate(0, row.window)
		for open := len(want); open > 0; {
			f := c.next(http2.FrameHeaders, http2.FrameData, http2.FrameGoAway, http2.FrameRSTStream)
			if f.kind == http2.FrameGoAway || f.kind == http2.FrameRSTStream || f.kind == 0xff {
				t.Fatalf("%+v: %+v the connection has ended, %d are open", row, f, open)
			}
			got[f.stream] = append(got[f.stream], f.data...)
			n := uint32(len(f.data))
			if n > 0 {
				_ = c.WriteWindowUpdate(0, n)
			}
			switch {
			case f.ends():
				open--
			case f.kind == http2.FrameHeaders:
				_ = c.WriteWindowUpdate(f.stream, row.window)
			case n > 0:
				_ = c.WriteWindowUpdate(f.stream, n)
			}
		}
		for id := range want {
			if !bytes.Equal(got[id], want[id]) {
				t.Errorf("%+v: stream %d got %d bytes, and has %d", row, id, len(got[id]), len(want[id]))
			}
		}
		c.hangUp()
	}
}

// RFC 9113 section 6.9.2: what a stream's first window is may change while it is used, and
// then it may be less than nothing.
func TestFirstWindowsChangeForStreamsThatThereAre(t *testing.T) {
	c := call(t, newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 50_000)) }), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10_000})
	defer c.hangUp()
	c.get(1, "/")
	got := 0
	for got < 10_000 {
		got += len(c.next(http2.FrameData).data)
	}
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}) // 9,000 less than nothing
	c.next(http2.FrameSettings)
	_ = c.WriteWindowUpdate(1, 9000)
	_ = c.WritePing(false, [8]byte{})
	if f := c.next(http2.FramePing, http2.FrameData); f.kind != http2.FramePing || got != 10_000 {
		t.Errorf("%d bytes, then %+v", got, f.kind)
	}
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 50_000}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 41_001}) // the last one says it
	for {
		f := c.next(http2.FrameData)
		if got += len(f.data); f.ends() {
			break
		}
	}
	if got != 50_000 {
		t.Errorf("%d bytes", got)
	}
}

// Deadlines of one stream are no other's.
func TestDeadlinesAreAStreams(t *testing.T) {
	errs := make(chan error, 3)
	c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) {
		limits := http.NewResponseController(w)
		switch r.URL.Path {
		case "/body":
			_ = limits.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := r.Body.Read(make([]byte, 1))
			errs <- err
		case "/stuck":
			_ = limits.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, err := w.Write(make([]byte, 100_000))
			errs <- err
		default:
			_ = limits.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_ = limits.SetWriteDeadline(time.Time{})
			<-r.Context().Done()
			errs <- nil
		}
	}))
	defer c.hangUp()
	c.ask(1, false, request("POST", "/body")...)
	if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the body:", err)
	}
	c.next(http2.FrameHeaders)
	c.get(3, "/stuck")
	c.get(5, "/lifted")
	if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the answer:", err)
	}
	for {
		if f := c.next(http2.FrameRSTStream); f.stream == 3 {
			if f.code != http2.ErrCodeInternal {
				t.Errorf("%+v", f)
			}
			break
		}
	}
	_ = c.WriteRSTStream(5, http2.ErrCodeCancel)
	<-errs
}

// A client that goes cancels what it has asked for.
func TestWhoGoesCancels(t *testing.T) {
	cancelled := make(chan error, 2)
	came := make(chan struct{}, 2)
	c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-r.Context().Done()
		_, err := w.Write(make([]byte, 100_000))
		cancelled <- err
	}))
	c.get(1, "/")
	c.get(3, "/")
	<-came
	<-came
	_ = c.WriteRSTStream(3, http2.ErrCodeCancel)
	if err := <-cancelled; err == nil {
		t.Error("a stream that was reset takes an answer")
	}
	c.hangUp()
	if err := <-cancelled; err == nil {
		t.Error("a connection that has ended takes an answer")
	}
}

// TestAWindowLessThanNothingEndsNobody: RFC 9113 section 6.9.2 lets a client make one, and
// then an answer without a length may have its end alone left to say.
func TestAWindowLessThanNothingEndsNobody(t *testing.T) {
	on := make(chan struct{})
	c := call(t, newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 30_000))
		<-on
		w.(http.Flusher).Flush()
	}, func(c *Config) { c.Panic = func(_ *http.Request, why any) { t.Error(why) } }))
	defer c.hangUp()
	c.get(1, "/")
	for got := 0; got < 30_000; {
		got += len(c.next(http2.FrameData).data)
	}
	_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.next(http2.FrameSettings)
	close(on)
	if f := c.next(http2.FrameData, http2.FrameRSTStream); f.kind != http2.FrameData || !f.ends() || len(f.data) > 0 {
		t.Errorf("%+v", f)
	}
}
