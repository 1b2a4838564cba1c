package edge

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// TestBodyThatOutgrowsTheStoreIsGivenPastIt: how long it is shows only when the store
// has no room for the rest, which breaks one answer and no second one.
func TestBodyThatOutgrowsTheStoreIsGivenPastIt(t *testing.T) {
	o := newOrigin(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 3<<16)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		w.(http.Flusher).Flush() // no length
		_, _ = w.Write(want)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL, StoreBytes: 4 << 20})
	for n := range 3 {
		resp, err := http.Get(e.url + "/film.mp4")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case n == 0 && err == nil:
			t.Error("the first one was told that a stump is the whole")
		case n > 0 && (err != nil || !bytes.Equal(body, want)):
			t.Errorf("ask %d: %d of %d bytes, %v", n+1, len(body), len(want), err)
		}
		if got := o.count("/film.mp4"); got != n+1 {
			t.Errorf("ask %d: the origin was asked %d times", n+1, got)
		}
	}
}
