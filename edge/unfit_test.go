package edge

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Where what is fetched for all is not for the store, nor for a viewer with fields of its
// own, the next such viewers are asked for once: not for all and then for themselves.
func TestAnAnswerOfEachViewersOwnIsAskedForOnce(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		w.Header().Set("Vary", r.URL.Query().Get("vary"))
		if r.URL.Query().Has("none") {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "of "+r.Header.Get(r.URL.Query().Get("by")))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	ask := func(path, query, field string) {
		t.Helper()
		for i := range 4 {
			value := fmt.Sprint("viewer", i)
			if _, body := get(t, e.url+path+"?by="+field+"&"+query, field, value); string(body) != "of "+value {
				t.Errorf("%s: %q", path, body)
			}
		}
	}
	ask("/cookie", "cc=no-store", "Cookie")
	ask("/varying-by-cookie", "cc=max-age=60&vary=Cookie", "Cookie")
	ask("/agent", "cc=max-age=60&vary=User-Agent", "User-Agent")
	for _, path := range []string{"/cookie", "/varying-by-cookie", "/agent"} {
		if n := o.count(path); n != 5 {
			t.Errorf("%s: asked %d times for 4 viewers, want 5", path, n)
		}
	}
	// What is not there may come, and be for all.
	ask("/none", "cc=no-store&none", "Cookie")
	if n := o.count("/none"); n != 8 {
		t.Errorf("what is not there: asked %d times", n)
	}
	// Who has no fields of his own is one to the others still.
	if _, body := get(t, e.url+"/cookie?by=Cookie&cc=no-store"); string(body) != "of " || o.count("/cookie") != 6 {
		t.Errorf("without a cookie: %q, asked %d times", body, o.count("/cookie"))
	}
}
