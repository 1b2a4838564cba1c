package media

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func uris(t Track) []string {
	var out []string
	for _, s := range t.Segments {
		out = append(out, s.URI)
	}
	return out
}

func only(t *testing.T, path, body string, now time.Time) Track {
	t.Helper()
	tracks, further, err := Tracks(path, []byte(body), now)
	if err != nil || len(tracks) != 1 || further != nil {
		t.Fatalf("%d tracks, %v, %v", len(tracks), further, err)
	}
	return tracks[0]
}

func TestManifestExpandsEveryAddressing(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		init string
		want []string
	}{
		"timeline with numbers, repeats to the period's end": {
			`<MPD type="static" mediaPresentationDuration="PT10S"><BaseURL>media/</BaseURL><Period><AdaptationSet>
			<SegmentTemplate timescale="10" startNumber="7" initialization="$RepresentationID$/i.mp4" media="$RepresentationID$/$Number%03d$-$Bandwidth$.m4s">
			<SegmentTimeline><S t="0" d="40"/><S d="30" r="-1"/></SegmentTimeline></SegmentTemplate>
			<Representation id="v" bandwidth="99"><BaseURL>x/</BaseURL></Representation></AdaptationSet></Period></MPD>`,
			"/a/media/x/v/i.mp4",
			[]string{"/a/media/x/v/007-99.m4s", "/a/media/x/v/008-99.m4s", "/a/media/x/v/009-99.m4s"},
		},
		"timeline with times": {
			`<MPD><Period><AdaptationSet><Representation id="v"><SegmentTemplate media="$$t-$Time$.m4s">
			<SegmentTimeline><S t="5" d="2" r="-1"/><S t="9" d="3"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`,
			"",
			[]string{"/a/$t-5.m4s", "/a/$t-7.m4s", "/a/$t-9.m4s"},
		},
		"a duration, inherited from the period": {
			`<MPD mediaPresentationDuration="PT5S"><Period><SegmentTemplate duration="2" media="/above/$Number$.m4s"/><AdaptationSet><SegmentTemplate startNumber="0"/>
			<Representation id="v"/></AdaptationSet></Period></MPD>`,
			"",
			[]string{"/above/0.m4s", "/above/1.m4s", "/above/2.m4s"},
		},
		"a list": {
			`<MPD><Period><AdaptationSet><Representation id="v"><SegmentList duration="2"><Initialization sourceURL="i.mp4"/><SegmentURL media="a b.m4s"/>
			<SegmentURL media="../c.m4s?x=1&amp;y=2"/></SegmentList></Representation></AdaptationSet></Period></MPD>`,
			"/a/i.mp4",
			[]string{"/a/a%20b.m4s", "/c.m4s?x=1&y=2"},
		},
		"one file": {
			`<MPD mediaPresentationDuration="PT5S"><Period><AdaptationSet><Representation id="v"><BaseURL>v.mp4</BaseURL><SegmentBase indexRange="0-9"/></Representation></AdaptationSet></Period></MPD>`,
			"",
			[]string{"/a/v.mp4"},
		},
		"another host": {
			`<MPD mediaPresentationDuration="PT2S"><BaseURL>http://far.example/z/</BaseURL><Period><AdaptationSet><Representation id="v">
			<SegmentTemplate duration="2" media="$Number$.m4s"/></Representation></AdaptationSet></Period></MPD>`,
			"",
			[]string{"http://far.example/z/1.m4s"},
		},
	} {
		track := only(t, "/a/m.mpd", c.body, time.Time{})
		if got := uris(track); !reflect.DeepEqual(got, c.want) || track.Init != c.init {
			t.Errorf("%s: %v, init %q", name, got, track.Init)
		}
	}
}

func TestDynamicManifestListsWhatIsCompleteInItsWindow(t *testing.T) {
	body := `<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" timeShiftBufferDepth="PT6S" minimumUpdatePeriod="PT2S"><Period start="PT100S"><AdaptationSet>
		<Representation id="v"><SegmentTemplate duration="2" startNumber="10" media="$Number$.m4s"/></Representation></AdaptationSet></Period></MPD>`
	track := only(t, "/m.mpd", body, time.Unix(109, 0))
	if got := uris(track); !reflect.DeepEqual(got, []string{"/11.m4s", "/12.m4s", "/13.m4s"}) {
		t.Fatal(got)
	}
	p, err := ParseMPD([]byte(body), time.Unix(90, 0))
	if err != nil || !p.Dynamic || p.MinimumUpdatePeriod != 2*time.Second || p.TimeShiftBufferDepth != 6*time.Second || len(p.Tracks[0].Segments) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
}

