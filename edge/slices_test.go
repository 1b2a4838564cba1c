package edge

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/edge/rules"
	"tandem/internal/wire"
)

const bigSize = 5*rules.SliceSize + 123

// bigOrigin has large objects, and counts what it sends of them.
type bigOrigin struct {
	*testOrigin
	sent    atomic.Int64
	version atomic.Int64
	mu      sync.Mutex
	asked   []string // method, and Range
}

func newBigOrigin(t *testing.T) *bigOrigin {
	o := &bigOrigin{testOrigin: newOrigin(t)}
	o.handle(o.answers())
	return o
}

// answers are those of such an origin.
func (o *bigOrigin) answers() func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		o.mu.Lock()
		o.asked = append(o.asked, r.Method+" "+r.Header.Get("Range"))
		o.mu.Unlock()
		h, version := w.Header(), o.version.Load()
		h.Set("Content-Type", "video/mp4")
		h.Set("Cache-Control", "max-age=60")
		h.Set("ETag", fmt.Sprintf(`"v%d"`, version))
		var changed time.Time
		switch {
		case strings.Contains(r.URL.Path, "weak"):
			h.Set("ETag", `W/"v"`)
		case strings.Contains(r.URL.Path, "dated"):
			if h.Del("ETag"); strings.Contains(r.URL.Path, "w.mp4") {
				h.Set("ETag", `W/"w"`)
			}
			changed = time.Date(2026, 1, 1, 0, 0, int(version), 0, time.UTC)
		case strings.Contains(r.URL.Path, "fresh"):
			h.Del("ETag")
			changed = time.Now().Add(-5 * time.Second)
		case strings.Contains(r.URL.Path, "whole"):
			r.Header.Del("Range")
		case strings.Contains(r.URL.Path, "nohead") && r.Method == http.MethodHead:
			if strings.Contains(r.URL.Path, "/a/") {
				h.Del("Cache-Control") // such a refusal is not for the store
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		case strings.Contains(r.URL.Path, "closes") && r.Method == http.MethodHead:
			panic(http.ErrAbortHandler)
		case strings.Contains(r.URL.Path, "none"):
			http.NotFound(w, r)
			return true
		}
		if strings.Contains(r.URL.Path, "cut") && strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") {
			w = &cutWriter{w, cutAt}
		}
		counting := &countingWriter{ResponseWriter: w, n: &o.sent}
		body := bodyOf(r.URL.Path+strconv.FormatInt(version, 10), bigSize)
		h.Set(wire.HeaderDigest, fmt.Sprintf("%x", sha256.Sum256(body))) // of all of it, as our own origin says to nodes
		http.ServeContent(counting, r, "", changed, bytes.NewReader(body))
		return true
	}
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// asks are what the origin was asked since the last look.
func (o *bigOrigin) asks() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.asked
	o.asked = nil
	return all
}

// A seek into a large object that is not here costs the origin slices.
func TestSeekCostsTheOriginSlices(t *testing.T) {
	o := newBigOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	want, total := bodyOf("/film.mp40", bigSize), 0
	for _, c := range []struct {
		asked       string
		first, last int
		slices      int // that are new, a head aside
	}{
		{"bytes=-5", bigSize - 5, bigSize - 1, 1},
		{"bytes=" + fmt.Sprint(bigSize-100) + "-", bigSize - 100, bigSize - 1, 0},
		{"bytes=0-0", 0, 0, 1},
		{"bytes=" + fmt.Sprint(2*rules.SliceSize-1) + "-" + fmt.Sprint(2*rules.SliceSize), 2*rules.SliceSize - 1, 2 * rules.SliceSize, 2},
		{"bytes=100-" + fmt.Sprint(3*rules.SliceSize+5), 100, 3*rules.SliceSize + 5, 1},
		{"bytes=10-" + fmt.Sprint(bigSize*2), 10, bigSize - 1, 1},
	} {
		resp, body := get(t, e.url+"/film.mp4", "Range", c.asked)
		if resp.StatusCode != 206 || !bytes.Equal(body, want[c.first:c.last+1]) || resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", c.first, c.last, bigSize) ||
			resp.ContentLength != int64(c.last+1-c.first) || resp.Header.Get("ETag") != `"v0"` || resp.Header.Get("Tandem-Extent") != "" || resp.Header.Get("Content-Type") != "video/mp4" {
			t.Errorf("%s: %s, %d bytes, %v", c.asked, resp.Status, len(body), resp.Header)
		}
		slices := 0
		for _, asked := range o.asks() {
			if strings.HasPrefix(asked, "GET bytes=") {
				slices++
			} else if asked != "HEAD " {
				t.Errorf("%s: the origin was asked %q", c.asked, asked)
			}
		}
		if total += c.slices; slices != c.slices || o.sent.Load() > int64(total*rules.SliceSize) {
			t.Errorf("%s: %d slices, %d bytes in all", c.asked, slices, o.sent.Load())
		}
	}
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"Range", "bytes=" + fmt.Sprint(bigSize) + "-"}, 416},
		{[]string{"Range", "bytes=5-9", "If-None-Match", `"v0"`}, 304},
		{[]string{"Range", "bytes=5-9", "If-Match", `"other"`}, 412},
		{[]string{"Range", "bytes=5-9", "If-Range", `"v0"`}, 206},
		{[]string{"Range", "bytes=5-9", "If-Range", `"other"`}, 200},
	} {
		if resp, body := get(t, e.url+"/film.mp4", c.header...); resp.StatusCode != c.status || c.status == 200 && !bytes.Equal(body, want) || c.status == 206 && string(body) != string(want[5:10]) {
			t.Errorf("%v: %s, %d bytes", c.header, resp.Status, len(body))
		}
	}
	if resp, body := get(t, e.url+"/film.mp4"); resp.StatusCode != 200 || !bytes.Equal(body, want) {
		t.Errorf("then the whole: %s, %d bytes", resp.Status, len(body))
	}
}

