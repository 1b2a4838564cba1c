package proxy

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"tandem/internal/front"
	"tandem/lb/proxy/upstream"
)

// What h1 refuses is refused here, and HTTP/1.0 as well; a head is taken when it is all
// there, and its parts outlive the buffer.
func TestHeadsAreTakenWhole(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.0 200 OK\r\n\r\n", "\x16\x03\x01\x00", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		if h, _, err := takeHead([]byte(text)); err != errGarbage {
			t.Errorf("%.60q: %+v, %v", text, h, err)
		}
	}
	whole := "HTTP/1.1 206 Partial Content\r\nEtag: \"a\"\r\nContent-Range: bytes 0-6/9\r\ncontent-length:  7 \r\n\r\n"
	for i := range len(whole) - 1 {
		if h, _, err := takeHead([]byte(whole[:i])); h != nil || err != nil {
			t.Fatalf("%q: %+v, %v", whole[:i], h, err)
		}
	}
	buffer := []byte(whole + "rest")
	h, n, err := takeHead(buffer)
	if err != nil || n != len(whole) {
		t.Fatalf("%v, %d bytes", err, n)
	}
	clear(buffer)
	if span, ok := h.span(); !ok || h.Status != 206 || h.Length != 7 || h.etag() != `"a"` || !h.fits(span) {
		t.Fatalf("%+v", h)
	}
	var want answer
	if _, err := want.parse([]byte(whole)); err != nil || !reflect.DeepEqual(*h, want) {
		t.Fatalf("%q, %q; want %q, %q", h.Reason, h.Fields, want.Reason, want.Fields)
	}
}

// What a viewer gets of an edge's fields, and which answers need a goroutine.
func TestFieldsForViewers(t *testing.T) {
	for fields, want := range map[string]struct {
		given    string
		ordinary bool
	}{
		"X-A: 1\r\nEtag: \"a\"\r\nContent-Type: x":                           {"X-A: 1,Etag: \"a\",Content-Type: x", true},
		"Tandem-Stored: 1\r\ntandem-reason: gone\r\nTANDEM-: 1\r\nTandem: 2": {"Tandem-Reason: gone,Tandem: 2", true},
		"Keep-Alive: 5\r\nUpgrade: x\r\nte: x\r\nContent-Encoding: br":       {"Content-Encoding: br", true},
		"Connection: close\r\nX-Mine: 1":                                     {"X-Mine: 1", true},
		"Connection: X-Mine, close\r\nX-Mine: 1\r\nX-A: 2":                   {"X-A: 2", false},
		"Etag: \"a\"\r\nEtag: \"b\"":                                         {"Etag: \"a\",Etag: \"b\"", false},
		"Content-Range: bytes 0-1/2\r\nContent-Range: bytes 0-1/3":           {"Content-Range: bytes 0-1/2,Content-Range: bytes 0-1/3", false},
	} {
		h, _, err := takeHead([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + fields + "\r\n\r\n"))
		if err != nil || h.ordinary(http.MethodGet, 2) != want.ordinary {
			t.Errorf("%q: ordinary is not %v, %v", fields, want.ordinary, err)
			continue
		}
		given, names := http.Header{}, http.Header{"Content-Length": {"2"}, "Via": {"1.1 tandem"}, "Server-Timing": {`edge;desc=""`}}
		(&response{w: recorder{given}}).writeHead(&attempt{head: h})
		for field := range strings.SplitSeq(want.given, ",") {
			name, value, _ := strings.Cut(field, ": ")
			names[name] = append(names[name], value)
		}
		if !reflect.DeepEqual(given, names) {
			t.Errorf("%q: the viewer gets %q", fields, given)
		}
	}
}

// A viewer gets the same fields of a head on a loop and from a goroutine, and what a
// splice takes for ordinary a goroutine can go on with.
func FuzzViewersHead(f *testing.F) {
	for _, a := range answerCases() {
		if head, _, ok := strings.Cut(a.text, "\r\n\r\n"); ok && len(head) < 1000 {
			f.Add([]byte(head + "\r\n\r\n"))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, _, err := takeHead(text)
		if h == nil || err != nil || !h.ordinary(http.MethodGet, 0) {
			return
		}
		r := &splice{s: &Splicer{loop: new(front.Loop)}, viewer: new(front.Conn), exchange: exchange{conn: &upstream.Conn{Edge: "edge-1"}}}
		var given answer
		if n, err := given.parse(r.viewersHead(nil, h)); n == 0 || err != nil {
			t.Fatalf("%q becomes %q: %v", text, r.viewersHead(nil, h), err)
		}
		saw, want := http.Header{}, http.Header{}
		for _, f := range given.Fields {
			saw.Add(string(f.Name), string(f.Value))
		}
		k := &response{c: &Proxy{}, w: recorder{want}}
		a := &attempt{head: h, to: upstream.Target{Edge: "edge-1"}}
		k.promise = promiseOf(h)
		k.writeHead(a)
		if !h.dated {
			saw.Del("Date")
		}
		saw.Del("Connection")
		if !reflect.DeepEqual(saw, want) || given.Status != h.Status || !bytes.Equal(given.Reason, h.Reason) {
			t.Fatalf("%q: a splice gives %q, a response %q", text, saw, want)
		}
		if !h.Bodiless(http.MethodGet) && h.Length > 0 && (k.etag == "" || k.last+1-k.first != h.Length) {
			t.Fatalf("%q: a response could not go on with it: %+v", text, k)
		}
		if h.Status >= 500 || h.waits || h.Chunked {
			t.Fatalf("%q passes for ordinary", text)
		}
	})
}

// recorder takes the head only.
type recorder struct{ h http.Header }

func (r recorder) Header() http.Header         { return r.h }
func (r recorder) WriteHeader(int)             {}
func (r recorder) Write(b []byte) (int, error) { return len(b), nil }