func TestRepresentationGoesOnFromPeriodToPeriod(t *testing.T) {
	period := `<Period start="PT%S"><AdaptationSet><Representation id="v"><SegmentTemplate duration="2" startNumber="#" media="$Number$.m4s"/></Representation></AdaptationSet></Period>`
	at := func(start, number string) string {
		return strings.NewReplacer("%", start, "#", number).Replace(period)
	}
	track := only(t, "/m.mpd", `<MPD mediaPresentationDuration="PT8S">`+at("0", "1")+at("4", "3")+`</MPD>`, time.Time{})
	if got := track.Next("/2.m4s", 9); !reflect.DeepEqual(got, []string{"/3.m4s", "/4.m4s"}) || !track.Segments[2].Discontinuity {
		t.Fatal(got, track.Segments)
	}
	tracks, _, err := Tracks("/m.mpd", []byte(`<MPD mediaPresentationDuration="PT8S">`+at("0", "1")+at("4", "1")+`</MPD>`), time.Time{})
	if err != nil || len(tracks) != 2 {
		t.Fatalf("numbers that begin anew were joined: %d, %v", len(tracks), err)
	}
}

func TestManifestOutOfBoundsIsRefused(t *testing.T) {
	for _, body := range []string{
		"no xml", "<MPD", `<MPD mediaPresentationDuration="5s"/>`,
		`<MPD mediaPresentationDuration="P99999D"><Period><SegmentTemplate duration="1" media="$Number$"/><AdaptationSet><Representation/></AdaptationSet></Period></MPD>`,
		`<MPD><Period><SegmentTemplate media="$Number$"><SegmentTimeline><S d="1" r="9999999999"/></SegmentTimeline></SegmentTemplate><AdaptationSet><Representation/></AdaptationSet></Period></MPD>`,
		`<MPD><Period><SegmentTemplate media="$Number$" timescale="0"/><AdaptationSet><Representation/></AdaptationSet></Period></MPD>`,
		strings.Repeat(" ", MaxPlaylist+1),
	} {
		if _, err := ParseMPD([]byte(body), time.Time{}); !errors.Is(err, ErrPlaylist) {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}

func TestTrackKnowsWhatComesNext(t *testing.T) {
	track := only(t, "/x/v/i.m3u8", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:2,\na.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@0\nb.ts\n#EXTINF:3,\n#EXT-X-BYTERANGE:5@5\nb.ts\n"+
		"#EXTINF:2,\nhttp://far.example/c.ts\n#EXTINF:2,\n/d.ts?k=1\n", time.Time{})
	if n, ok := track.Find("/x/v/b.ts"); n != 6 || !ok {
		t.Error(n, ok)
	}
	if n, ok := track.Find("/x/v/b.ts?session=1"); n != 6 || !ok {
		t.Error(n, ok)
	}
	if got := track.Next("/x/v/a.ts", 2); !reflect.DeepEqual(got, []string{"/x/v/b.ts", "/d.ts?k=1"}) {
		t.Error(got)
	}
	if got := track.Next("/x/v/unknown.ts", 2); got != nil {
		t.Error(got)
	}
	if d := track.Duration("/x/v/a.ts"); d != 2*time.Second {
		t.Error(d)
	}
	_, further, err := Tracks("/x/m.m3u8", []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/i.m3u8\n"), time.Time{})
	if err != nil || !reflect.DeepEqual(further, []string{"/x/v/i.m3u8"}) {
		t.Error(further, err)
	}
}

func FuzzTracks(f *testing.F) {
	f.Add([]byte(liveList), int64(0))
	f.Add([]byte(`<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><BaseURL>a/</BaseURL><Period start="PT1S"><AdaptationSet><SegmentTemplate duration="2" media="$Number%05d$-$Time$"/><Representation id="v"/></AdaptationSet></Period></MPD>`), int64(1e9))
	f.Add([]byte(`<MPD><Period duration="PT9S"><AdaptationSet><Representation><SegmentTemplate media="$Time$"><SegmentTimeline><S t="5" d="2" r="-1"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`), int64(7))
	f.Fuzz(func(t *testing.T, body []byte, now int64) {
		tracks, _, err := Tracks("/a/b.m3u8", body, time.Unix(now%1e10, 0))
		if err != nil {
			return
		}
		total := 0
		for i := range tracks {
			total += len(tracks[i].Segments)
			for _, s := range tracks[i].Segments {
				if _, ok := tracks[i].Find(s.URI); !ok {
					t.Fatalf("%q is in the track and is not found", s.URI)
				}
			}
		}
		if total > MaxSegments {
			t.Fatalf("%d segments", total)
		}
	})
}
