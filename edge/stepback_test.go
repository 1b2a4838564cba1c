package edge

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Two origins behind one name, one of them a segment behind, of lists that must not be kept:
// no session goes back, in HLS and in DASH. One that began anew is given at once.
func TestNoSessionGoesBackInWhatIsNotStored(t *testing.T) {
	o := newOrigin(t)
	var asked atomic.Int64
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		n := asked.Add(1)
		at := int(n/2 - n%2) // 0 1 0 2 1 3 2 ...
		if strings.HasSuffix(r.URL.Path, ".mpd") {
			_, _ = fmt.Fprintf(w, `<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" publishTime="2026-01-01T00:00:%02dZ" minimumUpdatePeriod="PT1S"><Period start="PT0S"><AdaptationSet><SegmentTemplate timescale="1" media="$Time$.m4s?s=%d"><SegmentTimeline><S t="%d" d="1" r="3"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`, 10+at, n, 10+at)
			return true
		}
		if r.URL.Query().Has("anew") {
			at -= 10
		}
		_, _ = io.WriteString(w, segments(10+at, 4, "/v/x/%d.ts?s="+strconv.FormatInt(n, 10), ""))
		return true
	})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	alone := startEdge(t, Config{Origin: o.URL})
	at := regexp.MustCompile(`(?:SEQUENCE:|<S t=")(\d+)`)
	session := edges[0].url + "/s/" + tokenOf(id, "/v/x/")
	for _, url := range []string{
		session + "/v/x/a.m3u8?cc=no-store", session + "/v/x/a.m3u8?cc=private", session + "/v/x/a.mpd?cc=no-store",
		alone.url + "/v/x/a.m3u8?cc=no-store", alone.url + "/v/x/a.mpd?cc=private",
	} {
		asked.Store(0)
		for i, last := 0, 0; i < 5; i++ {
			resp, body := get(t, url)
			m := at.FindSubmatch(body)
			if resp.StatusCode != http.StatusOK || m == nil {
				t.Fatalf("%s: %s %q", url, resp.Status, body)
			}
			now, _ := strconv.Atoi(string(m[1]))
			if now < last {
				t.Errorf("%s went back from %d to %d", url, last, now)
			}
			last = now
		}
	}
	if n := edges[0].fetch.Counts.SteppedBack.Load(); n < 6 {
		t.Errorf("the origin was asked again %d times", n)
	}
}
