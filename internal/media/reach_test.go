package media

import (
	"fmt"
	"testing"
)

// What is older than what somebody has is told by numbers alone, and a channel that began
// anew is not older.
func TestWhoReachesFurtherIsTold(t *testing.T) {
	const names = "s#.ts"
	mpd := func(published, at, n int) *Manifest {
		said := ""
		if published > 0 {
			said = fmt.Sprintf(` publishTime="2026-01-01T00:00:%02dZ"`, published)
		}
		return parsed(t, site(t, "http://o.example", "/m.mpd"), fmt.Sprintf(`<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z"%s><Period start="PT0S"><AdaptationSet><SegmentTemplate timescale="1" media="$Time$.m4s"><SegmentTimeline><S t="%d" d="2" r="%d"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`, said, at, n-1))
	}
	parts := "#EXT-X-PART:DURATION=1,URI=\"9.0\"\n"
	for _, c := range []struct {
		name      string
		had, next *Manifest
		want      bool
	}{
		{"the same", live(t, 5, 4, names, ""), live(t, 5, 4, names, ""), false},
		{"one more", live(t, 5, 4, names, ""), live(t, 6, 4, names, ""), false},
		{"one less", live(t, 5, 4, names, ""), live(t, 4, 4, names, ""), true},
		{"a part less", live(t, 5, 4, names, parts), live(t, 5, 4, names, ""), true},
		{"other names", live(t, 5, 4, names, ""), live(t, 4, 4, "t/x#.ts?s=#", ""), true},
		{"begun anew", live(t, 50, 4, names, ""), live(t, 0, 4, names, ""), false},
		{"an update as long", live(t, 5, 4, names, ""), delta(t, 5, 2, 2), false},
		{"an MPD published later", mpd(2, 10, 4), mpd(3, 10, 4), false},
		{"an MPD published before", mpd(2, 10, 4), mpd(1, 10, 4), true},
		{"an MPD published before, later media", mpd(2, 10, 4), mpd(1, 12, 4), false},
		{"an MPD that says not when, on", mpd(0, 10, 4), mpd(0, 12, 4), false},
		{"an MPD that says not when, back", mpd(0, 10, 4), mpd(0, 8, 4), true},
		{"an MPD begun anew", mpd(0, 100, 4), mpd(0, 0, 4), false},
		{"another kind", live(t, 5, 4, names, ""), mpd(0, 0, 4), false},
	} {
		had, ok := c.had.Reach()
		next, also := c.next.Reach()
		if !ok || !also || had.Ahead(next) != c.want {
			t.Errorf("%s: %v %v, ahead %v, want %v", c.name, ok, also, had.Ahead(next), c.want)
		}
	}
	if _, ok := live(t, 5, 4, names, "#EXT-X-ENDLIST\n").Reach(); ok {
		t.Error("one that has ended goes so far")
	}
}
