package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/edge/rules"
	"tandem/internal/wire"
)

// changedOrigin takes uploads of want, and counts in the body how often it was asked.
func changedOrigin(t *testing.T, want []byte) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			w.Header().Set("Cache-Control", "max-age=3600")
			_, _ = fmt.Fprint(w, o.count(r.URL.Path))
			return true
		}
		body, err := io.ReadAll(r.Body)
		w.Header().Set("Location", "/made")
		w.Header().Set("Content-Location", "http://elsewhere.example/kept")
		w.Header().Set("Set-Cookie", "a=b")
		switch {
		case err != nil || r.URL.Query().Get("sid") != "7" || r.ContentLength > 0 && !bytes.Equal(body, want) || r.Header.Get("X-Mine") != "1":
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodPatch:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(w, r.Method)
		return true
	})
	return o
}

func TestOtherMethodsGoThroughAndInvalidate(t *testing.T) {
	want := bodyOf("upload", 3<<20)
	o := changedOrigin(t, want)
	e := startEdge(t, Config{Origin: o.URL})
	paths := []string{"/a?sid=7", "/made", "/kept"}
	asked := func(path string) int { return o.count(strings.TrimSuffix(path, "?sid=7")) }
	for _, c := range []struct {
		method      string
		status      int
		invalidates bool
	}{
		{http.MethodPut, 201, true},
		{http.MethodPatch, 503, false},
		{http.MethodPost, 201, true},
		{http.MethodDelete, 201, true},
		{"SEARCH", 201, false},
		{"M-SEARCH", 201, true},
	} {
		for _, path := range paths {
			get(t, e.url+path)
		}
		var body io.Reader
		if c.method == http.MethodPut {
			body = bytes.NewReader(want)
		}
		resp, text := do(t, c.method, e.url+"/a?sid=7", body, "X-Mine", "1")
		if resp.StatusCode != c.status || string(text) != c.method || resp.Header.Get("Set-Cookie") != "a=b" {
			t.Errorf("%s: %s %q %v", c.method, resp.Status, text, resp.Header)
		}
		if got, want := resp.Header.Get("Cache-Status"), fmt.Sprintf("edge-1; fwd=method; fwd-status=%d", c.status); got != want {
			t.Errorf("%s: %q, want %q", c.method, got, want)
		}
		for i, path := range paths {
			before := asked(path)
			get(t, e.url+path)
			if again := asked(path) > before; again != (c.invalidates && i < 2) {
				t.Errorf("%s: %s was asked for again: %v", c.method, path, again)
			}
		}
	}
	if resp, _ := do(t, http.MethodTrace, e.url+"/a", nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("TRACE: %s", resp.Status)
	}
}

// What carries a body goes by a connection of its own: an origin that answers without
// reading takes it for the next request, and the next viewer would get the answer to that.
func TestABodyIsNeverTheNextViewersRequest(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = fmt.Fprint(w, r.Close)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for _, row := range []struct{ method, body, want string }{{http.MethodPost, "hello", "true"}, {http.MethodPut, "x", "true"}, {http.MethodGet, "", "false"}, {http.MethodDelete, "", "false"}} {
		if _, closes := do(t, row.method, e.url+"/p", strings.NewReader(row.body)); string(closes) != row.want {
			t.Errorf("%s with %q: its connection ends: %s", row.method, row.body, closes)
		}
	}
}

func TestViewersOfAClusterOnlyRead(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 1, o)
	for _, header := range [][]string{nil, asNode()} {
		resp, _ := do(t, http.MethodPost, edges[0].url+"/v/x/1.m4s", strings.NewReader("x"), header...)
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
	}
	if n := o.count("/v/x/1.m4s"); n != 0 {
		t.Errorf("origin asked %d times", n)
	}
}

func TestAnAnswerThatIsNotStoredIsFetchedOnce(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		w.Header().Set("X-Kept", "1")
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusPartialContent)
		}
		if r.URL.Query().Has("cookie") {
			w.Header().Set("Set-Cookie", "a=b")
		}
		if r.URL.Query().Has("long") {
			w.Header().Set("X-Long", strings.Repeat("x", rules.MaxFields))
		}
		_, _ = io.WriteString(w, "mine "+r.Header.Get("Cookie"))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for i, query := range []string{"cc=no-store", "cc=private", "cc=max-age=60&cookie", "cc=max-age=60&long"} {
		path := fmt.Sprintf("/p%d", i)
		for n := range 3 {
			resp, body := get(t, e.url+path+"?"+query)
			if string(body) != "mine " || resp.Header.Get("X-Kept") != "1" || o.count(path) != n+1 {
				t.Errorf("%s: %q %v, asked %d times", query, body, resp.Header, o.count(path))
			}
			if got := resp.Header.Get("Cache-Status"); got != "edge-1; fwd=uri-miss; fwd-status=200" {
				t.Error(got)
			}
		}
	}
	// What the fill did not say for the viewer is asked again, for the viewer alone.
	if _, body := get(t, e.url+"/q?cc=no-store", "Cookie", "me"); string(body) != "mine me" || o.count("/q") != 2 {
		t.Errorf("%q, asked %d times", body, o.count("/q"))
	}
	if resp, _ := get(t, e.url+"/r?cc=no-store", "Range", "bytes=0-1"); resp.StatusCode != http.StatusPartialContent {
		t.Error(resp.Status)
	}
	if resp, body := do(t, http.MethodHead, e.url+"/h?cc=no-store", nil); resp.StatusCode != 200 || len(body) > 0 || o.count("/h") != 1 {
		t.Errorf("HEAD: %s, asked %d times", resp.Status, o.count("/h"))
	}
}

