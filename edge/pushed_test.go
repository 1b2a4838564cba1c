package edge

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// What was pushed over is asked of the origin by the next request, at each edge that has
// heard of it; a copy of a partner that has not is not taken, nor sent to who has.
func TestWhatWasPushedOverIsNewAtOnce(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, fmt.Sprint(o.count(r.URL.Path)))
		return true
	})
	_, edges := startRing(t, 2, o)
	const target = "/v/x/1.ts"
	filler, other := fillerOf(edges, target)
	tell := func(e *testEdge, at int64) {
		t.Helper()
		text, _ := json.Marshal(call.Pushed{At: at, Targets: []string{target}})
		if resp, _ := do(t, http.MethodPost, e.url+wire.PathPushed, strings.NewReader(string(text)), asNode()...); resp.StatusCode != http.StatusNoContent {
			t.Fatal(resp.Status)
		}
	}
	want := func(e *testEdge, body string) {
		t.Helper()
		if _, got := get(t, e.url+target); string(got) != body {
			t.Errorf("%s gives %q, want %q", e.cfg.Name, got, body)
		}
		eventually(t, "it is whole", func() bool { return !e.store.Filling(target) })
	}
	want(filler, "1")
	want(other, "1")
	want(filler, "1")
	tell(other, 7)
	want(other, "2") // the filler has not heard of it, and has a fresh copy
	want(filler, "1")
	tell(filler, 7)
	want(filler, "3")
	if resp, _ := do(t, http.MethodPut, filler.url+wire.PathObject+target, strings.NewReader("0"), append(asNode(), wire.HeaderPushed, "6")...); resp.StatusCode != http.StatusConflict {
		t.Errorf("what is from before is taken: %s", resp.Status)
	}
	want(filler, "3")
	if resp, _ := do(t, http.MethodPut, filler.url+wire.PathObject+target, strings.NewReader("4"), append(asNode(), wire.HeaderPushed, "7", "Cache-Control", "max-age=60")...); resp.StatusCode != http.StatusNoContent {
		t.Error(resp.Status)
	}
	want(filler, "4")
}
