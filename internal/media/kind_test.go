package media

import (
	"strings"
	"testing"
)

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
		{"/a/list", "Video/x-mpegURL", MediaPlaylist, "application/octet-stream"},
		{"/a/patch", "application/dash-patch+xml", MPD, "application/octet-stream"},
		{"/a/list", "video/MP2T", Segment, "application/octet-stream"},
		{"/a/", "", Other, "application/octet-stream"},
	} {
		if kind := KindOf(c.path, c.contentType); kind != c.kind || ContentType(c.path) != c.content {
			t.Errorf("%s: %v, %s", c.path, kind, ContentType(c.path))
		}
	}
	if !IsEntry("/x/a.MPD") || !IsEntry("/x/a.m3u8") || !IsEntry("/x/a.m3u") || IsEntry("/x/a.ts") || !IsPlaylist(Multivariant) || IsPlaylist(Init) {
		t.Error("entries or playlists are not known")
	}
}

// TestNothingIsAwaitedThatTellsNoMore: of a document as much is wanted as its root
// element needs, of all else the first bytes.
func TestNothingIsAwaitedThatTellsNoMore(t *testing.T) {
	for body, want := range map[string]bool{
		"<!-- x": true, "<!-- x -->": true, "<?xml version=\"1.0\"?>\n": true, "<!DOCTYPE MPD [<!ENTITY a \">\">": true, "<!-- " + strings.Repeat("<MPD>", 10_000): true,
		"<": true, "<MP": true, "<MPD>": false, "<MPD": false, "<!-- x --><html ": false, "<!DOCTYPE html><html>": false, "<svg": true, "<svg>": false, "<html/": false,
		"<!-- x -->{": false, "<!-- x -->text": false, "<SegmentList ": true, "<SegmentList>": false, "<x:Representation a=\"": true, "<SegmentList " + strings.Repeat("a", maxTag): false,
		"<" + strings.Repeat("a", maxTag): false,
	} {
		if got := Undecided([]byte(body)); got != want {
			t.Errorf("%.60q: %v", body, got)
		}
	}
}

func TestManifestIsKnownByTypeOrByContent(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              Kind
	}{
		{"text/plain", "#EXTM3U\n", MediaPlaylist},
		{"", "\xef\xbb\xbf#EXTM3U\r\n", MediaPlaylist},
		{"", "#EXTM3U", MediaPlaylist},
		{"", "\xef\xbb\xbf\r\n \t#EXTM3U\n", MediaPlaylist},
		{"video/mp2t", "#EXTM3U x-tvg-url=\"y\"\n", MediaPlaylist},
		{"application/vnd.apple.mpegurl", "# not quite", MediaPlaylist},
		{"Application/Dash+XML; charset=utf-8", "garbage", MPD},
		{"text/xml", "<MPD>", MPD},
		{"", " \r\n<?xml version=\"1.0\"?>\n<!-- <x> -->\n<!DOCTYPE MPD [<!ENTITY a \"]>\">]><dash:MPD xmlns:dash=\"urn:mpeg:dash:schema:mpd:2011\">", MPD},
		{"", "\xef\xbb\xbf<MPD/>", MPD},
		{"", "<Patch xmlns=\"urn:mpeg:dash:schema:mpd-patch:2020\">", MPD},
		{"", "<Period duration=\"PT1S\">", MPD},
		{"", "<SegmentList xmlns=\"urn:mpeg:dash:schema:mpd:2011\">", MPD},
		{"", "<SegmentList>", Other},
		{"", "#EXTM3U8\n", Other},
		{"", "#EXTINF:1,\na", Other},
		{"text/html", "<html><MPD>", Other},
		{"", "<!DOCTYPE html><html>", Other},
		{"", "<MPDx>", Other},
		{"", "<!-- never closed <MPD>", Other},
		{"application/json", "{}", Other},
		{"application/json", `{"assets":["ASSETS"]}`, Other},
		{"application/json", " \r\n{\"ASSETS\":[]}", Companion},
		{"text/plain", "\xef\xbb\xbf{\"VERSION\":1,\"PATHWAY-PRIORITY\":[\".\"]}", Companion},
		{"", `{"TTL":1,"RELOAD-URI":"x"}`, Companion},
		{"", `["ASSETS"]`, Other},
		{"", `{"x":"` + strings.Repeat("x", 512) + `","ASSETS":[]}`, Other},
		{"application/octet-stream", "\x00\x00\x00\x18ftyp", Other},
		// An empty answer is none, whatever it is called.
		{"application/vnd.apple.mpegurl", "", Other},
		{"application/dash+xml", "", Other},
	} {
		if got := ManifestKind(c.contentType, []byte(c.body)); got != c.want {
			t.Errorf("%s, %q: %v, want %v", c.contentType, c.body, got, c.want)
		}
	}
}
