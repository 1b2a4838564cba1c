package proxy

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// What a splice takes for an ordinary head a response reads the same way, and gives
// the viewer the same fields of it.
func FuzzTranslate(f *testing.F) {
	for _, a := range answerCases() {
		if head, _, ok := strings.Cut(a.text, "\r\n\r\n"); ok && len(head) < 1000 {
			f.Add([]byte(head))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "\r\n\r\n") || strings.HasSuffix(string(text), "\r\n") {
			return // no head would be cut so
		}
		var y edgeAnswer
		out, ok := y.translate(nil, text)
		if !ok {
			return
		}
		h, err := parseHead(string(text))
		switch {
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		case h.status != y.status || h.length != y.length || (h.etag() != "") != y.strong || h.close != y.close || h.chunked || h.header.Get("Content-Range") != y.part ||
			(h.header["Date"] != nil) != y.dated || h.bodied(http.MethodGet) != y.bodied(http.MethodGet):
			t.Fatalf("%q: %+v, as a response reads it %+v", text, y, h)
		}
		given, err := parseHead(strings.TrimSuffix(string(out), "\r\n"))
		if err != nil {
			t.Fatalf("%q becomes %q: %v", text, out, err)
		}
		want := http.Header{}
		k := &response{c: &Proxy{}, w: recorder{want}}
		a := &attempt{head: h}
		k.promise(a)
		k.writeHead(a)
		delete(want, "Via")
		delete(want, "Server-Timing")
		delete(given.header, "Via")
		delete(given.header, "Server-Timing")
		if !reflect.DeepEqual(given.header, want) || given.status != h.status {
			t.Fatalf("%q: a splice gives %q, a response %q", text, given.header, want)
		}
		if y.bodied(http.MethodGet) && y.ordinary(http.MethodGet, 0) && y.length > 0 && (k.etag == "" || k.last+1-k.first != y.length) {
			t.Fatalf("%q: a response could not go on with it: %+v", text, k)
		}
		if y.status >= 500 && y.ordinary(http.MethodGet, 1<<30) || h.header[wire.HeaderWaiting] != nil {
			t.Fatalf("%q passes for ordinary", text)
		}
	})
}

// recorder takes the head only.
type recorder struct{ h http.Header }

func (r recorder) Header() http.Header         { return r.h }
func (r recorder) WriteHeader(int)             {}
func (r recorder) Write(b []byte) (int, error) { return len(b), nil }