// Of n viewers at once each gets an answer of its own, and none waits for a second
// one.
func TestWhoJoinedAPrivateAnswerAsksForItself(t *testing.T) {
	o := newOrigin(t)
	begun, gate := make(chan struct{}, 10), make(chan struct{})
	var number atomic.Int64
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		n := number.Add(1)
		begun <- struct{}{}
		if n == 1 {
			<-gate
		}
		w.Header().Set("Cache-Control", "private")
		_, _ = fmt.Fprint(w, n)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	var wg sync.WaitGroup
	var seen sync.Map
	ask := func() {
		if _, body := get(t, e.url+"/mine"); len(body) > 0 {
			if _, twice := seen.LoadOrStore(string(body), true); twice {
				t.Errorf("%q was given to two", body)
			}
		}
	}
	wg.Go(ask)
	<-begun
	for range 5 {
		wg.Go(ask)
	}
	eventually(t, "five wait", func() bool { return e.fetch.Counts.Waiting.Load() == 6 })
	close(gate)
	wg.Wait()
	if n := o.count("/mine"); n != 6 {
		t.Errorf("origin asked %d times by 6", n)
	}
}

func TestTheOriginsErrorIsPassedOnWithItsBody(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(fmt.Sprint(status), func(t *testing.T) { passesTheOriginsError(t, status) })
	}
}

func passesTheOriginsError(t *testing.T, status int) {
	o := newOrigin(t)
	var broken atomic.Bool
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		if broken.Load() {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "sorry")
			return true
		}
		_, _ = io.WriteString(w, "good")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	stale, strict := e.url+"/1.m4s?cc=max-age=0", e.url+"/2.m4s?cc=max-age=0,must-revalidate"
	get(t, stale)
	get(t, strict)
	eventually(t, "both are stored", func() bool {
		return e.store.Has("/1.m4s?cc=max-age=0") && e.store.Has("/2.m4s?cc=max-age=0,must-revalidate")
	})
	broken.Store(true)
	if resp, body := get(t, stale); resp.StatusCode != 200 || string(body) != "good" || !strings.HasPrefix(resp.Header.Get("Cache-Status"), "edge-1; fwd=stale; fwd-status="+fmt.Sprint(status)+"; ttl=") {
		t.Errorf("stale: %s %q %v", resp.Status, body, resp.Header)
	}
	for _, url := range []string{strict, e.url + "/3.m4s?cc=", e.url + "/4.m4s?cc=no-store"} {
		resp, body := get(t, url)
		if resp.StatusCode != status || string(body) != "sorry" || resp.Header.Get("Retry-After") != "7" || resp.Header.Get(wire.HeaderReason) != "" {
			t.Errorf("%s: %s %q %v", url, resp.Status, body, resp.Header)
		}
		if strings.Contains(resp.Header.Get("Cache-Status"), "stored") {
			t.Error(resp.Header.Get("Cache-Status"))
		}
	}
	broken.Store(false)
	if _, body := get(t, strict); string(body) != "good" {
		t.Errorf("after that: %q", body)
	}
	broken.Store(true)
	o.Close()
	if resp, _ := get(t, e.url+"/5.m4s?cc="); resp.StatusCode != http.StatusBadGateway || resp.Header.Get(wire.HeaderReason) != reasonOrigin {
		t.Errorf("unreachable: %s", resp.Status)
	}
}

func TestThoseWhoWaitShareTheOriginsError(t *testing.T) {
	for _, life := range []string{"", "no-store"} { // pages of errors often say so
		t.Run(life, func(t *testing.T) { shareTheOriginsError(t, http.StatusInternalServerError, life) })
	}
	t.Run("429", func(t *testing.T) { shareTheOriginsError(t, http.StatusTooManyRequests, "max-age=60") }) // never stored (RFC 6585 section 4)
	t.Run("429 no-store", func(t *testing.T) { shareTheOriginsError(t, http.StatusTooManyRequests, "no-store") })
}

