package edge

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// Whoever asks for names that there are none of, or for heads of ever other names, is
// refused soon, and the origin not asked; what is here he gets, and others pay nothing.
func TestAClientHasABudgetOfWhatIsNotHere(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if life := map[string]string{"/none/": "max-age=60", "/own/": "private"}[path.Dir(r.URL.Path)+"/"]; life != "" {
			w.Header().Set("Cache-Control", life)
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		if strings.HasPrefix(r.URL.Path, "/stale/") {
			w.Header().Set("Cache-Control", "max-age=0")
		}
		return false
	})
	const budget = 40
	for what, row := range map[string]struct {
		method, target string
		let            int // before the budget is spent
	}{
		"names that there are none of":            {"GET", "/none/%d", budget / emptyMiss},
		"the same, as he alone is told":           {"GET", "/own/%d", budget / emptyMiss},
		"heads of names without an end":           {"HEAD", "/a/x.m4s?%d", budget / emptyMiss},
		"objects":                                 {"GET", "/a/%d.m4s", budget},
		"one name that there is none of":          {"GET", "/none/it", 1000},
		"an object that is asked about each time": {"GET", "/stale/y.m4s", 1000},
		"an object":                               {"GET", "/a/y.m4s", 1000},
	} {
		e := startEdge(t, Config{Name: "edge-1", Origin: o.URL, MaxMisses: budget})
		_, _ = get(t, e.url+"/a/here.m4s") // costs 1
		eventually(t, what+": it is whole", func() bool { return e.store.Has("/a/here.m4s") })
		let := 0
		for i := range min(row.let, budget) + 3 {
			target := row.target
			if strings.Contains(target, "%d") {
				target = fmt.Sprintf(target, i)
			}
			resp, _ := do(t, row.method, e.url+target, nil, "Cookie", "a=b")
			if resp.StatusCode != http.StatusTooManyRequests {
				let++
				continue
			}
			if resp.Header.Get("Retry-After") == "" || resp.Header.Get(wire.HeaderReason) != wire.ReasonClient {
				t.Fatalf("%s: %v", what, resp.Header)
			}
		}
		if let < row.let-1 && row.let < 1000 || let > row.let || row.let == 1000 && let != budget+3 {
			t.Errorf("%s: %d of %d are answered", what, let, row.let)
		}
		if refused := metricOf(t, e, "tandem_edge_misses_refused_total"); (refused == 0) != (row.let == 1000) {
			t.Errorf("%s: %v were refused", what, refused)
		}
		if said := e.traffic().Troubles; (len(said) == 1 && strings.HasPrefix(said[0].Text, "max-misses-per-client is reached")) != (row.let < 1000) {
			t.Errorf("%s: operators are told %v", what, said)
		}
		if resp, _ := get(t, e.url+"/a/here.m4s"); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: then what is here: %s", what, resp.Status)
		}
		resp, _ := get(t, e.url+"/a/new.m4s")
		if spent := resp.StatusCode == http.StatusTooManyRequests; spent != (row.let < 1000) {
			t.Errorf("%s: then what is not: %s", what, resp.Status)
		}
	}
}

// Behind a balancer the budget is the viewer's, and nodes have none.
func TestTheBudgetIsTheViewersAndNotTheBalancers(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{MaxMisses: 5} })
	ask := func(i int, more ...string) int {
		resp, _ := do(t, http.MethodGet, fmt.Sprint(edges[0].url, "/v/x/", i, ".m4s"), nil, append(asNode(), more...)...)
		return resp.StatusCode
	}
	for i := range 20 {
		if status := ask(i); status != http.StatusOK {
			t.Fatalf("a node's own request %d: %d", i, status)
		}
	}
	got := ""
	for i := range 7 {
		got += fmt.Sprint(ask(100+i, wire.HeaderViewer, "203.0.113.7"), " ")
	}
	if want := strings.Repeat("200 ", 5) + strings.Repeat("429 ", 2); got != want {
		t.Errorf("a viewer: %s, want %s", got, want)
	}
	if status := ask(200, wire.HeaderViewer, "203.0.113.8"); status != http.StatusOK {
		t.Errorf("another viewer: %d", status)
	}
}
