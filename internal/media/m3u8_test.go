package media

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

const liveList = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:88
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="init.mp4"
#EXTINF:2.0,
s88.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="other,init.mp4",BYTERANGE="100@0"
#EXTINF:1.920000,title, with a comma
#EXT-X-BYTERANGE:100@7
s89.m4s
`

func TestMediaPlaylistIsReadAsItSays(t *testing.T) {
	got, err := ParseM3U8([]byte(liveList))
	if err != nil {
		t.Fatal(err)
	}
	want := &M3U8{
		MediaSequence: 88, DiscontinuitySequence: 3, TargetDuration: 2 * time.Second, Map: "init.mp4",
		Segments: []Seg{
			{Sequence: 88, URI: "s88.m4s", Duration: 2 * time.Second, Map: "init.mp4"},
			{Sequence: 89, URI: "s89.m4s", Duration: 1920 * time.Millisecond, Discontinuity: true, ByteRange: "100@7", Map: "other,init.mp4"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestMultivariantNamesEachPlaylistOnce(t *testing.T) {
	got, err := ParseM3U8([]byte("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"x,URI=y\",URI=\"a/i.m3u8\"\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=1\nv/i.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nv/i.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"v/f.m3u8\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a/i.m3u8", "v/i.m3u8", "v/f.m3u8"}; !got.Multivariant || !reflect.DeepEqual(got.Renditions, want) {
		t.Fatalf("%+v", got)
	}
}

func TestMalformedPlaylistIsRefusedWithItsLine(t *testing.T) {
	for body, want := range map[string]string{
		"":                                    "line 1",
		"<html>":                              "line 1: want #EXTM3U",
		"#EXTM3U\n#EXTINF:x,\na":              `line 2: "x" is no duration`,
		"#EXTM3U\n#EXTINF:-1,\na":             "line 2",
		"#EXTM3U\n#EXTINF:NaN,\na":            "line 2",
		"#EXTM3U\n\na.ts":                     "line 3: a URI without",
		"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-4\n": "line 2",
		"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXTINF:1,\nb\n": "variants and segments",
		"#EXTM3U\n" + strings.Repeat("#", MaxPlaylist):                    "at most",
		"#EXTM3U\n" + strings.Repeat("#EXTINF:1,\na\n", MaxSegments*7/10): "",
		"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n":           "whole number",
	} {
		_, err := ParseM3U8([]byte(body))
		if want == "" {
			if err != nil {
				t.Errorf("%.40q: %v", body, err)
			}
			continue
		}
		if !errors.Is(err, ErrPlaylist) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", body, err, want)
		}
	}
}

func list(sequence int64, ended bool, uris ...string) *M3U8 {
	l := &M3U8{MediaSequence: sequence, Ended: ended}
	for i, uri := range uris {
		l.Segments = append(l.Segments, Seg{Sequence: sequence + int64(i), URI: uri})
	}
	return l
}

func TestPlaylistNeverStepsBack(t *testing.T) {
	old := list(5, false, "s5", "s6", "s7")
	for _, c := range []struct {
		next *M3U8
		ok   bool
	}{
		{list(5, false, "s5", "s6", "s7"), true},
		{list(6, false, "s6", "s7", "s8"), true},
		{list(6, true, "s6", "s7"), true},
		{list(20, false, "s20"), true},
		{list(4, false, "s4", "s5", "s6", "s7"), false},
		{list(5, false, "s5", "s6"), false},
		{list(6, false, "s6", "x7", "s8"), false},
		{&M3U8{Multivariant: true}, true},
	} {
		err := NoStepBack(old, c.next)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrStepBack) {
			t.Errorf("%+v: %v", c.next, err)
		}
	}
	if NoStepBack(list(5, true, "s5"), list(5, false, "s5")) == nil {
		t.Error("an ended playlist went on")
	}
}

func TestKindsAndContentTypes(t *testing.T) {
	for _, c := range []struct {
		path, contentType string
		kind              Kind
		content           string
	}{
		{"/a/master.m3u8", "", MediaPlaylist, "application/vnd.apple.mpegurl"},
		{"/a/x.mpd", "text/plain", MPD, "application/dash+xml"},
		{"/a/seg1.m4s", "", Segment, "video/iso.segment"},
		{"/a/init-0.m4s", "", Init, "video/iso.segment"},
		{"/a/INIT.MP4", "", Init, "video/mp4"},
		{"/a/film.mp4", "", Segment, "video/mp4"},
		{"/a/1.ts", "", Segment, "video/mp2t"},
		{"/a/1.vtt", "", Segment, "text/vtt; charset=utf-8"},
		{"/a/list", "application/x-mpegURL; charset=utf-8", MediaPlaylist, "application/octet-stream"},
		{"/a/list", "video/MP2T", Segment, "application/octet-stream"},
		{"/a/", "", Other, "application/octet-stream"},
	} {
		if kind := KindOf(c.path, c.contentType); kind != c.kind || ContentType(c.path) != c.content {
			t.Errorf("%s: %v, %s", c.path, kind, ContentType(c.path))
		}
	}
	if !IsEntry("/x/a.MPD") || !IsEntry("/x/a.m3u8") || IsEntry("/x/a.ts") || !IsPlaylist(Multivariant) || IsPlaylist(Init) {
		t.Error("entries or playlists are not known")
	}
}
