package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// What an origin of LL-HLS holds back until it is there, a reload or the part that is
// hinted at, is asked of it once a pair, however many wait at whichever member, and
// no two reloads are taken for each other.
func TestWhatAnOriginHoldsBackIsAskedForOnce(t *testing.T) {
	o := newOrigin(t)
	goOn := make(chan struct{})
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		<-goOn
		if strings.HasSuffix(r.URL.Path, ".mp4") {
			w.Header().Set("Content-Type", "video/mp4")
			_, _ = io.WriteString(w, r.URL.Path)
			return true
		}
		w.Header().Set("Cache-Control", "max-age=1")
		_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:4,\n5.mp4\n#EXT-X-PART:DURATION=1,URI=\"%s.mp4\"\n", r.URL.RawQuery)
		return true
	})
	_, edges := startRing(t, 2, o)
	targets := []string{"a.m3u8?_HLS_msn=6&_HLS_part=1", "a.m3u8?_HLS_msn=6&_HLS_part=2", "6.2.mp4"}
	var herd sync.WaitGroup
	for _, target := range targets {
		for i := range 20 {
			herd.Go(func() {
				_, query, _ := strings.Cut(target, "?")
				if _, body := get(t, edges[i%2].url+"/v/x/"+target, asNode()...); !strings.Contains(string(body), query) || query == "" && string(body) != "/v/x/"+target {
					t.Errorf("%s: %s", target, body)
				}
			})
		}
	}
	eventually(t, "all wait", func() bool {
		return edges[0].fetch.Counts.Waiting.Load()+edges[1].fetch.Counts.Waiting.Load() >= 60
	})
	close(goOn)
	herd.Wait()
	if n := o.count("/v/x/a.m3u8") + o.count("/v/x/6.2.mp4"); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// A delta update is for who asks for one: what a viewer gets who asks for the whole is
// whole, be it that the origin has nothing newer.
func TestDeltaUpdatesAreGivenToThoseWhoAskForThem(t *testing.T) {
	s := newLiveStage(t)
	first := 500
	s.say(func(r *http.Request) string {
		text := segments(first, 6, "s%d.ts", "")
		if r.FormValue("_HLS_skip") != "" {
			head, _, _ := strings.Cut(text, "#EXTINF")
			text = head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n#EXTINF:2,\n" + fmt.Sprintf("s%d.ts\n", first+5)
		}
		return text
	})
	for range 3 { // as players do: the whole, updates, and the whole again after a seek
		for _, skip := range []string{"", "&_HLS_skip=YES", "&_HLS_skip=v2", ""} {
			got := s.take(t, 2, fmt.Sprintf("/a.m3u8?_HLS_msn=%d%s", first+6, skip), `(?s)(MEDIA-SEQUENCE.*)`)
			if strings.Contains(got, "EXT-X-SKIP") != (skip != "") || !strings.HasPrefix(got, fmt.Sprintf("MEDIA-SEQUENCE:%d", first)) {
				t.Errorf("%d%s: %s", first, skip, got)
			}
			first++
		}
	}
	s.take(t, 2, "/a.m3u8?_HLS_msn=1&_HLS_skip=YES", sequence)
	first -= 3 // a late origin: what viewers have stays, in the form that they ask for
	for query, want := range map[string]bool{"_HLS_msn=2&_HLS_skip=YES": true, "_HLS_msn=3": false} {
		if got := s.take(t, 1, "/a.m3u8?"+query, `(?s)(MEDIA-SEQUENCE.*)`); strings.Contains(got, "EXT-X-SKIP") != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	if n := s.edge.fetch.Counts.SteppedBack.Load(); n != 2 {
		t.Errorf("%d versions went back; two were late", n)
	}
}
