package streams

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"testing"

	"golang.org/x/net/http2"

	"tandem/internal/front/h2"
)

// readers read all of a body, or none of it until free, or close it.
func readers(t *testing.T, free <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
		case "/unread":
			<-free
		case "/closed":
			_ = r.Body.Close()
		}
	}
}

// TestBodiesComeWhole, and their windows are given back: also of what nobody reads.
func TestBodiesComeWhole(t *testing.T) {
	free := make(chan struct{}, 16) // its handler may have ended
	c := call(t, newServer(t, readers(t, free)))
	defer c.hangUp()
	const size = 300_000
	credit, id := map[uint32]int{0: firstWindow}, uint32(1)
	for _, path := range []string{"/", "/unread", "/closed", "/", "/unread", "/"} {
		credit[id] = firstWindow
		c.ask(id, false, request("POST", path)...)
		status, reset, all := "", false, false
		body := ""
		for left := size; left > 0 && !reset; {
			n := min(left, 10_000, credit[0], credit[id])
			if n > 0 {
				_ = c.WriteData(id, n == left, make([]byte, n))
				left, credit[0], credit[id] = left-n, credit[0]-n, credit[id]-n
				continue
			}
			if path == "/unread" && !all { // all that may be there is on its way: it lies there when its handler ends
				all = true
				_ = c.WritePing(false, [8]byte{})
			}
			switch f := c.next(http2.FrameWindowUpdate, http2.FrameRSTStream, http2.FrameHeaders, http2.FramePing); f.kind {
			case http2.FramePing:
				free <- struct{}{}
			case http2.FrameWindowUpdate:
				credit[f.stream] += int(f.more)
			case http2.FrameHeaders:
				status = f.head[":status"]
			case 0xff:
				t.Fatalf("%s: the connection ended, %d bytes before the body's end", path, left)
			default:
				reset = f.code == http2.ErrCodeNo
			}
		}
		for path == "/" || status == "" {
			f := c.next(http2.FrameHeaders, http2.FrameData, http2.FrameWindowUpdate)
			if f.kind == http2.FrameWindowUpdate {
				credit[f.stream] += int(f.more)
				continue
			}
			if f.kind == http2.FrameHeaders {
				status = f.head[":status"]
			}
			if body += string(f.data); f.ends() || path != "/" {
				break
			}
		}
		if want := map[bool]string{true: strconv.Itoa(size)}[path == "/"]; status != "200" || body != want {
			t.Errorf("%s: %s %q", path, status, body)
		}
		id += 2
	}
}

// A client that waits until its body is wanted hears so when it is.
func TestBodiesAreAskedFor(t *testing.T) {
	c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			_, _ = io.Copy(w, r.Body)
		}
	}))
	defer c.hangUp()
	c.ask(1, false, request("POST", "/read", "expect", "100-continue")...)
	if f := c.next(http2.FrameHeaders); f.head[":status"] != "100" {
		t.Fatalf("%+v", f)
	}
	_ = c.WriteData(1, true, []byte("hello"))
	if _, body, _ := c.answer(1); string(body) != "hello" {
		t.Errorf("%q", body)
	}
	c.ask(3, false, request("POST", "/unread", "expect", "100-continue")...)
	if f := c.next(http2.FrameHeaders); f.head[":status"] != "200" {
		t.Errorf("%+v", f)
	}
}

// Whatever of a body is read when: a client is asked for it before the answer or never, and
// what was closed is not said to be whole.
func TestBodiesThatAreReadLate(t *testing.T) {
	errs := make(chan error, 1)
	c := call(t, newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/closed" {
			_ = r.Body.Close()
			_, err := r.Body.Read(make([]byte, 1))
			errs <- err
			return
		}
		w.(http.Flusher).Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	defer c.hangUp()
	c.ask(1, false, request("POST", "/", "expect", "100-continue")...)
	if f := c.next(http2.FrameHeaders); f.head[":status"] != "200" {
		t.Fatalf("%+v", f)
	}
	_ = c.WriteData(1, true, []byte("hello"))
	if f := c.next(http2.FrameHeaders, http2.FrameData); f.kind != http2.FrameData || string(f.data) != "hello" {
		t.Errorf("%+v", f)
	}
	c.ask(3, false, request("POST", "/closed")...)
	if err := <-errs; !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
}

// What of a body is read is its request's; the rest is noise, as what asks for nothing.
func TestOnlyWhatIsReadOfABodyIsAskedWith(t *testing.T) {
	const size = 60_000
	for path, read := range map[string]bool{"/": true, "/closed": false} {
		c := call(t, newServer(t, readers(t, nil)))
		c.ask(1, false, request("POST", path)...)
		for range size / 10_000 {
			_ = c.WriteData(1, false, make([]byte, 10_000))
		}
		_ = c.WriteData(1, true, nil)
		c.answer(1)
		c.hangUp()
		if got := c.meter.Received(h2.Free + size); got != read {
			t.Errorf("%s: %d bytes beyond what is free are the request's: %v", path, size, got)
		}
	}
}
