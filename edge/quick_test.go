package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// alikeOrigin has an object of each kind that is answered differently.
func alikeOrigin(t *testing.T) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Cache-Control", "max-age=3600")
		switch r.URL.Path {
		case "/rich.m4s":
			h["X-Two"] = []string{"a", "b, c"}
			h.Set("Date", "Tue, 15 Nov 1994 08:12:31 GMT")
			h.Set("Content-Md5", "of the whole")
			h.Set("Cache-Status", "theirs; hit")
			h.Set("Age", "7")
			h.Set("ETag", `W/"weak"`)
			h.Set("Last-Modified", "Tue, 15 Nov 1994 08:12:31 GMT")
		case "/gone":
			h.Set("X-Gone", "1")
			w.WriteHeader(http.StatusGone)
			return true
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
			return true
		case "/vary":
			h.Set("Vary", "Accept-Language")
		default:
			return false
		}
		_, _ = w.Write(bodyOf(r.URL.Path, 1000))
		return true
	})
	return o
}

func TestAHitIsAnsweredAlikeOnALoopAndAway(t *testing.T) {
	o := alikeOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	slow := httptest.NewServer(e.Handler())
	t.Cleanup(slow.Close)
	hits, onLoops := e.fetch.Counts.Hits.Load(), int64(0)
	for _, path := range []string{"/a/1.m4s", "/rich.m4s", "/gone", "/empty", "/vary"} {
		resp, _ := get(t, e.url+path)
		eventually(t, "it is whole", func() bool { return e.store.Has(path) })
		said(t, http.MethodGet, slow.URL+path, "") // what may be a manifest is looked at away from the loops, once it is whole
		hits++
		etag := resp.Header.Get("ETag")
		for _, fields := range []string{
			"", "Range: bytes=0-0", "Range: bytes=-3", "Range: bytes=2-", "Range: bytes=99999999-", "Range: bytes=0-1,3-4", "Range: pages=1",
			"If-None-Match: *", "If-None-Match: \"no\"", "If-Match: \"no\"", "If-Match: ETAG", "If-None-Match: ETAG", "If-None-Match: \"no\", ETAG",
			"Range: bytes=1-2|If-Range: ETAG", "Range: bytes=1-2|If-Range: \"no\"", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
			"Cache-Control: no-cache", "Cache-Control: only-if-cached", "Authorization: me|Cookie: a=b", "If-Modified-Since: Fri, 01 Jan 1993 00:00:00 GMT",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				fields = strings.ReplaceAll(fields, "ETAG", etag)
				var answers [2]string
				for range 3 { // Age and ttl may step between the two
					hits += 2
					if method == http.MethodGet || !strings.HasPrefix(fields, "Range: ") { // that of a head is dropped, away from the loops
						onLoops++
					}
					if answers = [2]string{said(t, method, e.url+path, fields), said(t, method, slow.URL+path, fields)}; answers[0] == answers[1] {
						break
					}
				}
				if answers[0] != answers[1] {
					t.Errorf("%s %s with %q:\non a loop %s\naway      %s", method, path, fields, answers[0], answers[1])
				}
			}
		}
		if n := o.count(path); n != 1 {
			t.Errorf("%s: asked %d times", path, n)
		}
	}
	eventually(t, "all were hits", func() bool { return e.fetch.Counts.Hits.Load() == hits }) // a loop counts when the answer is written
	eventually(t, "as many on loops", func() bool { return e.counts.ways.Quick.Load() == onLoops })
}

// said is all that an answer says.
func said(t *testing.T, method, url, fields string) string {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.SplitSeq(fields, "|") {
		if name, value, ok := strings.Cut(field, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusPreconditionFailed || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		if len(resp.Header["Date"]) != 1 {
			t.Errorf("%s: Date is %q", url, resp.Header["Date"])
		}
		resp.Header.Del("Date") // these are the edge's own answers, and of now
	}
	return fmt.Sprint(resp.StatusCode, resp.ContentLength, resp.Header, string(body))
}
