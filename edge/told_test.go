package edge

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Who sends none of what an answer varies by shares it with all who don't; the others get their own,
// by one request each once that is known. What a fill is never asked with varies nothing.
func TestWhoSendsNothingOfAVaryShares(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		vary := r.URL.Query().Get("vary")
		w.Header().Set("Vary", vary)
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "of "+r.Header.Get(vary))
		return true
	})
	_, edges := startRing(t, 2, o)
	for n, vary := range []string{"Cookie", "X-Forwarded-For", "X-Request-Id", "Range", "Host"} {
		if n < 3 { // of a folder of which that is not known yet: for all, and then for himself
			get(t, fmt.Sprintf("%s/v/x/%d/first.ts?vary=%s", edges[0].url, n, vary), append(asNode(), vary, "viewer")...)
			known := fmt.Sprintf("/v/x/%d/known.ts", n)
			if get(t, edges[0].url+known+"?vary="+vary, append(asNode(), vary, "viewer")...); o.count(known) != 1 {
				t.Errorf("%s: asked %d times for a viewer of its own", known, o.count(known))
			}
		}
		for m := range 3 {
			path := fmt.Sprintf("/v/x/%d/%d.ts", n, m)
			asked := 0
			for i := range 6 {
				e, own := edges[i%2], i > 2 && n < 3
				fields, want := asNode(), "of "
				if i > 2 && vary == "Range" {
					fields, want = append(fields, vary, "bytes=1-"), "f "
				}
				if own {
					want = fmt.Sprint("of viewer ", i)
					fields = append(fields, vary, want[len("of "):])
				}
				if _, body := get(t, e.url+path+"?vary="+vary, fields...); string(body) != want {
					t.Errorf("%s %s, viewer %d: %q", vary, path, i, body)
				}
				if i == 0 || own {
					asked++
				}
			}
			if got := o.count(path); got > asked {
				t.Errorf("%s %s: asked %d times, want %d", vary, path, got, asked)
			}
		}
	}
}

// Where a folder is known to vary by who asks, what one viewer says of itself decides for nobody
// else either where an origin's Vary forgets it.
func TestWhoSaysWhoHeIsDecidesForNobodyElse(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Query().Has("says") {
			w.Header().Set("Vary", "User-Agent")
		}
		_, _ = io.WriteString(w, "of "+r.UserAgent())
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for i := range 2 {
		get(t, fmt.Sprintf("%s/v/%d.ts?says", e.url, i), "User-Agent", "A")
	}
	for _, player := range []string{"EVIL", "B", "B"} {
		if _, body := get(t, e.url+"/v/3.ts", "User-Agent", player); string(body) != "of "+player {
			t.Errorf("%s got %q", player, body)
		}
	}
	if n := o.count("/v/3.ts"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}