func shareTheOriginsError(t *testing.T, status int, life string) {
	o := newOrigin(t)
	begun, gate := make(chan struct{}, 20), make(chan struct{}) // who asks again is counted
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		begun <- struct{}{}
		<-gate
		w.Header().Set("Cache-Control", life)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "sorry")
		return true
	})
	_, edges := startRing(t, 2, o)
	var wg sync.WaitGroup
	ask := func(e *testEdge) func() {
		return func() {
			resp, body := get(t, e.url+"/v/x/1.m4s", asNode()...)
			// With a reason the balancer takes it for an answer, not for a broken edge.
			if resp.StatusCode != status || string(body) != "sorry" || status >= 500 && resp.Header.Get(wire.HeaderReason) != reasonPassed {
				t.Errorf("%s %q %v", resp.Status, body, resp.Header)
			}
		}
	}
	wg.Go(ask(edges[0]))
	<-begun
	for n := range 8 {
		wg.Go(ask(edges[n%2]))
	}
	eventually(t, "all wait", func() bool { return edges[0].fetch.Counts.Waiting.Load()+edges[1].fetch.Counts.Waiting.Load() == 10 }) // nine viewers, and one edge that asks the other
	close(gate)
	wg.Wait()
	n := o.count("/v/x/1.m4s")
	if ask(edges[0])(); n != 1 || o.count("/v/x/1.m4s") != 2 {
		t.Errorf("origin asked %d times, and %d with who came later", n, o.count("/v/x/1.m4s"))
	}
}

func TestANodeIsToldThatAnErrorIsTheOrigins(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set(wire.HeaderReason, "forged")
		w.WriteHeader(http.StatusNotImplemented)
		return true
	})
	_, edges := startRing(t, 2, o)
	for i, header := range [][]string{{}, {"Cookie", "a=b"}} { // handed over, and passed
		resp, _ := get(t, edges[i].url+fmt.Sprintf("/v/x/%d.m4s", i), append(header, asNode()...)...)
		if resp.StatusCode != 501 || resp.Header.Get(wire.HeaderReason) != reasonPassed {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
	}
}

// A part that is not as long as it says is the origin's fault, and is called so: a
// balancer would take the edge for the cause, and ask the other one for the same.
func TestPartThatContradictsItselfIsTheOriginsFault(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Range", "bytes 5-9/10")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "56789"[strings.Count(r.URL.Path, "wrong"):])
		return true
	})
	_, ring := startRing(t, 2, o)
	for path, status := range map[string]int{"/right.ts": http.StatusPartialContent, "/wrong.ts": http.StatusBadGateway} {
		resp, body := get(t, ring[0].url+path, append(asNode(), "Range", "bytes=-5")...)
		if resp.StatusCode != status || status == http.StatusBadGateway && resp.Header.Get(wire.HeaderReason) != reasonOrigin {
			t.Errorf("%s: %s %v %q", path, resp.Status, resp.Header, body)
		}
	}
}

func TestOnlyIfCachedAsksNobody(t *testing.T) {
	o := newOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	resp, _ := get(t, e.url+"/1.m4s", "Cache-Control", "max-stale, only-if-cached")
	if resp.StatusCode != http.StatusGatewayTimeout || o.count("/1.m4s") != 0 {
		t.Errorf("%s, asked %d times", resp.Status, o.count("/1.m4s"))
	}
	get(t, e.url+"/1.m4s")
	if resp, _ := get(t, e.url+"/1.m4s", "Cache-Control", "only-if-cached"); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	get(t, e.url+"/1.m4s", "Cache-Control", "no-cache", "Pragma", "no-cache")
	if n := o.count("/1.m4s"); n != 1 {
		t.Errorf("a viewer made the edge ask %d times", n)
	}
}

func TestAViewerThatLeavesEndsWhatItWasHanded(t *testing.T) {
	o := newOrigin(t)
	gone := make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	resp, err := http.Get(e.url + "/endless")
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5) // it comes as it comes, though nothing follows
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Fatal(string(first), err)
	}
	_ = resp.Body.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the origin still sends")
	}
}

func TestAPartOfWhatIsNeverFreshIsAskedForAsAPart(t *testing.T) {
	o := newOrigin(t)
	var whole atomic.Int64
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" {
			whole.Add(1)
		}
		w.Header().Set("Content-Type", "application/zip")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bodyOf("/a.zip", 5000)))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	get(t, e.url+"/a.zip")
	eventually(t, "it is whole", func() bool { return e.store.Has("/a.zip") })
	for range 3 {
		resp, body := get(t, e.url+"/a.zip", "Range", "bytes=1-3")
		if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, bodyOf("/a.zip", 5000)[1:4]) {
			t.Errorf("%s %x", resp.Status, body)
		}
	}
	if n := whole.Load(); n != 1 {
		t.Errorf("asked for the whole %d times", n)
	}
}
