package origin

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/media"
)

// shortLoop is a stored stream of 6 s: pictures of 2+2+2 s, sound of 1.9+2.1+1.9 s.
func shortLoop(t *testing.T) string {
	dir := t.TempDir()
	write(t, dir, "film/master.m3u8", "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a/index.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO=\"a\"\nv/index.m3u8\n")
	write(t, dir, "film/manifest.mpd", `<MPD type="static" mediaPresentationDuration="PT6S"><Period>
<AdaptationSet contentType="video"><Representation id="v" bandwidth="5" mimeType="video/mp4" codecs="avc1.4d400c" width="16" height="9">
<SegmentTemplate timescale="10" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg$Number$.m4s"><SegmentTimeline><S t="0" d="20" r="2"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>
<AdaptationSet contentType="audio" lang="en"><Representation id="a" bandwidth="4" mimeType="audio/mp4" codecs="mp4a.40.2" audioSamplingRate="32000">
<SegmentTemplate timescale="10" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg$Number$.m4s"><SegmentTimeline><S t="0" d="19"/><S d="21"/><S d="19"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>
</Period></MPD>`)
	for name, spans := range map[string][]float64{"v": {2, 2, 2}, "a": {1.9, 2.1, 1.9}} {
		list := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n"
		write(t, dir, "film/"+name+"/init.mp4", name+" init")
		for i, span := range spans {
			list += fmt.Sprintf("#EXTINF:%.6f,\nseg%d.m4s\n", span, i+1)
			write(t, dir, fmt.Sprintf("film/%s/seg%d.m4s", name, i+1), fmt.Sprintf("%s segment %d", name, i+1))
		}
		write(t, dir, "film/"+name+"/index.m3u8", list+"#EXT-X-ENDLIST\n")
	}
	return dir
}

// airing is an origin with the short loop as /live/, at a moment that can be set.
func airing(t *testing.T, window int) (started, func(seconds float64)) {
	var now atomic.Int64
	o := start(t, Config{Media: shortLoop(t), Loop: []string{"live=/film/"}, Window: window}, Deps{Now: func() time.Time { return time.Unix(0, now.Load()) }})
	return o, func(seconds float64) { now.Store(int64(seconds * 1e9)) }
}

func TestWindowGoesOnAcrossTheWrap(t *testing.T) {
	o, at := airing(t, 3)
	head := func(sequence, discontinuities int) string {
		return fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", sequence, discontinuities)
	}
	begin := func(seconds string) string {
		return "#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:" + seconds + "Z\n"
	}
	const wrap = "#EXT-X-DISCONTINUITY\n"
	segment := func(n int, span string) string { return "#EXTINF:" + span + ",\ns" + fmt.Sprint(n) + ".m4s\n" }
	for _, c := range []struct {
		now        float64
		list, want string
	}{
		{1, "v", head(0, 0)},
		{2, "v", head(0, 0) + begin("00.000") + segment(0, "2.000000")},
		{7.9, "v", head(0, 0) + begin("00.000") + segment(0, "2.000000") + segment(1, "2.000000") + segment(2, "2.000000")},
		{8, "v", head(1, 0) + begin("02.000") + segment(1, "2.000000") + segment(2, "2.000000") + wrap + begin("06.000") + segment(3, "2.000000")},
		{7.9, "a", head(1, 0) + begin("01.900") + segment(1, "2.100000") + segment(2, "1.900000") + wrap + begin("06.000") + segment(3, "1.900000")},
		{12, "v", head(3, 0) + wrap + begin("06.000") + segment(3, "2.000000") + segment(4, "2.000000") + segment(5, "2.000000")},
		{14, "v", head(4, 1) + begin("08.000") + segment(4, "2.000000") + segment(5, "2.000000") + wrap + begin("12.000") + segment(6, "2.000000")},
	} {
		at(c.now)
		answer, got := o.get(t, "/live/"+c.list+"/index.m3u8")
		if got != c.want || answer.Header.Get("Cache-Control") != "public, max-age=1" {
			t.Errorf("%s at %v s, %s\ngot\n%s\nwant\n%s", c.list, c.now, answer.Header.Get("Cache-Control"), got, c.want)
		}
	}
}

func TestManifestHasAPeriodForEachLoop(t *testing.T) {
	o, at := airing(t, 3)
	at(8.3)
	_, got := o.get(t, "/live/manifest.mpd")
	video := func(start int, s string) string {
		return `    <AdaptationSet id="0" contentType="video" segmentAlignment="true" startWithSAP="1">
      <Representation id="v" bandwidth="5" mimeType="video/mp4" codecs="avc1.4d400c" width="16" height="9">
        <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="` + fmt.Sprint(start) + `" initialization="v/init.mp4" media="v/s$Number$.m4s">
          <SegmentTimeline>
` + s + `          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
`
	}
	audio := func(start int, s string) string {
		return `    <AdaptationSet id="1" contentType="audio" lang="en" segmentAlignment="true" startWithSAP="1">
      <Representation id="a" bandwidth="4" mimeType="audio/mp4" codecs="mp4a.40.2" audioSamplingRate="32000">
        <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="` + fmt.Sprint(start) + `" initialization="a/init.mp4" media="a/s$Number$.m4s">
          <SegmentTimeline>
` + s + `          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
`
	}
	s := func(t, d, r int) string {
		return fmt.Sprintf("            <S t=\"%d\" d=\"%d\" r=\"%d\"/>\n", t, d, r)
	}
	want := `<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="1970-01-01T00:00:08Z" ` +
		`minimumUpdatePeriod="PT2.000000S" timeShiftBufferDepth="PT6.000000S" suggestedPresentationDelay="PT6.000000S" maxSegmentDuration="PT3.000000S" minBufferTime="PT4.000000S">
  <Period id="0" start="PT0.000000S">
` + video(1, s(180000, 180000, 1)) + audio(1, s(171000, 189000, 0)+s(360000, 171000, 0)) + `  </Period>
  <Period id="1" start="PT6.000000S">
` + video(3, s(0, 180000, 0)) + audio(3, s(0, 171000, 0)) + `  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="1970-01-01T00:00:08Z"/>
</MPD>
`
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	// Sound of the new loop is there 100 ms before its pictures: no period yet.
	at(7.95)
	if _, got := o.get(t, "/live/manifest.mpd"); strings.Count(got, "<Period") != 1 {
		t.Fatalf("a period without pictures:\n%s", got)
	}
}

