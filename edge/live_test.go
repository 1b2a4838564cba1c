package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/segstore"
)

// liveStage is an edge alone, its clock, and an origin that says what it is told.
type liveStage struct {
	url  string
	edge *Edge
	now  atomic.Int64 // seconds
	says atomic.Pointer[func(r *http.Request) string]
}

func newLiveStage(t *testing.T) *liveStage {
	s := &liveStage{}
	s.now.Store(1_800_000_000)
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/channel/manifest" {
			w.Header().Set("Cache-Control", "max-age=0")
		}
		_, _ = io.WriteString(w, (*s.says.Load())(r))
		return true
	})
	cfg := Config{Name: "edge-1", Origin: o.URL, Data: t.TempDir(), StoreBytes: 1 << 30, MemoryBytes: 64 << 20, OriginTimeout: 5 * time.Second, Duplication: "relay"}
	e, err := New(cfg, Deps{Logger: zerolog.New(zerolog.NewTestWriter(t)), Now: func() time.Time { return time.Unix(s.now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.store.Close() })
	server := httptest.NewServer(e.Handler())
	t.Cleanup(server.Close)
	s.url, s.edge = server.URL, e
	return s
}

func (s *liveStage) say(f func(r *http.Request) string) { s.says.Store(&f) }

// take is what a viewer is given a number of seconds later: what the expression
// finds in it.
func (s *liveStage) take(t *testing.T, seconds int64, target, expression string) string {
	t.Helper()
	s.now.Add(seconds)
	resp, body := get(t, s.url+target)
	for strings.Contains(resp.Header.Get("Cache-Status"), "collapsed") { // the last one's fetch had not quite ended: in no time by this clock
		resp, body = get(t, s.url+target)
	}
	found := regexp.MustCompile(expression).FindSubmatch(body)
	if found == nil {
		t.Fatalf("%s: %q", target, body)
	}
	return string(found[1])
}

func segments(first, n int, form, end string) string {
	text := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := first; i < first+n; i++ {
		text += "#EXTINF:2,\n" + fmt.Sprintf(form, i) + "\n"
	}
	return text + end
}

const sequence = `MEDIA-SEQUENCE:(\d+)`

func TestPlaylistSignedAnewGoesOn(t *testing.T) {
	for _, form := range []string{"seg%%d.ts?st=%d", "st=%d/seg%%d.ts", "v/seg%%d.ts/st=%d"} {
		s := newLiveStage(t)
		signed := 0
		s.say(func(*http.Request) string {
			signed++
			return segments(10+signed/2, 5, fmt.Sprintf(form, signed), "")
		})
		for i := 1; i <= 12; i++ {
			if got := s.take(t, 1, "/live/a.m3u8/sig=abc", `st=(\d+)`); got != fmt.Sprint(i) {
				t.Fatalf("%s: reload %d has the signature of reload %s", form, i, got)
			}
		}
	}
}

func TestRestartedEncoderIsReleasedWhenWhatViewersHaveIsPlayed(t *testing.T) {
	s := newLiveStage(t)
	s.say(func(*http.Request) string { return segments(500, 4, "x%d.ts", "") })
	s.take(t, 0, "/a.m3u8", sequence)
	s.say(func(*http.Request) string { return segments(0, 4, "y%d.ts", "") })
	for second := int64(1); ; second++ {
		got := s.take(t, 1, "/a.m3u8", sequence)
		if got == "0" {
			if second != 6 {
				t.Errorf("after %d s; viewers have 6 s to play", second)
			}
			break
		}
		if got != "500" || second > 8 {
			t.Fatalf("after %d s: %s", second, got)
		}
	}
	if s.edge.fetch.Counts.SteppedBack.Load() == 0 {
		t.Error("it is not counted")
	}
}

// Some origins say with 200 that they have failed. What viewers have of a live manifest
// is given meanwhile, as under an error that is called one, and no longer.
func TestPageInThePlaceOfALiveManifestIsAnError(t *testing.T) {
	for target, text := range map[string]string{
		"/a.m3u8": segments(500, 4, "x%d.ts", ""), "/play?id=1": segments(500, 4, "x%d.ts", ""),
		"/a.mpd": `<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT1S"/>`,
	} {
		s := newLiveStage(t)
		s.say(func(*http.Request) string { return text })
		s.take(t, 0, target, `(EXTM3U|MPD)`)
		s.say(func(*http.Request) string { return "<!DOCTYPE html><p>Sorry" })
		for range 5 {
			s.take(t, 1, target, `(EXTM3U|MPD)`)
		}
		s.take(t, 10, target, `(Sorry)`)
		s.say(func(*http.Request) string { return text })
		s.take(t, 3, target, `(EXTM3U|MPD)`)
	}
	s := newLiveStage(t) // what is no channel any more is what the origin says
	s.say(func(*http.Request) string { return segments(0, 4, "x%d.ts", "#EXT-X-ENDLIST\n") })
	s.take(t, 0, "/a.m3u8", `(ENDLIST)`)
	s.say(func(*http.Request) string { return "<!DOCTYPE html><p>Sorry" })
	s.take(t, 1, "/a.m3u8", `(Sorry)`)
}

// What was given out before this edge knew of it, by its partner or before it was started
// again, is held from then on: viewers have played since.
func TestRestartedEncoderIsReleasedByTheAgeOfTheCopy(t *testing.T) {
	s := newLiveStage(t)
	text := segments(500, 4, "x%d.ts", "")
	m := segstore.Meta{Status: 200, ContentType: "application/vnd.apple.mpegurl", ETag: `"x"`, CacheControl: "max-age=0", Size: int64(len(text)), Volatile: true, Stored: time.Unix(s.now.Load()-4, 0), Fresh: time.Unix(s.now.Load(), 0)}
	if err := s.edge.store.Put("/a.m3u8", m, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	s.say(func(*http.Request) string { return segments(0, 4, "y%d.ts", "") })
	for i, want := range []string{"500", "0"} { // viewers have 6 s to play
		if got := s.take(t, int64(1+i), "/a.m3u8", sequence); got != want {
			t.Errorf("viewers are given %s, want %s", got, want)
		}
	}
}

func TestNextProgrammeTakesThePlaceOfOneThatEnded(t *testing.T) {
	s := newLiveStage(t)
	s.say(func(*http.Request) string { return segments(500, 4, "x%d.ts", "#EXT-X-ENDLIST\n") })
	s.take(t, 0, "/a.m3u8", sequence)
	s.say(func(*http.Request) string { return segments(0, 4, "y%d.ts", "") })
	if got := s.take(t, 1, "/a.m3u8", sequence); got != "0" {
		t.Errorf("viewers are given %s", got)
	}
}

func TestLateOriginOfAnMPDIsKeptBack(t *testing.T) {
	s := newLiveStage(t)
	reload := 0
	s.say(func(*http.Request) string {
		reload++
		newest := 50 + reload/2
		if reload%2 == 0 {
			newest -= 3
		}
		return fmt.Sprintf(`<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT1S"><Period id="1" start="PT0S"><AdaptationSet mimeType="video/mp4">
			<SegmentTemplate media="$Time$.m4s"><SegmentTimeline><S t="%d" d="2" r="4"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`, 2*(newest-5))
	})
	last := 0
	for range 30 {
		var at int
		_, _ = fmt.Sscan(s.take(t, 1, "/a.mpd", ` t="(\d+)"`), &at)
		if at < last {
			t.Fatalf("from %d to %d", last, at)
		}
		last = at
	}
	if last != 2*(50+14-5) && last != 2*(50+15-5) {
		t.Errorf("it stopped at %d", last)
	}
}

// All forms of a blocked playlist are one: what a reload was given, the next one
// does not fall behind.
func TestBlockedReloadsNeverGoBack(t *testing.T) {
	s := newLiveStage(t)
	newest := 100
	s.say(func(*http.Request) string { return segments(newest, 5, "s%d.ts", "") })
	for _, c := range []struct {
		target string
		newest int
		want   string
	}{
		{"/a.m3u8?_HLS_msn=105", 101, "101"}, {"/a.m3u8?_HLS_msn=106", 102, "102"}, {"/a.m3u8?_HLS_msn=107", 99, "102"}, {"/a.m3u8", 98, "102"}, {"/a.m3u8?_HLS_msn=107", 103, "103"}, {"/b.m3u8", 7, "7"},
	} {
		newest = c.newest
		if got := s.take(t, 1, c.target, sequence); got != c.want {
			t.Errorf("%s: %s, want %s", c.target, got, c.want)
		}
	}
}

// A live manifest without an extension lives like one with it.
func TestLiveManifestIsKnownByItsContent(t *testing.T) {
	s := newLiveStage(t)
	n := 0
	s.say(func(*http.Request) string {
		n++
		return segments(10+n, 5, "http://127.0.0.1:1/s%d.ts", "")
	})
	for i, want := range []string{"11", "12", "13"} {
		for _, later := range []int64{1, 0, 0} {
			if got := s.take(t, later, "/channel/manifest", sequence); got != want {
				t.Errorf("reload %d: %s, want %s", i, got, want)
			}
		}
	}
}

func TestSegmentToComeIsMissingForASecondAtMost(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if w.Header().Set("Cache-Control", "max-age=600"); strings.HasSuffix(r.URL.Path, ".m3u8") {
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfrag-40\n#EXTINF:2,\nfrag-42\n")
			return true
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	get(t, e.url+"/a.m3u8")
	lives := map[string]*regexp.Regexp{"1": regexp.MustCompile(`ttl=[01]\b`), "600": regexp.MustCompile(`ttl=(600|599)\b`)}
	for path, want := range map[string]string{"/frag-44": "1", "/frag-38": "600", "/9.m4s": "1", "/other": "600"} {
		get(t, e.url+path)
		resp, _ := get(t, e.url+path)
		for strings.Contains(resp.Header.Get("Cache-Status"), "collapsed") { // the first one's fetch has not quite ended
			resp, _ = get(t, e.url+path)
		}
		if got := resp.Header.Get("Cache-Status"); resp.StatusCode != 404 || !lives[want].MatchString(got) {
			t.Errorf("%s: %s, %s", path, resp.Status, got)
		}
	}
}
