package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// growingOrigin has a live playlist of parts that are ranges of a file, which grows.
// It holds a request back that asks for what is to come (rfc8216bis 6.2.6).
type growingOrigin struct {
	*testOrigin
	mu    sync.Mutex
	grown *sync.Cond
	size  int
	held  int // requests that wait for more
}

var growingFile = bytes.Repeat([]byte("0123456789abcdef"), 100)

func newGrowingOrigin(t *testing.T) *growingOrigin {
	o := &growingOrigin{testOrigin: newOrigin(t), size: 100}
	o.grown = sync.NewCond(&o.mu)
	t.Cleanup(func() { o.grow(len(growingFile)) }) // whatever fails, nobody is held for ever
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		w.Header().Set("Cache-Control", "max-age=60")
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			text := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\n7.mp4\n"
			for at := 0; at < o.size; at += 100 {
				text += fmt.Sprintf("#EXT-X-PART:DURATION=1,URI=\"8.mp4\",BYTERANGE=\"100@%d\"\n", at)
			}
			_, _ = io.WriteString(w, text+fmt.Sprintf("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.mp4\",BYTERANGE-START=%d\n", o.size))
			return true
		}
		var first int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first); err == nil && first >= o.size {
			o.held++
			for first >= o.size {
				o.grown.Wait()
			}
		}
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("ETag", fmt.Sprintf(`"of-%d"`, o.size))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(growingFile[:o.size]))
		return true
	})
	return o
}

func (o *growingOrigin) grow(to int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size = to
	o.grown.Broadcast()
}

// A file that grows while a live playlist lists parts of it is never cut off where it
// ended when it was stored, and what is to come of it is waited for at the origin.
func TestPartsOfAFileThatGrowsAreGivenAsTheyCome(t *testing.T) {
	o := newGrowingOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(int) Config { return Config{} })
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	// The session is delivered by one edge; the other one serves nodes without it.
	ask := func(e *testEdge, target string, header ...string) (*http.Response, []byte) {
		t.Helper()
		if e != edges[0] {
			return get(t, e.url+"/v/x/"+target, append(asNode(), header...)...)
		}
		return get(t, e.url+prefix+"/v/x/"+target, header...)
	}
	part := func(e *testEdge, first, last int) {
		t.Helper()
		for range 2 {
			resp, body := ask(e, "8.mp4", "Range", fmt.Sprintf("bytes=%d-%d", first, last))
			if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, growingFile[first:last+1]) || !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/", first, last)) {
				t.Fatalf("%d-%d: %s, %d bytes, %s, %s", first, last, resp.Status, len(body), resp.Header.Get("Content-Range"), resp.Header.Get("Cache-Status"))
			}
		}
	}
	for size := 100; size <= 400; size += 100 {
		o.grow(size)
		for _, e := range edges {
			if _, list := ask(e, fmt.Sprintf("a.m3u8?_HLS_msn=8&_HLS_part=%d", size/100-1)); !strings.Contains(string(list), fmt.Sprintf("100@%d", size-100)) {
				t.Fatalf("%s", list)
			}
			part(e, size-100, size-1)
		}
	}
	for _, e := range edges { // what is here of it is no whole
		if resp, body := ask(e, "8.mp4"); !bytes.Equal(body, growingFile[:400]) {
			t.Errorf("the whole: %s, %d bytes", resp.Status, len(body))
		}
	}
	get(t, edges[0].url+prefix+"/v/x/a.m3u8?_HLS_msn=8&_HLS_part=4") // by which the next part is known
	done := make(chan struct{})
	go func() {
		defer close(done)
		resp, body := get(t, edges[0].url+prefix+"/v/x/8.mp4", "Range", "bytes=400-")
		if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, growingFile[400:500]) {
			t.Errorf("what was hinted at: %s, %d bytes", resp.Status, len(body))
		}
	}()
	eventually(t, "the origin holds the request", func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.held == 1 })
	o.grow(500)
	<-done
	eventually(t, "the position of the part", func() bool {
		tracks := edges[0].member.Tracks(id)
		return len(tracks) == 1 && tracks[0].Sequence == 8 && tracks[0].Time == 8*time.Second.Milliseconds() && strings.HasSuffix(tracks[0].Manifest, "_HLS_part=4")
	})
}

