package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

func TestAloneItIsACachingProxy(t *testing.T) {
	o := newOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	want := bodyOf("/a/1.m4s", segmentSize)
	for range 3 {
		resp, body := get(t, e.url+"/a/1.m4s")
		if resp.StatusCode != 200 || !bytes.Equal(body, want) {
			t.Fatalf("%s, %d bytes", resp.Status, len(body))
		}
	}
	if n := o.count("/a/1.m4s"); n != 1 {
		t.Errorf("origin asked %d times", n)
	}
	eventually(t, "it is whole", func() bool { return e.store.Has("/a/1.m4s") })
	resp, _ := get(t, e.url+"/a/1.m4s")
	for name, want := range map[string]string{"Accept-Ranges": "bytes", "Access-Control-Allow-Origin": "*", "Content-Length": strconv.Itoa(segmentSize)} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(resp.Header.Get("Cache-Status"), "edge-1; hit") || resp.Header.Get(wire.HeaderStored) != "" {
		t.Errorf("head: %v", resp.Header)
	}
}

func TestRangesAndConditions(t *testing.T) {
	o := newOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	want := bodyOf("/a/1.m4s", segmentSize)
	resp, _ := get(t, e.url+"/a/1.m4s")
	etag := resp.Header.Get("ETag")
	for _, c := range []struct {
		header      []string
		status      int
		first, last int
		contentLine string
	}{
		{[]string{"Range", "bytes=0-0"}, 206, 0, 0, "bytes 0-0/300000"},
		{[]string{"Range", "bytes=299999-"}, 206, 299999, 299999, "bytes 299999-299999/300000"},
		{[]string{"Range", "bytes=-5"}, 206, 299995, 299999, "bytes 299995-299999/300000"},
		{[]string{"Range", "bytes=100-200000"}, 206, 100, 200000, "bytes 100-200000/300000"},
		{[]string{"Range", "bytes=100-200", "If-Range", etag}, 206, 100, 200, "bytes 100-200/300000"},
		{[]string{"Range", "bytes=100-200", "If-Range", `"other"`}, 200, 0, 299999, ""},
		{[]string{"Range", "bytes=0-1,5-6"}, 200, 0, 299999, ""},
		{[]string{"Range", "bytes=300000-"}, 416, 0, -1, "bytes */300000"},
		{[]string{"If-None-Match", etag}, 304, 0, -1, ""},
		{[]string{"If-Match", `"other"`}, 412, 0, -1, ""},
	} {
		resp, body := get(t, e.url+"/a/1.m4s", c.header...)
		if resp.StatusCode != c.status || !bytes.Equal(body, want[c.first:c.last+1]) || resp.Header.Get("Content-Range") != c.contentLine {
			t.Errorf("%v: %s, %d bytes, %q", c.header, resp.Status, len(body), resp.Header.Get("Content-Range"))
		}
	}
	checkHead(t, e.url+"/a/1.m4s", segmentSize)
}

func TestManyReadersOfAGrowingSegmentAskTheOriginOnce(t *testing.T) {
	o := newOrigin(t)
	gate := make(chan struct{})
	want := bodyOf("/a/g.m4s", segmentSize)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write(want[:1000])
		w.(http.Flusher).Flush()
		<-gate
		_, _ = w.Write(want[1000:])
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	var wg sync.WaitGroup
	first := make(chan struct{}, 10)
	for range 10 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			resp, err := http.Get(e.url + "/a/g.m4s")
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			head := make([]byte, 1000)
			if _, err := io.ReadFull(resp.Body, head); err != nil {
				t.Error(err)
			}
			first <- struct{}{}
			rest, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(append(head, rest...), want) {
				t.Errorf("%d bytes, %v", len(rest), err)
			}
		}()
	}
	for range 10 {
		<-first // each has read bytes while the origin was still sending
	}
	close(gate)
	wg.Wait()
	if n := o.count("/a/g.m4s"); n != 1 {
		t.Errorf("origin asked %d times", n)
	}
}

func TestABodyThatBreaksAtTheOriginIsFinishedFromIt(t *testing.T) {
	o := newOrigin(t)
	want := bodyOf("/a/b.m4s", segmentSize)
	broken := 0
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if broken++; broken > 2 {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(segmentSize))
		w.WriteHeader(200)
		_, _ = w.Write(want[:50_000*broken])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	e := startEdge(t, Config{Origin: o.URL})
	resp, body := get(t, e.url+"/a/b.m4s")
	if resp.StatusCode != 200 || !bytes.Equal(body, want) {
		t.Fatalf("%s, %d bytes", resp.Status, len(body))
	}
}

