package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// taggedOrigin tags its answers, and says with a number how often it was asked.
func taggedOrigin(t *testing.T) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Cache-Control", "max-age=60")
		switch {
		case strings.Contains(r.URL.Path, "fastly"):
			h.Set("Surrogate-Key", "film-7 drama")
			h.Set("Surrogate-Control", "max-age=5")
		case strings.Contains(r.URL.Path, "cloud"):
			h["Cache-Tag"] = []string{"x,film-7", "drama"}
		case strings.Contains(r.URL.Path, "many"):
			for n := range 1000 {
				h.Add("Surrogate-Key", fmt.Sprint("tag-", n))
			}
		case strings.Contains(r.URL.Path, "own"):
			h.Set("Cache-Control", "no-store")
			h.Set("Cache-Tag", "film-7")
		default:
			h.Set("Surrogate-Key", "film-70")
		}
		_, _ = io.WriteString(w, fmt.Sprint(o.count(r.URL.Path)))
		return true
	})
	return o
}

// What an origin tags goes by its tag, on both members, and viewers are told
// nothing of tags.
func TestPurgeByTag(t *testing.T) {
	o := taggedOrigin(t)
	_, edges := startRing(t, 2, o)
	paths := []string{"/v/x/fastly.ts", "/v/x/cloud.ts", "/v/x/other.ts"}
	for round, want := range []string{"1 1 1", "1 1 1", "2 2 1"} {
		if round == 2 {
			for _, e := range edges {
				text, _ := json.Marshal(wire.Purge{Tag: "film-7"})
				resp, said := do(t, http.MethodPost, e.url+wire.PathPurge, bytes.NewReader(text), asNode()...)
				if resp.StatusCode != 200 || string(bytes.TrimSpace(said)) != `{"removed":2}` {
					t.Errorf("%s: %s %s", e.cfg.Name, resp.Status, said)
				}
			}
		}
		for _, e := range edges {
			var got []string
			for _, path := range paths {
				resp, body := get(t, e.url+path, asNode()...)
				got = append(got, string(body))
				for name := range resp.Header {
					if strings.Contains(name, "Surrogate") || strings.Contains(name, "Cache-Tag") || name == "Tandem-Tags" {
						t.Errorf("%s says %s: %s", path, name, resp.Header.Get(name))
					}
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("round %d, %s: %v, want %s", round, e.cfg.Name, got, want)
			}
		}
		for _, path := range paths {
			eventually(t, "both have it", func() bool { return edges[0].store.Has(path) && edges[1].store.Has(path) })
		}
	}
	for _, path := range []string{"/v/x/own.ts", "/v/x/many.ts"} {
		for n := range 2 {
			eventually(t, "what was asked for before is over", func() bool { return !edges[0].store.Filling(path) && !edges[1].store.Filling(path) })
			resp, body := get(t, edges[0].url+path, asNode()...)
			if resp.Header.Get("Cache-Tag")+resp.Header.Get("Surrogate-Key")+resp.Header.Get("Surrogate-Control") != "" || string(body) != fmt.Sprint(n+1) {
				t.Errorf("%s: %q %v", path, body, resp.Header)
			}
		}
	}
}

// An edge that has carried out a purge takes nothing from a neighbour that has not:
// it could be what was purged.
func TestPurgedObjectDoesNotComeBackFromANeighbour(t *testing.T) {
	o := taggedOrigin(t)
	_, edges := startRing(t, 2, o)
	var paths []string
	for n := range 8 { // each member is the filler of some
		paths = append(paths, fmt.Sprintf("/v/x/fastly-%d.ts", n))
	}
	for _, path := range paths {
		get(t, edges[0].url+path, asNode()...)
		eventually(t, "both have it", func() bool { return edges[0].store.Has(path) && edges[1].store.Has(path) })
	}
	for i, purge := range []wire.Purge{{Seq: 1000, Tag: "film-7"}, {Seq: 2000, Prefix: "/v/x/"}} {
		first, second := edges[i%2], edges[1-i%2]
		first.fetch.Purge(purge)
		for _, path := range paths {
			if _, body := get(t, first.url+path, asNode()...); string(body) != fmt.Sprint(i+2) {
				t.Errorf("%s after purge %d: %q came back", path, purge.Seq, body)
			}
		}
		second.fetch.Purge(purge)
		for _, path := range paths {
			if _, body := get(t, second.url+path, asNode()...); string(body) != fmt.Sprint(i+2) {
				t.Errorf("%s after both have done purge %d: %q", path, purge.Seq, body)
			}
			eventually(t, "both have it", func() bool { return edges[0].store.Has(path) && edges[1].store.Has(path) })
		}
	}
}

// An edge alone is told by its operator; one of a cluster by balancers only, which tell
// them all.
func TestEdgeAloneIsPurgedAtItsAdminListener(t *testing.T) {
	o := taggedOrigin(t)
	order := func(e *testEdge, text string) (int, string) {
		w := httptest.NewRecorder()
		e.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/purge", strings.NewReader(text)))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	e := startEdge(t, Config{Origin: o.URL})
	for _, p := range []wire.Purge{{Prefix: "/a/fastly.ts", Exact: true}, {Prefix: "/a/"}, {Tag: "film-7"}, {Prefix: "/"}} {
		get(t, e.url+"/a/fastly.ts")
		eventually(t, "it is stored", func() bool { return e.store.Has("/a/fastly.ts") })
		text, _ := json.Marshal(p)
		if status, said := order(e, string(text)); status != 200 || said != `{"seq":0,"removed":{"edge-1":1},"failed":[]}` || e.store.Has("/a/fastly.ts") {
			t.Errorf("%+v: %d %s", p, status, said)
		}
	}
	for _, text := range []string{"", "{}", `{"prefix":"a"}`, `{"nope":1}`} {
		if status, said := order(e, text); status != 400 {
			t.Errorf("%q: %d %s", text, status, said)
		}
	}
	_, edges := startRing(t, 2, o)
	if status, said := order(edges[0], `{"prefix":"/"}`); status != 409 {
		t.Errorf("in a cluster: %d %s", status, said)
	}
}