// What is to come of a file is asked of the origin once a pair, by whatever range,
// however many wait for it at whichever member; what it gave in full costs nothing later.
func TestRangeOfAFileThatGrowsIsAskedForOnce(t *testing.T) {
	o := newGrowingOrigin(t)
	_, edges := startRing(t, 2, o.testOrigin)
	for _, e := range edges {
		get(t, e.url+"/v/x/a.m3u8", asNode()...)
		get(t, e.url+"/v/x/8.mp4", append(asNode(), "Range", "bytes=0-99")...) // of which a copy is here
	}
	before := o.count("/v/x/8.mp4")
	const herd = 10 // for each range, at each member
	var all sync.WaitGroup
	ask := func(text string) {
		for i := range 2 * herd {
			all.Go(func() {
				resp, body := get(t, edges[i%2].url+"/v/x/8.mp4", append(asNode(), "Range", text)...)
				if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, growingFile[100:200]) || resp.Header.Get("Content-Range") != "bytes 100-199/200" || resp.Header.Get("ETag") != `"of-200"` {
					t.Errorf("%s: %s, %d bytes, %s, %s", text, resp.Status, len(body), resp.Header.Get("Content-Range"), resp.Header.Get("ETag"))
				}
			})
		}
	}
	ranges := []string{"bytes=100-199", "bytes=100-"}
	for _, text := range ranges {
		ask(text)
	}
	eventually(t, "all wait", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.held == len(ranges) && edges[0].fetch.Counts.Waiting.Load()+edges[1].fetch.Counts.Waiting.Load() == int64((2*herd+1)*len(ranges)) // the members for each other, too
	})
	o.grow(200)
	all.Wait()
	ask(ranges[0]) // by viewers who are a moment late
	all.Wait()
	if n := o.count("/v/x/8.mp4") - before; n != len(ranges) {
		t.Errorf("asked %d times", n)
	}
	// One that ends where the file does for now is for those who waited: more of it may come.
	o.grow(250)
	for i, size := range []int{250, 300} {
		o.grow(size)
		if _, body := get(t, edges[i].url+"/v/x/8.mp4", append(asNode(), "Range", "bytes=200-299")...); !bytes.Equal(body, growingFile[200:size]) {
			t.Errorf("of %d bytes: %d", size, len(body))
		}
	}
	// A condition is the viewer's own: the origin answers it.
	if resp, body := get(t, edges[0].url+"/v/x/8.mp4", append(asNode(), "Range", "bytes=200-299", "If-Range", `"of-100"`)...); resp.StatusCode != http.StatusOK || len(body) != 300 {
		t.Errorf("another version: %s, %d bytes", resp.Status, len(body))
	}
}

// A range of a file that grows is here: whoever has spent its budget of what is not gets it.
func TestRangeThatIsHereCostsNoBudget(t *testing.T) {
	o := newGrowingOrigin(t)
	e := startEdge(t, Config{Origin: o.URL, MaxMisses: 5})
	part := func(text string) int {
		resp, _ := get(t, e.url+"/v/x/8.mp4", "Range", text)
		return resp.StatusCode
	}
	get(t, e.url+"/v/x/a.m3u8")
	o.grow(200)
	if got := part("bytes=100-199"); got != http.StatusPartialContent {
		t.Fatal(got)
	}
	for i := 0; ; i++ {
		if resp, _ := get(t, fmt.Sprint(e.url, "/v/x/", i, ".m4s")); resp.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	if here, not := part("bytes=100-199"), part("bytes=120-180"); here != http.StatusPartialContent || not != http.StatusTooManyRequests {
		t.Errorf("a range that is here: %d, one that is not: %d", here, not)
	}
}