// Slices of two versions are never put together.
func TestSlicesOfTwoVersionsBreakVisibly(t *testing.T) {
	o := newBigOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	get(t, e.url+"/film.mp4", "Range", "bytes=0-9")
	o.version.Store(1)
	resp, err := http.DefaultClient.Do(must(http.NewRequest(http.MethodGet, e.url+"/film.mp4", nil))("Range", "bytes=5-"+fmt.Sprint(2*rules.SliceSize)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil || !bytes.HasPrefix(bodyOf("/film.mp40", bigSize)[5:], body) || len(body) > rules.SliceSize {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	// Who asks again is given the newer one, and not the same break for as long as the older slice
	// lives, here or at the other member of the pair: so it is got whole.
	if e.store.Has(rules.SliceKey("/film.mp4", 0)) {
		t.Error("the older slice is still there")
	}
	o.asks()
	defer func() {
		if asked := o.asks(); len(asked) == 0 || asked[0] != "GET " {
			t.Errorf("asked for in parts again: %q", asked)
		}
	}()
	asked := "bytes=5-" + fmt.Sprint(2*rules.SliceSize)
	if resp, body := get(t, e.url+"/film.mp4", "Range", asked); resp.StatusCode != 206 || !bytes.Equal(body, bodyOf("/film.mp41", bigSize)[5:2*rules.SliceSize+1]) {
		t.Errorf("then: %s, %d bytes", resp.Status, len(body))
	}
	// Where the first slice is the newer one, the other is got anew for the very viewer.
	get(t, e.url+"/other.mp4", "Range", fmt.Sprintf("bytes=%d-%d", rules.SliceSize, rules.SliceSize+9))
	o.version.Store(2)
	get(t, e.url+"/other.mp4", "Range", "bytes=0-9")
	if resp, body := get(t, e.url+"/other.mp4", "Range", asked); resp.StatusCode != 206 || !bytes.Equal(body, bodyOf("/other.mp42", bigSize)[5:2*rules.SliceSize+1]) {
		t.Errorf("behind a newer one: %s, %d bytes", resp.Status, len(body))
	}
}

// must sets a field of a request that was made without an error.
func must(r *http.Request, err error) func(name, value string) *http.Request {
	return func(name, value string) *http.Request {
		if err != nil {
			panic(err)
		}
		r.Header.Set(name, value)
		return r
	}
}

// An origin that gives no parts, or none that can be put together, is asked for the
// whole, and not for parts again and again.
func TestOriginThatGivesNoParts(t *testing.T) {
	o := newBigOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	for _, kind := range []string{"whole", "weak", "fresh"} {
		for n := range 3 {
			path := fmt.Sprintf("/%s/%d.mp4", kind, n)
			if resp, body := get(t, e.url+path, "Range", "bytes=2000000-2000009"); resp.StatusCode != 206 || !bytes.Equal(body, bodyOf(path+"0", bigSize)[2000000:2000010]) {
				t.Errorf("%s: %s, %d bytes", path, resp.Status, len(body))
			}
		}
		parts := 0
		for _, asked := range o.asks() {
			if asked != "GET " {
				parts++
			}
		}
		if want := map[string]int{"whole": 1, "weak": 3, "fresh": 3}[kind]; parts != want { // of what is large each may have parts
			t.Errorf("%s: asked for a part %d times, want %d", kind, parts, want)
		}
	}
	for path, status := range map[string]int{"/none.mp4": 404, "/nohead.mp4": 206} {
		if resp, _ := get(t, e.url+path, "Range", "bytes=-10"); resp.StatusCode != status {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

// What is smaller than a slice is whole in one, and serves all.
func TestRangeOfASmallObjectFillsIt(t *testing.T) {
	o := newOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	want := bodyOf("/a/1.m4s", segmentSize)
	if _, body := get(t, e.url+"/a/1.m4s", "Range", "bytes=100-199"); !bytes.Equal(body, want[100:200]) {
		t.Errorf("%d bytes", len(body))
	}
	eventually(t, "it is whole", func() bool { return e.store.Has(rules.SliceKey("/a/1.m4s", 0)) })
	for _, fields := range [][]string{nil, {"Range", "bytes=-7"}, {"Range", "bytes=5-"}} {
		resp, body := get(t, e.url+"/a/1.m4s", fields...)
		if !bytes.HasSuffix(want, body) || len(body) == 0 || resp.StatusCode == 200 && len(body) != segmentSize || !strings.Contains(resp.Header.Get("Cache-Status"), "; hit") {
			t.Errorf("%v: %s, %d bytes, %s", fields, resp.Status, len(body), resp.Header.Get("Cache-Status"))
		}
	}
	if head, body := do(t, http.MethodHead, e.url+"/a/1.m4s", nil); head.ContentLength != segmentSize || len(body) != 0 {
		t.Errorf("HEAD: %d", head.ContentLength)
	}
	if n := o.count("/a/1.m4s"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	e.fetch.Purge(wire.Purge{Prefix: "/a/1.m4s", Exact: true})
	if get(t, e.url+"/a/1.m4s"); o.count("/a/1.m4s") != 2 {
		t.Error("a purged slice is served")
	}
}

// HEAD is answered by HEAD, once for all who ask.
func TestHeadIsAnsweredByHead(t *testing.T) {
	o := newBigOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	for range 5 {
		head, body := do(t, http.MethodHead, e.url+"/film.mp4", nil)
		if head.StatusCode != 200 || head.ContentLength != bigSize || len(body) != 0 || head.Header.Get("ETag") != `"v0"` || head.Header.Get("Tandem-Extent") != "" {
			t.Errorf("%s %v", head.Status, head.Header)
		}
	}
	if asked := fmt.Sprint(o.asks()); asked != "[HEAD ]" || o.sent.Load() != 0 {
		t.Errorf("the origin was asked %s", asked)
	}
	if head, _ := do(t, http.MethodHead, e.url+"/none.mp4", nil); head.StatusCode != 404 {
		t.Errorf("not there: %s", head.Status)
	}
	if head, _ := do(t, http.MethodHead, e.url+"/nohead.mp4", nil); head.StatusCode != 200 || head.ContentLength != bigSize {
		t.Errorf("where HEAD is refused: %s %d %v %q", head.Status, head.ContentLength, head.Header, o.asks())
	}
	if head, _ := do(t, http.MethodHead, e.url+"/closes.mp4", nil); head.StatusCode != 200 || head.ContentLength != bigSize {
		t.Errorf("where HEAD breaks the connection: %s %d %v %q", head.Status, head.ContentLength, head.Header, o.asks())
	}
	if head, _ := do(t, http.MethodHead, e.url+"/a/nohead.mp4", nil); head.StatusCode != 200 || head.ContentLength != bigSize {
		t.Errorf("where the refusal is not stored: %s %d %v %q", head.Status, head.ContentLength, head.Header, o.asks())
	}
}

// In a cluster a slice is asked of the origin once, and both members have it.
func TestSlicesAreThePairs(t *testing.T) {
	o := newBigOrigin(t)
	_, edges := startRing(t, 2, o.testOrigin)
	want := bodyOf("/v/x/film.mp40", bigSize)
	at := int64(3*rules.SliceSize + 10)
	for _, e := range edges {
		if _, body := get(t, e.url+"/v/x/film.mp4", append(asNode(), "Range", fmt.Sprintf("bytes=%d-%d", at, at+rules.SliceSize))...); !bytes.Equal(body, want[at:at+rules.SliceSize+1]) {
			t.Errorf("%s: %d bytes", e.cfg.Name, len(body))
		}
	}
	if asked := o.asks(); len(asked) != 2 {
		t.Errorf("the origin was asked %q", asked)
	}
	for _, e := range edges {
		for _, number := range []int64{3, 4} {
			eventually(t, "both have it", func() bool { return e.store.Has(rules.SliceKey("/v/x/film.mp4", number)) })
		}
	}
}
