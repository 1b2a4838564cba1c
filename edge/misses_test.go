package edge

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
		return false
	})
	const budget = 40
	began := time.Now() // and stays: nothing of a budget comes back
	for what, row := range map[string]struct {
		method, target string
		let            int // before the budget is spent
	}{
		"names that there are none of":      {"GET", "/none/%d", budget / emptyMiss},
		"the same, as he alone is told":     {"GET", "/own/%d", budget / emptyMiss},
		"heads of names without an end":     {"HEAD", "/a/x.m4s?%d", budget / emptyMiss},
		"objects":                           {"GET", "/a/%d.m4s", budget},
		"one name that there is none of":    {"GET", "/none/it", 1000},
		"what other methods do to one name": {"DELETE", "/a/y.m4s", budget - 1},
		"an object":                         {"GET", "/a/y.m4s", 1000},
	} {
		e := startEdgeAt(t, Config{Name: "edge-1", Origin: o.URL, MaxMisses: budget}, func() time.Time { return began })
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

// What has to be revalidated each time costs the origin as much as what is not here: it has
// a budget of its own, so that nobody is refused anything new for it. A range of it as well.
func TestAClientHasABudgetOfRevalidations(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/stale/") {
			w.Header().Set("Cache-Control", "max-age=0")
		}
		return false
	})
	const budget = 20
	began := time.Now() // and stays
	for what, row := range map[string]struct {
		method string
		more   []string
	}{
		"an object": {"GET", nil}, "its head": {"HEAD", nil}, "a range of it": {"GET", []string{"Range", "bytes=5-6"}},
	} {
		e := startEdgeAt(t, Config{Name: "edge-1", Origin: o.URL, MaxMisses: budget}, func() time.Time { return began })
		_, _ = get(t, e.url+"/stale/y.m4s")
		eventually(t, what+": it is whole", func() bool { return e.store.Has("/stale/y.m4s") })
		asked, refused := o.count("/stale/y.m4s"), 0
		for range 2 * budget {
			if resp, _ := do(t, row.method, e.url+"/stale/y.m4s", nil, row.more...); resp.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		if n := o.count("/stale/y.m4s") - asked; n < budget-1 || n > budget+1 || refused < budget-1 {
			t.Errorf("%s: the origin was asked %d times, %d requests were refused", what, n, refused)
		}
		if n := metricOf(t, e, "tandem_edge_misses_refused_total"); int(n) != refused {
			t.Errorf("%s: %v refused ones are counted of %d", what, n, refused)
		}
		for _, target := range []string{"/a/new.m4s", "/a/new.m4s"} { // a miss, and a hit
			if resp, _ := get(t, e.url+target); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: then what is new: %s", what, resp.Status)
			}
		}
	}
}

// While the origin is down its copies are given as they are, to whoever asks.
func TestAnOutageCostsNobodysBudget(t *testing.T) {
	o := newOrigin(t)
	var down atomic.Bool
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		w.Header().Set("Cache-Control", "max-age=0, stale-if-error=600")
		return false
	})
	e := startEdge(t, Config{Name: "edge-1", Origin: o.URL, MaxMisses: 5})
	_, _ = get(t, e.url+"/a/y.m4s")
	eventually(t, "it is whole", func() bool { return e.store.Has("/a/y.m4s") })
	down.Store(true)
	for i := range 20 {
		if resp, _ := get(t, e.url+"/a/y.m4s"); resp.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %s", i, resp.Status)
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

// A client's budget is one for all edges, of misses and of revalidations: each is told what the others have
// asked for it.
func TestABudgetIsNotOneForEachEdge(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/v/stale/") {
			w.Header().Set("Cache-Control", "max-age=0")
		}
		return false
	})
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{MaxMisses: 64, ReportEvery: 5 * time.Millisecond} })
	ask := func(e *testEdge, target, viewer string) int {
		resp, _ := do(t, http.MethodGet, e.url+target, nil, append(asNode(), wire.HeaderViewer, viewer)...)
		return resp.StatusCode
	}
	n := 0
	refuses := func(e *testEdge, target, viewer string) bool {
		n++
		return ask(e, strings.ReplaceAll(target, "N", fmt.Sprint(n)), viewer) == http.StatusTooManyRequests
	}
	for _, row := range []struct{ target, viewer, other string }{
		{"/v/x/N.m4s", "203.0.113.7", "203.0.113.8"},
		{"/v/stale/y.m4s", "2001:db8::1", "2001:db8:0:1::1"},
	} {
		eventually(t, "its edge refuses "+row.viewer, func() bool { return refuses(edges[0], row.target, row.viewer) })
		let := 0
		eventually(t, "the other edge refuses it", func() bool {
			let++
			return refuses(edges[1], row.target, row.viewer)
		})
		if let > 32 {
			t.Errorf("%s: the other edge has let %d of %d", row.target, let, 64)
		}
		if refuses(edges[1], row.target, row.other) {
			t.Errorf("%s: another viewer is refused", row.target)
		}
	}
}