// listed reads a media playlist and lists its segments.
func listed(t *testing.T, target, body string) (*media.Manifest, []media.Seg) {
	t.Helper()
	m, err := media.Parse([]byte(body), media.Site{Origin: media.Unnamed(), Target: target})
	if err != nil || m.Flaw() != nil {
		t.Fatal(err, m.Flaw(), body)
	}
	tracks, err := m.Tracks(time.Time{})
	if err != nil || len(tracks) != 1 {
		t.Fatal(err, body)
	}
	return m, tracks[0].Segments
}

func TestLoopedPlaylistsNeverStepBackAndNameWhatIsThere(t *testing.T) {
	o, at := airing(t, 4)
	var before *media.Manifest
	for step := range 150 {
		seconds := 1e6 + float64(step)*0.37
		at(seconds)
		_, body := o.get(t, "/live/a/index.m3u8")
		list, segments := listed(t, "/live/a/index.m3u8", body)
		if c := media.Compare(before, list); before != nil && c != media.Same && c != media.Forward {
			t.Fatalf("at %v s: %v", seconds, c)
		}
		// Discontinuities are counted right: a number belongs to one loop for ever.
		in := list.DiscontinuitySequence()
		for _, s := range segments {
			if s.Discontinuity {
				in++
			}
			if in != s.Sequence/3 {
				t.Fatalf("at %v s segment %d is in discontinuity %d\n%s", seconds, s.Sequence, in, body)
			}
		}
		before = list
		_, body = o.get(t, "/live/manifest.mpd")
		mpd, err := media.Parse([]byte(body), media.Site{Origin: media.Unnamed(), Target: "/live/manifest.mpd"})
		if err != nil {
			t.Fatal(err)
		}
		tracks, err := mpd.Tracks(o.deps.Now())
		if err != nil || len(tracks) != 2 {
			t.Fatalf("%d tracks, %v\n%s", len(tracks), err, body)
		}
		named := map[string]bool{}
		for _, s := range segments {
			named[s.URI] = true
		}
		for _, s := range tracks[1].Segments {
			if !named[s.URI] {
				t.Fatalf("at %v s the manifest names %s, the playlist does not", seconds, s.URI)
			}
		}
		for uri := range named {
			ref, _ := mpd.Locate(uri, media.ByteRange{})
			n := ref.Sequence
			if answer, got := o.get(t, uri); answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != immortal || n > 0 && got != fmt.Sprintf("a segment %d", n%3+1) {
				t.Fatalf("%s: %d %q", uri, answer.StatusCode, got)
			}
		}
	}
}

func TestSegmentBeforeAndAfterItsTime(t *testing.T) {
	o, at := airing(t, 3)
	at(100) // 49 is the newest: 0..49
	for uri, status := range map[string]int{
		"/live/v/s49.m4s": 200, "/live/v/s50.m4s": 404, "/live/v/s41.m4s": 200, "/live/v/s40.m4s": 410, "/live/v/s049.m4s": 404,
		"/live/v/s-1.m4s": 404, "/live/v/s49.ts": 404, "/live/v/seg1.m4s": 404, "/live/v/init.mp4": 200, "/live/master.m3u8": 200, "/live/x/s49.m4s": 404,
	} {
		answer, _ := o.get(t, uri)
		if answer.StatusCode != status || status >= 400 && answer.Header.Get("Cache-Control") != "max-age=1" {
			t.Errorf("%s: %d %q, want %d", uri, answer.StatusCode, answer.Header.Get("Cache-Control"), status)
		}
	}
	if answer, _ := o.ask(t, http.MethodHead, "/live/v/s49.m4s", nil); answer.ContentLength != int64(len("v segment 2")) {
		t.Error("HEAD of a segment on air:", answer.ContentLength)
	}
}

func TestFlatStreamLoopsWithoutMixingRenditions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "film/master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n")
	for _, name := range []string{"a", "b"} {
		write(t, dir, "film/"+name+".m3u8", "#EXTM3U\n#EXTINF:2,\n"+name+"1.ts\n#EXT-X-ENDLIST\n")
		write(t, dir, "film/"+name+"1.ts", name)
	}
	o := start(t, Config{Media: dir, Loop: []string{"tv/one=/film/"}}, Deps{Now: func() time.Time { return time.Unix(10, 0) }})
	for _, name := range []string{"a", "b"} {
		_, body := o.get(t, "/tv/one/"+name+".m3u8")
		_, segments := listed(t, "/tv/one/"+name+".m3u8", body)
		if len(segments) != 5 {
			t.Fatal(body)
		}
		if _, got := o.get(t, segments[4].URI); got != name {
			t.Errorf("%s: %s holds %q", name, segments[4].URI, got)
		}
	}
}
