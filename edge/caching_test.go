package edge

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/edge/rules"

	"tandem/internal/wire"
)

func TestEveryEndToEndFieldComesBack(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		h := w.Header()
		h["X-Two"] = []string{"a", "b, c"}
		h.Set("Content-Language", "en")
		h.Set("Content-Md5", "whole")
		h.Set("Server", "theirs")
		h.Set("Date", "Tue, 15 Nov 1994 08:12:31 GMT")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "no")
		h.Set("Keep-Alive", "timeout=5")
		h.Set("Tandem-Reason", "no")
		h["Cache-Control"] = []string{"max-age=60", "x=\"y, z\""}
		h.Set("Cache-Status", "theirs; hit")
		h.Set("Access-Control-Allow-Origin", "https://only.example")
		h.Set("ETag", `W/"weak"`)
		_, _ = io.WriteString(w, "0123456789")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for n := range 3 {
		resp, _ := get(t, e.url+"/a")
		for name, want := range map[string]string{
			"X-Two": "a|b, c", "Content-Language": "en", "Content-Md5": "whole", "Server": "theirs", "Date": "Tue, 15 Nov 1994 08:12:31 GMT",
			"X-Hop": "", "Keep-Alive": "", "Tandem-Reason": "", "Cache-Control": `max-age=60, x="y, z"`, "Access-Control-Allow-Origin": "*", "Etag": `W/"weak"`,
		} {
			if got := strings.Join(resp.Header[name], "|"); got != want {
				t.Errorf("%d: %s: %q, want %q", n, name, got, want)
			}
		}
		if status := resp.Header["Cache-Status"]; len(status) != 2 || status[0] != "theirs; hit" {
			t.Errorf("Cache-Status: %q", status)
		}
	}
	resp, _ := get(t, e.url+"/a", "Range", "bytes=1-2")
	if h := resp.Header; resp.StatusCode != 206 || h.Get("Content-Md5") != "" || h.Get("Content-Language") != "en" || len(h["Content-Range"]) != 1 {
		t.Errorf("a part: %s %v", resp.Status, h)
	}
	if resp, _ := get(t, e.url+"/a", "If-None-Match", `"other", W/"weak"`); resp.StatusCode != 304 || resp.Header.Get("X-Two") != "a" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	if n := o.count("/a"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// A takeover must not change what an answer says.
func TestBothMembersAnswerWithTheSameFields(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("X-Request", strconv.Itoa(o.count(r.URL.Path)))
		h.Set("X-Odd", "caf\u00e9 \"\\")
		h.Set("Content-Language", "en")
		h.Set("Age", "3")
		h.Set("Date", "Tue, 15 Nov 1994 08:12:31 GMT")
		h.Set("Cache-Status", "theirs; hit")
		h.Set("ETag", `W/"weak"`)
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			h.Set("Cache-Control", "max-age=10")
			_, _ = io.WriteString(w, livePlaylist(5))
			return true
		}
		if strings.HasSuffix(r.URL.Path, "gone.m4s") {
			h.Set("Cache-Control", "max-age=60") // five seconds of it are believed
			w.WriteHeader(http.StatusGone)
		}
		_, _ = w.Write(bodyOf(r.URL.Path, 1000))
		return true
	})
	_, edges := startRing(t, 2, o)
	for _, name := range []string{"/v/x/%d.m4s", "/v/x/1%d.m4s", "/v/x/2%d.m4s", "/v/x/%d/live.m3u8", "/v/x/%d/gone.m4s"} {
		path := ""
		for n := range 50 { // a neighbour that was slow for a moment is passed by
			path = fmt.Sprintf(name, n)
			get(t, edges[0].url+path, asNode()...)
			get(t, edges[1].url+path, asNode()...)
			if o.count(path) == 1 {
				break
			}
		}
		if heads := [2]string{hitHead(t, edges[0], path), hitHead(t, edges[1], path)}; heads[0] != heads[1] {
			t.Errorf("%s:\n%s\n%s", path, heads[0], heads[1])
		}
	}
}