func TestAVersionThatChangesMidFillIsNeverMixed(t *testing.T) {
	o := newOrigin(t)
	asked := 0
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		asked++
		w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, asked))
		w.Header().Set("Content-Length", strconv.Itoa(segmentSize))
		if asked == 1 {
			_, _ = w.Write(bodyOf("one", segmentSize)[:100_000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(bodyOf("two", segmentSize))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	resp, err := http.Get(e.url + "/a/c.m4s")
	if err == nil {
		body, readErr := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if readErr == nil {
			t.Fatalf("%s with %d bytes; the connection should break", resp.Status, len(body))
		}
	}
	if _, body := get(t, e.url+"/a/c.m4s"); !bytes.Equal(body, bodyOf("two", segmentSize)) {
		t.Error("the next answer is not the new version")
	}
}

func TestBadRequestsGetOneLine(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 2, o)
	_ = b
	url := edges[0].url
	for _, c := range []struct {
		method, path string
		header       []string
		status       int
	}{
		{"GET", "/_tandem/ping", nil, 403},
		{"GET", "/_tandem/ping", []string{wire.HeaderAuth, "wrong"}, 403},
		{"GET", "/_tandem/ping", asNode(), 200},
		{"POST", "/v/x/1.m4s", nil, 405},
		{"GET", "/s/" + strings.Repeat("A", wire.TokenLength) + "/v/x/1.m4s", nil, 403},
		{"POST", "/_tandem/open", asNode(), 400},
		{"OPTIONS", "/v/x/1.m4s", nil, 204},
	} {
		resp, body := do(t, c.method, url+c.path, nil, c.header...)
		if resp.StatusCode != c.status || strings.Count(strings.TrimSpace(string(body)), "\n") > 0 {
			t.Errorf("%s %s: %s %q", c.method, c.path, resp.Status, body)
		}
	}
}

func TestThePairAsksTheOriginOnceBetweenThem(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 2, o)
	for n := range 20 {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				_, body := get(t, edges[i%2].url+path)
				if !bytes.Equal(body, bodyOf(path, segmentSize)) {
					t.Error("wrong bytes")
				}
			}()
		}
		wg.Wait()
		if n := o.count(path); n != 1 {
			t.Errorf("%s: origin asked %d times", path, n)
		}
	}
}

func TestWhatOneFillsTheOtherHoldsToo(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 2, o)
	var tags [2]string
	for n := range 10 {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		get(t, edges[0].url+path)
		eventually(t, "second copy of "+path, func() bool { return edges[0].store.Has(path) && edges[1].store.Has(path) })
		for i, e := range edges {
			resp, _ := get(t, e.url+path)
			tags[i] = resp.Header.Get("ETag")
		}
		if tags[0] != tags[1] || tags[0] == "" {
			t.Errorf("validators differ: %v", tags)
		}
		if n := o.count(path); n != 1 {
			t.Errorf("%s: origin asked %d times", path, n)
		}
	}
}

func TestAStreamWithoutValidatorHasTheSameOneOnBoth(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = w.Write(bodyOf(r.URL.Path, 1000))
		return true
	})
	_, edges := startRing(t, 2, o)
	a, _ := get(t, edges[0].url+"/v/x/1.m4s")
	b, _ := get(t, edges[1].url+"/v/x/1.m4s")
	if a.Header.Get("ETag") == "" || a.Header.Get("ETag") != b.Header.Get("ETag") {
		t.Errorf("%q and %q", a.Header.Get("ETag"), b.Header.Get("ETag"))
	}
}

