package media

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// live is a playlist of 2 s segments from a number on; form makes their names.
func live(t *testing.T, first, n int, form, more string) *Manifest {
	t.Helper()
	body := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := first; i < first+n; i++ {
		body += "#EXTINF:2,\n" + strings.ReplaceAll(form, "#", fmt.Sprint(i)) + "\n"
	}
	return parsed(t, site(t, "http://o.example", "/m.m3u8"), body+more)
}

// delta is an update that leaves out the first segments of live.
func delta(t *testing.T, first, skipped, n int) *Manifest {
	t.Helper()
	body := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", first, skipped)
	for i := first + skipped; i < first+skipped+n; i++ {
		body += fmt.Sprintf("#EXTINF:2,\ns%d.ts\n", i)
	}
	return parsed(t, site(t, "http://o.example", "/m.m3u8"), body)
}

// unnumbered is live without its numbers.
func unnumbered(t *testing.T, first, n int) *Manifest {
	t.Helper()
	var body strings.Builder
	body.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&body, "#EXTINF:2,\ns%d.ts\n", i)
	}
	return parsed(t, site(t, "http://o.example", "/m.m3u8"), body.String())
}

func TestWhatANewVersionIsToTheOneBefore(t *testing.T) {
	const names, end = "s#.ts", "#EXT-X-ENDLIST\n"
	old, at := live(t, 5, 4, names, ""), site(t, "http://o.example", "/m.m3u8")
	parts := "#EXT-X-PART:DURATION=1,URI=\"9.0\"\n"
	for _, c := range []struct {
		name  string
		given *Manifest
		next  *Manifest
		want  Change
	}{
		{"the same", old, live(t, 5, 4, names, ""), Same},
		{"one more", old, live(t, 6, 4, names, ""), Forward},
		{"a longer list", old, live(t, 5, 9, names, ""), Forward},
		{"its end", old, live(t, 5, 4, names, end), Forward},
		{"the whole event behind its end", old, live(t, 0, 9, names, end), Forward},
		{"an end that is older", old, live(t, 0, 8, names, end), Back},
		{"far ahead", old, live(t, 50, 4, names, ""), Forward},
		{"older", old, live(t, 4, 4, names, ""), Back},
		{"shorter", old, live(t, 5, 3, names, ""), Back},
		{"begun before", old, live(t, 4, 5, names, ""), Back},
		{"numbers from 0", old, live(t, 0, 4, names, ""), Anew},
		{"another name", old, live(t, 6, 4, "y#.ts", ""), Anew},
		{"signed anew", live(t, 5, 4, "s#.ts?e=1&st=a", ""), live(t, 6, 4, "s#.ts?e=2&st=b", ""), Forward},
		{"signed in its path", live(t, 5, 4, "hdnts=exp=1~hmac=a/s#.ts", ""), live(t, 6, 4, "hdnts=exp=2~hmac=b/s#.ts", ""), Forward},
		{"signed behind its name", live(t, 5, 4, "v/s#.ts/sig=a", ""), live(t, 6, 4, "v/s#.ts/sig=b", ""), Forward},
		{"each signed for itself", live(t, 5, 4, "s#.ts/sig=a#", ""), live(t, 5, 5, "s#.ts/sig=b#", ""), Forward},
		{"each signed before its name", live(t, 5, 4, "a#/s#.ts", ""), live(t, 5, 5, "b#/s#.ts", ""), Forward},
		{"signed behind, on another host", live(t, 5, 4, "http://a.example/v/s#.ts/sig=a", ""), live(t, 5, 4, "/v/s#.ts;x/sig=b", ""), Same},
		{"signed behind, one of one", live(t, 5, 1, "s#.ts/sig=a", ""), live(t, 5, 4, "s#.ts/sig=b", ""), Forward},
		{"signed behind, one that is left", live(t, 5, 4, "s#.ts/sig=a", "#EXT-X-ENDLIST\n"), live(t, 8, 1, "s#.ts/sig=b", ""), Ended},
		{"another name, signed behind", live(t, 5, 4, "v/x#.ts/sig=a", ""), live(t, 6, 4, "v/y#.ts/sig=b", ""), Anew},
		{"another name in the same folder", live(t, 5, 4, "v/x#.ts", ""), live(t, 6, 4, "v/y#.ts", ""), Anew},
		{"one alone by another name", live(t, 5, 1, "v/x#.ts", ""), live(t, 5, 1, "v/y#.ts", ""), Anew},
		{"signed by a parameter", live(t, 5, 4, "s#.ts;t=1", ""), live(t, 5, 4, "s#.ts;t=2", ""), Same},
		{"on another host", live(t, 5, 4, "http://a.example/s#.ts", ""), live(t, 5, 4, "http://b.example/s#.ts", ""), Same},
		{"behind its end", live(t, 5, 4, names, end), live(t, 0, 4, "y#.ts", ""), Ended},
		{"of another kind", old, parsed(t, at, "<MPD type=\"dynamic\"/>"), Ended},
		{"a multivariant one", old, parsed(t, at, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n"), Ended},
		{"one more part", live(t, 5, 4, names, parts), live(t, 5, 4, names, parts+parts), Forward},
		{"one part less", live(t, 5, 4, names, parts+parts), live(t, 5, 4, names, parts), Back},
		{"its segment complete", live(t, 5, 4, names, parts+parts), live(t, 5, 5, names, ""), Forward},
		{"slid, not numbered", unnumbered(t, 5, 4), unnumbered(t, 6, 4), Forward},
		{"slid by three, not numbered", unnumbered(t, 5, 4), unnumbered(t, 8, 4), Forward},
		{"slid back, not numbered", unnumbered(t, 6, 4), unnumbered(t, 5, 4), Back},
		{"without its first ones, not numbered", unnumbered(t, 5, 4), unnumbered(t, 6, 2), Back},
		{"nothing in common, not numbered", unnumbered(t, 5, 4), unnumbered(t, 9, 4), Anew},
		{"in another order, not numbered", unnumbered(t, 5, 4), parsed(t, at, "#EXTM3U\n#EXTINF:2,\ns7.ts\n#EXTINF:2,\ns6.ts\n"), Anew},
		{"none", old, nil, Ended},
	} {
		if got := Compare(c.given, c.next); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	ranged := func(at int) *Manifest {
		return live(t, 5, 0, "", fmt.Sprintf("#EXTINF:2,\n#EXT-X-BYTERANGE:10@%d\nf.mp4\n", at))
	}
	if got := Compare(ranged(0), ranged(10)); got != Anew {
		t.Errorf("another range of the file: %v", got)
	}
}

// A window that grows downwards while the list goes on is none that goes back.
func TestWhatListsLaterMediaIsNoOlderVersion(t *testing.T) {
	const names, part = "s#.ts", "#EXT-X-PART:DURATION=1,URI=\"9.0\"\n"
	old := live(t, 5, 4, names, "")
	for _, c := range []struct {
		name        string
		given, next *Manifest
		want        Change
	}{
		{"a window that grows both ways", old, live(t, 1, 9, names, ""), Forward},
		{"a longer window that is late", old, live(t, 0, 8, names, ""), Back},
		{"a window that grows both ways, other names", old, live(t, 1, 9, "y#.ts", ""), Anew},
		{"begun before, one more part", live(t, 5, 4, names, part), live(t, 4, 5, names, part+part), Forward},
	} {
		if got := Compare(c.given, c.next); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A delta update leaves segments out that are there all the same (rfc8216bis 6.2.5.1).
func TestDeltaUpdateIsTheListThatItUpdates(t *testing.T) {
	const names = "s#.ts"
	for _, c := range []struct {
		name        string
		given, next *Manifest
		want        Change
	}{
		{"the whole behind its delta update", delta(t, 5, 2, 2), live(t, 5, 4, names, ""), Same},
		{"the next whole behind a delta update", delta(t, 5, 2, 2), live(t, 6, 4, names, ""), Forward},
		{"a delta update of the whole", live(t, 5, 4, names, ""), delta(t, 6, 2, 2), Forward},
		{"a delta update after another one", delta(t, 5, 3, 1), delta(t, 6, 1, 3), Forward},
		{"an older whole behind a delta update", delta(t, 5, 3, 1), live(t, 4, 4, names, ""), Back},
		{"an older delta update", delta(t, 5, 3, 1), delta(t, 4, 3, 1), Back},
		{"numbers from 0 behind a delta update", delta(t, 5, 3, 1), live(t, 0, 4, names, ""), Anew},
	} {
		if got := Compare(c.given, c.next); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// mpd is a dynamic one that lists n segments of 2 s from a time on.
func mpd(t *testing.T, at, n int, attributes, period string) *Manifest {
	t.Helper()
	return parsed(t, site(t, "http://o.example", "/m.mpd"), fmt.Sprintf(`<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT1S" %s><Period id="%s" start="PT0S"><AdaptationSet mimeType="video/mp4">
		<SegmentTemplate media="$Time$.m4s"><SegmentTimeline><S t="%d" d="2" r="%d"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`, attributes, period, at, n-1))
}

func TestWhatANewMPDIsToTheOneBefore(t *testing.T) {
	old, at := mpd(t, 100, 5, `publishTime="2026-01-01T00:02:00Z"`, "1"), site(t, "http://o.example", "/m.mpd")
	untold := mpd(t, 100, 5, "", "1")
	numbers := func(published string) *Manifest {
		return parsed(t, at, `<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" publishTime="`+published+`"><Period start="PT0S"><AdaptationSet><SegmentTemplate media="$Number$" duration="2"/><Representation/></AdaptationSet></Period></MPD>`)
	}
	for _, c := range []struct {
		name        string
		given, next *Manifest
		want        Change
	}{
		{"the same", untold, mpd(t, 100, 5, "", "1"), Same},
		{"one more", untold, mpd(t, 102, 5, "", "1"), Forward},
		{"older", untold, mpd(t, 94, 5, "", "1"), Back},
		{"published before, later media", old, mpd(t, 102, 5, `publishTime="2026-01-01T00:01:59Z"`, "1"), Forward},
		{"published before, far ahead", old, mpd(t, 120, 5, `publishTime="2026-01-01T00:01:59Z"`, "1"), Forward},
		{"published before, nothing new", old, mpd(t, 100, 5, `publishTime="2026-01-01T00:01:59Z"`, "1"), Back},
		{"published before, older", old, mpd(t, 94, 5, `publishTime="2026-01-01T00:01:59Z"`, "1"), Back},
		{"a window that grows both ways", untold, mpd(t, 90, 11, "", "1"), Forward},
		{"a window that grows downwards alone", untold, mpd(t, 90, 10, "", "1"), Back},
		{"a longer window that is late", untold, mpd(t, 80, 14, "", "1"), Back},
		{"published later, older", old, mpd(t, 94, 5, `publishTime="2026-01-01T00:02:01Z"`, "1"), Back},
		{"published later, another period", old, mpd(t, 0, 5, `publishTime="2026-01-01T00:02:01Z"`, "2"), Anew},
		{"published later, nothing new", old, mpd(t, 100, 5, `publishTime="2026-01-01T00:02:01Z"`, "1"), Forward},
		{"published later, and what was to come is taken back", mpd(t, 100, 5, `publishTime="2026-01-01T00:01:30Z"`, "1"), mpd(t, 100, 2, `publishTime="2026-01-01T00:01:31Z"`, "1"), Forward},
		{"published before, without what is to come", mpd(t, 100, 5, `publishTime="2026-01-01T00:01:30Z"`, "1"), mpd(t, 100, 2, `publishTime="2026-01-01T00:01:29Z"`, "1"), Back},
		{"numbers alone", numbers("2026-01-01T00:00:02Z"), numbers("2026-01-01T00:00:03Z"), Forward},
		{"numbers alone, older", numbers("2026-01-01T00:00:02Z"), numbers("2026-01-01T00:00:01Z"), Back},
		{"numbers alone, the same", numbers("2026-01-01T00:00:02Z"), numbers("2026-01-01T00:00:02Z"), Same},
		{"behind a static one", parsed(t, at, `<MPD type="static"/>`), old, Ended},
	} {
		if got := Compare(c.given, c.next); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// A start of its own: what counts is the clock.
	anew := parsed(t, at, strings.ReplaceAll(string(mpd(t, 0, 5, "", "1").draft.Body), "00:00:00Z", "00:10:00Z"))
	if got := Compare(untold, anew); got != Forward {
		t.Errorf("begun later: %v", got)
	}
	static := parsed(t, at, strings.ReplaceAll(string(mpd(t, 0, 55, "", "1").draft.Body), `"dynamic"`, `"static"`))
	if got := Compare(untold, static); got != Forward {
		t.Errorf("its end: %v", got)
	}
}

// TestGuard goes through what an origin gives, a version a second.
func TestGuardLetsNothingGoBackBeforeItsTime(t *testing.T) {
	const names = "s#.ts"
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		name  string
		given *Manifest
		next  func(second int) *Manifest
		want  int // the second at which the new line of versions is given out
	}{
		{"a restarted encoder", live(t, 500, 4, "x#.ts", ""), func(s int) *Manifest { return live(t, s/2, 4, "y#.ts", "") }, 6},
		{"one with a long window", live(t, 500, 400, "x#.ts", ""), func(int) *Manifest { return live(t, 0, 4, "y#.ts", "") }, 6},
		{"one with a short window", live(t, 500, 2, "x#.ts", ""), func(int) *Manifest { return live(t, 0, 2, "y#.ts", "") }, 2},
		{"a late origin that stays alone", live(t, 500, 4, names, ""), func(s int) *Manifest { return live(t, 497+s/2, 4, names, "") }, 8},
		{"a late origin that hangs", live(t, 500, 4, names, ""), func(int) *Manifest { return live(t, 498, 4, names, "") }, 8},
		{"a restarted encoder with the same names and a long list", live(t, 0, 500, names, ""), func(s int) *Manifest { return live(t, 0, 1+s/2, names, "") }, 60},
		{"a late MPD that hangs, with hours to seek in", mpd(t, 100, 5, `timeShiftBufferDepth="PT4H"`, "1"), func(int) *Manifest { return mpd(t, 94, 5, "", "1") }, 60},
		{"the next programme", live(t, 500, 4, names, "#EXT-X-ENDLIST\n"), func(int) *Manifest { return live(t, 0, 4, names, "") }, 1},
		{"a late MPD that hangs", mpd(t, 100, 5, "", "1"), func(int) *Manifest { return mpd(t, 94, 5, "", "1") }, 10},
	} {
		given, g, was := c.given, Guard{Advanced: at}, c.given
		second := 0
		for second = 1; second < 70; second++ {
			next := c.next(second)
			take, change, after := g.Follow(given, next, at.Add(time.Duration(second)*time.Second))
			g = after
			if take && change != Same {
				given = next
			}
			if given != was {
				break
			}
		}
		if second != c.want {
			t.Errorf("%s: given out after %d s, want %d", c.name, second, c.want)
		}
	}
}

func TestAlternatingOriginsNeverGoBack(t *testing.T) {
	at, given := time.Unix(1000, 0), live(t, 50, 5, "s#.ts", "")
	g := Guard{}
	for i := range 60 {
		newest := 50 + i/2
		if i%2 == 1 {
			newest -= 3
		}
		next := live(t, newest, 5, "s#.ts", "")
		take, _, after := g.Follow(given, next, at.Add(time.Duration(i)*time.Second))
		if g = after; !take {
			continue
		}
		if next.MediaSequence() < given.MediaSequence() {
			t.Fatalf("after %d s it went from %d to %d", i, given.MediaSequence(), next.MediaSequence())
		}
		given = next
	}
	if given.MediaSequence() != 79 {
		t.Errorf("it stopped at %d", given.MediaSequence())
	}
}

func TestTargetsToCome(t *testing.T) {
	m := live(t, 98, 3, "v/seg-#.ts?e=1", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p/x.mp4\"\n#EXT-X-PREFETCH:y.ts\n")
	dash := mpd(t, 100, 5, "", "1")
	behind := live(t, 98, 3, "v/seg-#/sig=a?e=1", "")
	for _, c := range []struct {
		m      *Manifest
		target string
		want   bool
	}{
		{m, "/v/seg-101.ts", true},
		{m, "/v/seg%2D101.ts", true},
		{m, "/v/seg-00105.ts?e=2", true},
		{m, "/p/x.mp4", true},
		{m, "/y.ts", true},
		{m, "/v/seg-100.ts?e=1", true},
		{m, "/v/seg-97.ts", false},
		{m, "/v/other-101.ts", false},
		{m, "/v/seg-101.mp4", false},
		{m, "/v/seg-.ts", false},
		{m, "/", false},
		{behind, "/v/seg-101/sig=b?e=/2", true},
		{behind, "/v/seg-99/sig=b", false},
		{behind, "/w/seg-101/sig=a", false},
		{live(t, 98, 1, "v/seg-#/sig=a", ""), "/v/seg-101/sig=b", false},
		{live(t, 98, 3, "v7/seg-#", ""), "/v8/y-1", false},
		{dash, "/108.m4s", true},
		{dash, "/110.m4s", true},
		{dash, "/98.m4s", false},
		{dash, "/x.m4s", false},
		{live(t, 98, 3, "s#.ts", "#EXT-X-ENDLIST"), "/s101.ts", false},
	} {
		if got := c.m.Upcoming(c.target); got != c.want {
			t.Errorf("%s: %v", c.target, got)
		}
	}
}

func TestFamilyIsWithoutDirectives(t *testing.T) {
	for in, want := range map[string]string{
		"/a.m3u8": "/a.m3u8", "/a.m3u8?x=1": "/a.m3u8?x=1", "/a.m3u8?_HLS_msn=3&_HLS_part=1": "/a.m3u8",
		"/a.m3u8?x=1&_HLS_msn=3&y=2": "/a.m3u8?x=1&y=2", "/a.m3u8?_HLS_skip=YES&y": "/a.m3u8?y",
	} {
		if got := Family(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