// hitHead is what an edge says to a balancer, but for what is its own to say.
func hitHead(t *testing.T, e *testEdge, path string) string {
	t.Helper()
	eventually(t, path+" is there", func() bool { return e.store.Has(path) })
	resp, _ := get(t, e.url+path, asNode()...)
	status := resp.Header["Cache-Status"]
	if len(status) != 2 || status[0] != "theirs; hit" || !strings.HasPrefix(status[1], e.cfg.Name+"; hit") {
		t.Errorf("%s: %q", path, status)
	}
	if age, _ := strconv.Atoi(resp.Header.Get("Age")); age < 3 || age > 8 {
		t.Errorf("%s: Age %d", path, age)
	}
	if resp.Header.Get(wire.HeaderFields) != "" {
		t.Errorf("%s: a balancer is told %v", path, resp.Header)
	}
	for _, own := range []string{"Cache-Status", "Age", wire.HeaderDigest} { // the last is known when the body is
		resp.Header.Del(own)
	}
	return fmt.Sprint(resp.StatusCode, resp.Header)
}

func TestACopyThatIsNotModifiedSaysWhatIsNew(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("ETag", `W/"same"`)
		h.Set("X-Now", strconv.Itoa(o.count("/a")))
		h.Set("Cache-Control", "max-age=0")
		if r.Header.Get("If-None-Match") == `W/"same"` {
			h.Set("Content-Encoding", "wrong")
			h.Set("Set-Cookie", "a=b")
			h.Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		h.Set("X-Old", "stays")
		_, _ = io.WriteString(w, "body")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for n, want := range []string{"; fwd=uri-miss; fwd-status=200; stored", "; fwd=stale; fwd-status=304", "; hit; ttl=59"} {
		resp, body := get(t, e.url+"/a")
		h := resp.Header
		if string(body) != "body" || h.Get("X-Old") != "stays" || h.Get("X-Now") != strconv.Itoa(min(n+1, 2)) || h.Get("Content-Encoding") != "" || h.Get("Set-Cookie") != "" {
			t.Errorf("%d: %q %v", n, body, h)
		}
		if got := h.Get("Cache-Status"); got != "edge-1"+want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
		eventually(t, "it is whole", func() bool { return e.store.Has("/a") })
	}
}

func TestVariantsAreKeptApart(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Vary", r.URL.Query().Get("vary"))
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = fmt.Fprint(w, r.Header.Get("Accept-Language"), r.Header.Get("X-Device"), r.Header.Get("Cookie"))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	url := e.url + "/a?vary=Accept-Language,+X-Device,+Accept-Encoding"
	for range 2 {
		for _, c := range [][2]string{{"en", ""}, {"de", ""}, {"de", "tv"}, {"", ""}} {
			if _, body := get(t, url, "Accept-Language", c[0], "X-Device", c[1]); string(body) != c[0]+c[1] {
				t.Errorf("%v: got %q", c, body)
			}
		}
	}
	asked := o.count("/a")
	if asked > 8 {
		t.Errorf("asked %d times", asked)
	}
	get(t, url, "Accept-Language", "en", "X-Device", "") // the first one stays where it is
	if o.count("/a") != asked {
		t.Error("the first one was asked for again")
	}
	if n := e.fetch.Purge(wire.Purge{Prefix: strings.TrimPrefix(url, e.url), Exact: true}); n < 2 {
		t.Errorf("purged %d", n)
	}
	get(t, url, "Accept-Language", "en")
	if o.count("/a") != asked+1 {
		t.Error("a purged variant is served")
	}
	for n := range 100 {
		get(t, url, "X-Device", strconv.Itoa(n))
	}
	if n := e.store.Stats().Objects; n > 1+rules.Variants {
		t.Errorf("%d objects of one key", n)
	}
	for _, vary := range []string{"*", "Cookie", ",+*"} {
		for range 2 {
			if _, body := get(t, e.url+"/b?vary="+vary, "Cookie", "me"); string(body) != "me" {
				t.Errorf("%s: %q", vary, body)
			}
		}
	}
}

func TestWhatIsOneViewersOwnIsNotStored(t *testing.T) {
	o := newOrigin(t)
	var odd atomic.Value
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		for name := range r.Header {
			if strings.HasPrefix(name, "Tandem-") || strings.HasPrefix(name, "Cmcd-") || name == "X-Playback-Session-Id" || name == "X-Forwarded-Host" {
				odd.Store(name)
			}
		}
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		_, _ = fmt.Fprint(w, r.Header.Get("Authorization"), r.Header.Get("Cookie"))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for cc, shared := range map[string]bool{
		"max-age=60": false, "max-age=60,public": true, "s-maxage=60": true, "max-age=60,must-revalidate": true, "max-age=60,private": false,
	} {
		url := e.url + "/" + strconv.Itoa(len(cc)) + "?cc=" + cc
		get(t, url, "Authorization", "one")
		want := map[bool]string{true: "one", false: "two"}[shared]
		if _, body := get(t, url, "Authorization", "two"); string(body) != want {
			t.Errorf("%s: %q, want %q", cc, body, want)
		}
	}
	// What is stored was asked for without a cookie.
	get(t, e.url+"/c?cc=max-age=60", "Cookie", "me", "CMCD-Session", "sid=1", "X-Playback-Session-Id", "1", "Tandem-Auth", "x", "X-Forwarded-Host", "evil")
	if _, body := get(t, e.url+"/c?cc=max-age=60"); string(body) != "" {
		t.Errorf("got %q", body)
	}
	if name := odd.Load(); name != nil {
		t.Errorf("the origin got %s", name)
	}
}

func TestAStaleCopyIsGivenWhileItIsRenewed(t *testing.T) {
	o := newOrigin(t)
	gate := make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		n := o.count(r.URL.Path)
		if n == 2 {
			<-gate
		}
		w.Header().Set("Cache-Control", map[bool]string{true: "max-age=0, stale-while-revalidate=60", false: "max-age=60"}[n == 1])
		_, _ = fmt.Fprint(w, n)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	get(t, e.url+"/a")
	eventually(t, "it is whole", func() bool { return e.store.Has("/a") })
	for range 5 {
		if resp, body := get(t, e.url+"/a"); string(body) != "1" || !strings.HasPrefix(resp.Header.Get("Cache-Status"), "edge-1; hit; ttl=") {
			t.Errorf("%q %v", body, resp.Header)
		}
	}
	close(gate)
	eventually(t, "the new one is given", func() bool { _, body := get(t, e.url+"/a"); return string(body) == "2" })
	if n := o.count("/a"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// One request of a live playlist that hangs, at an origin that is well, holds nobody up: the
// copy is given for as long as it may be, and the request goes on for those who come next.
func TestAPlaylistWhoseOriginIsSilentIsGivenAsItWas(t *testing.T) {
	o := newOrigin(t)
	goOn := make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		n := o.count(r.URL.Path)
		if n == 2 {
			<-goOn
		}
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		w.Header().Set("Cache-Control", "max-age=0")
		_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXTINF:2,\n%d.ts\n", n, n)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL, OriginTimeout: time.Minute, stallAfter: 20 * time.Millisecond})
	get(t, e.url+"/a.m3u8")
	eventually(t, "it is whole", func() bool { return e.store.Has("/a.m3u8") })
	resp, body := get(t, e.url+"/a.m3u8")
	if !strings.Contains(string(body), "\n1.ts") || !strings.Contains(resp.Header.Get("Cache-Status"), "fwd=stale") {
		t.Errorf("%s: %q", resp.Header.Get("Cache-Status"), body)
	}
	if n := o.count("/a.m3u8"); n != 2 {
		t.Errorf("asked %d times", n)
	}
	close(goOn)
	eventually(t, "the new one is given", func() bool { _, body := get(t, e.url+"/a.m3u8"); return !strings.Contains(string(body), "\n1.ts") })
}

func TestAgeAsItArrives(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header()["Age"] = strings.Split(r.URL.Query().Get("age"), "|")
		w.Header().Set("Cache-Control", "max-age=100")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for age, hit := range map[string]bool{"0": true, "90": true, "100": false, "x": true, "0|100": true, "0,100": true, "100,0": false, "-100": true, "": true} {
		url := e.url + "/" + strconv.Itoa(len(age)) + "?age=" + age
		get(t, url)
		if hit {
			eventually(t, "it is whole", func() bool { return e.store.Has(strings.TrimPrefix(url, e.url)) })
		}
		resp, _ := get(t, url)
		if got := strings.Contains(resp.Header.Get("Cache-Status"), "; hit"); got != hit {
			t.Errorf("Age %q: %s", age, resp.Header.Get("Cache-Status"))
		}
		if want := map[bool]string{true: "90", false: "0"}[age == "90"]; hit && resp.Header.Get("Age") != want {
			t.Errorf("Age %q became %q", age, resp.Header.Get("Age"))
		}
	}
}

// A segment of no bytes, a page in its place, and one that is not there, are so for a second,
// whatever the origin states, and are never given out stale.
func TestWhatIsNotYetThereIsAskedForAgain(t *testing.T) {
	o := newOrigin(t)
	var there atomic.Bool
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=3600, stale-while-revalidate=3600")
		switch {
		case there.Load():
			_, _ = io.WriteString(w, "all of it")
		case strings.Contains(r.URL.Path, "chunked"):
			w.(http.Flusher).Flush()
		case strings.Contains(r.URL.Path, "missing"):
			w.WriteHeader(http.StatusNotFound)
		case strings.Contains(r.URL.Path, "typed"): // as a script does that says nothing of its type
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "G@")
		case strings.Contains(r.URL.Path, "page"):
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "\n<!DOCTYPE html>")
		}
		return true
	})
	now := time.Now()
	var passed atomic.Int64
	e := startEdgeAt(t, Config{Origin: o.URL}, func() time.Time { return now.Add(time.Duration(passed.Load())) })
	paths := []string{"/a/empty.ts", "/a/empty.m4s", "/a/chunked.m4s", "/a/page.ts", "/a/missing.ts", "/a/init.mp4"}
	for _, path := range paths {
		for range 2 {
			if _, body := get(t, e.url+path); len(body) > 0 && string(body) != "404 page not found\n" && string(body) != "\n<!DOCTYPE html>" {
				t.Errorf("%s: %q", path, body)
			}
		}
		if n := o.count(path); n != 1 {
			t.Errorf("%s: asked %d times within a second", path, n)
		}
	}
	there.Store(true)
	passed.Store(int64(1100 * time.Millisecond))
	for _, path := range paths {
		if _, body := get(t, e.url+path); string(body) != "all of it" {
			t.Errorf("%s: %q a second later", path, body)
		}
	}
	// An empty one takes no segment's place while the copy may be given.
	there.Store(false)
	passed.Store(int64(3 * time.Hour)) // not while it is renewed
	for _, path := range paths[:4] {
		if _, body := get(t, e.url+path); string(body) != "all of it" {
			t.Errorf("%s: %q where it was there", path, body)
		}
	}
	for after := range 3 {
		passed.Store(int64(3*time.Hour + time.Duration(after)*2*time.Second))
		if _, body := get(t, e.url+"/a/typed.ts"); string(body) != "G@" || o.count("/a/typed.ts") != 1 {
			t.Errorf("media that is typed as a page: %q, asked %d times", body, o.count("/a/typed.ts"))
		}
	}
}