func TestSessionsAreMirroredAndTakenOver(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 2, o)
	low, high := edges[0], edges[1]
	var ids []wire.SessionID
	for range 3 {
		id, reason := open(t, low, 1, "/v/x/")
		if reason != "" {
			t.Fatal(reason)
		}
		ids = append(ids, id)
	}
	if ids[0].Slot != 0 || ids[2].Slot != 2 {
		t.Errorf("low allots from below: %v", ids)
	}
	if id, _ := open(t, high, 1, "/v/x/"); id.Slot != 7 {
		t.Errorf("high allots from above: %v", id)
	}
	if _, reason := open(t, low, 1, "/v/x/"); reason != "" {
		t.Error(reason)
	}
	if _, reason := open(t, low, 1, "/v/x/"); reason != wire.ReasonLimit {
		t.Errorf("the fifth of a limit of 4: %q", reason)
	}
	path := "/s/" + tokenOf(ids[1], "/v/x/") + "/v/x/1.m4s"
	get(t, low.url+path)
	eventually(t, "mirrored", func() bool { return high.mirrored(1) == 5 })
	low.stop()
	eventually(t, "suspected", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.suspected["edge-1"] > 0 })
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, high)
	if n := high.member.Delivering(); n != 5 {
		t.Errorf("high delivers %d", n)
	}
	before := o.count("/v/x/1.m4s")
	resp, body := get(t, high.url+path)
	if resp.StatusCode != 200 || !bytes.Equal(body, bodyOf("/v/x/1.m4s", segmentSize)) {
		t.Errorf("%s", resp.Status)
	}
	if n := o.count("/v/x/1.m4s"); n != before {
		t.Errorf("the takeover asked the origin")
	}
	list, total := high.member.Sessions(10)
	standins := 0
	for _, s := range list {
		if s.Standin {
			standins++
		}
	}
	if total != 5 || standins != 4 {
		t.Errorf("%d sessions, %d of them for the neighbour", total, standins)
	}
}

func TestAReturnedEdgeIsFilledByItsNeighbourAlone(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 2, o)
	low, high := edges[0], edges[1]
	id, _ := open(t, low, 1, "/v/x/")
	for n := range 12 {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		get(t, low.url+path)
		eventually(t, "both hold "+path, func() bool { return low.store.Has(path) && high.store.Has(path) })
	}
	eventually(t, "mirrored", func() bool { return high.mirrored(1) == 1 })
	low.stop()
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, high)
	asked := 0
	for n := range 12 {
		asked += o.count(fmt.Sprintf("/v/x/%d.m4s", n))
	}
	again := startEdge(t, Config{Name: "edge-1", Origin: o.URL, Balancers: []string{b.URL}}) // a wiped disk
	eventually(t, "ready", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.ready["edge-1"] > 0 })
	for n := range 12 {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		if !again.store.Has(path) {
			t.Errorf("%s is missing", path)
		}
		asked -= o.count(path)
	}
	if asked != 0 {
		t.Errorf("the recovery asked the origin %d times", -asked)
	}
	if again.member.Delivering() != 0 {
		t.Error("delivers before it is home")
	}
	b.state("edge-1", wire.EdgeUp, ring.AnchorHome)
	followed(t, b, again.asTest(), high)
	if n := again.member.Delivering(); n != 1 || high.member.Delivering() != 0 {
		t.Errorf("home: %d and %d", n, high.member.Delivering())
	}
	list, _ := again.member.Sessions(1)
	if len(list) != 1 || list[0].SessionID != id {
		t.Errorf("%v", list)
	}
	if err := again.Check(); err != nil {
		t.Error(err)
	}
}

func (e *testEdge) asTest() *testEdge { return e }

func TestATokenWhoseSlotWasFreedIsAdmittedAgain(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 2, o)
	low := edges[0]
	id, _ := open(t, low, 1, "/v/x/")
	path := low.url + "/s/" + tokenOf(id, "/v/x/") + "/v/x/1.m4s"
	low.member.End(id)
	if resp, _ := get(t, path); resp.StatusCode != 200 || low.member.Delivering() != 1 {
		t.Errorf("%s, %d sessions", resp.Status, low.member.Delivering())
	}
	low.member.End(id)
	other, _ := open(t, low, 1, "/v/x/")
	if other.Slot != id.Slot {
		t.Fatal("the slot was not used again")
	}
	for range 2 { // the second request finds the alias
		if resp, _ := get(t, path); resp.StatusCode != 200 || low.member.Delivering() != 2 {
			t.Errorf("%s, %d sessions", resp.Status, low.member.Delivering())
		}
	}
	open(t, low, 1, "/v/x/")
	open(t, low, 1, "/v/x/")
	// Whoever had a session elsewhere is no new viewer: the limit is not against it.
	if _, reason := ask(t, low, wire.OpenRequest{Pair: 1, Stream: "/v/x/", Viewer: "192.0.2.1", Again: true}); reason != wire.ReasonSideFull {
		t.Errorf("again at the limit: %q", reason)
	}
	stranger := id
	stranger.Generation++
	resp, _ := get(t, low.url+"/s/"+tokenOf(stranger, "/v/x/")+"/v/x/1.m4s")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get(wire.HeaderReason) != wire.ReasonSideFull {
		t.Errorf("no slot is left: %s %v", resp.Status, resp.Header)
	}
	// Four are the limit; but a token that the placement leads here is taken back.
	late := wire.SessionID{Pair: 2, Slot: 7, Generation: 9}
	if resp, _ := get(t, low.url+"/s/"+tokenOf(late, "/v/x/")+"/v/x/1.m4s"); resp.StatusCode != 200 || low.member.Delivering() != 5 {
		t.Errorf("above the limit: %s, %d sessions", resp.Status, low.member.Delivering())
	}
}

// livePlaylist is a window of a live channel.
func livePlaylist(first int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for n := first; n < first+5; n++ {
		fmt.Fprintf(&b, "#EXTINF:2.0,\n%d.m4s\n", n)
	}
	return b.String()
}

func TestALivePlaylistNeverGoesBack(t *testing.T) {
	o := newOrigin(t)
	var mu sync.Mutex
	first := 100
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, ".m3u8") {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Cache-Control", "max-age=0")
		_, _ = io.WriteString(w, livePlaylist(first))
		return true
	})
	b, edges := startRing(t, 2, o)
	sequence := func(e *testEdge) int {
		_, body := get(t, e.url+"/v/x/live.m3u8")
		var n int
		for line := range strings.SplitSeq(string(body), "\n") {
			if _, err := fmt.Sscanf(line, "#EXT-X-MEDIA-SEQUENCE:%d", &n); err == nil {
				return n
			}
		}
		t.Fatalf("no sequence in %q", body)
		return 0
	}
	if n := sequence(edges[0]); n != 100 {
		t.Fatal(n)
	}
	mu.Lock()
	first = 103
	mu.Unlock()
	if n := sequence(edges[1]); n != 103 {
		t.Fatal(n)
	}
	mu.Lock()
	first = 90 // another origin behind the same address
	mu.Unlock()
	for _, e := range edges {
		if n := sequence(e); n < 103 {
			t.Errorf("went back to %d", n)
		}
	}
	// the one who gave out the newest dies: the other one goes on from there
	edges[1].stop()
	b.state("edge-2", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, edges[0])
	if n := sequence(edges[0]); n < 103 {
		t.Errorf("after the death: %d", n)
	}
}

func TestRootRelativePlaylistsStayInTheSession(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/v/x/1.m4s\n#EXTINF:2,\n2.m4s\n#EXT-X-ENDLIST\n")
		return true
	})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for _, e := range edges {
		_, body := get(t, e.url+prefix+"/v/x/p.m3u8")
		if !strings.Contains(string(body), "\n"+up+"/v/x/1.m4s\n") || !strings.Contains(string(body), "\n2.m4s\n") {
			t.Errorf("%q", body)
		}
	}
}

// A playlist that leads nowhere out of the session is given as it is stored, like
// a segment; the next version of it is looked at anew.
func TestAPlainPlaylistIsLookedAtOnceAVersion(t *testing.T) {
	o := newOrigin(t)
	var text atomic.Pointer[string]
	say := func(uri string) string {
		list := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n" + uri + "\n#EXT-X-ENDLIST\n"
		text.Store(&list)
		return list
	}
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.WriteString(w, *text.Load())
		return true
	})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	list := say("1.m4s")
	for range 2 {
		if resp, body := get(t, edges[0].url+prefix+"/v/x/p.m3u8"); string(body) != list || resp.Header.Get("ETag") == "" {
			t.Errorf("%q, ETag %q", body, resp.Header.Get("ETag"))
		}
	}
	if resp, body := get(t, edges[0].url+prefix+"/v/x/p.m3u8", "Range", "bytes=1-3"); resp.StatusCode != http.StatusPartialContent || string(body) != list[1:4] {
		t.Errorf("a part of it: %s, %q", resp.Status, body) // read again for the viewer it would come whole
	}
	say("/v/x/1.m4s")
	for _, e := range edges {
		e.fetch.Purge(wire.Purge{Prefix: "/v/x/p.m3u8", Exact: true})
	}
	for range 2 {
		if _, body := get(t, edges[0].url+prefix+"/v/x/p.m3u8"); !strings.Contains(string(body), "\n"+up+"/v/x/1.m4s\n") {
			t.Errorf("%q", body)
		}
	}
}

// Every answer that a loop gives is the one that a goroutine would have given.

// mirrored is how many sessions an edge knows of a pair, on both sides.
func (e *testEdge) mirrored(pair wire.PairID) int {
	for _, load := range e.member.Report(false).Pairs {
		if load.Pair == pair {
			return load.Sessions
		}
	}
	return 0
}
