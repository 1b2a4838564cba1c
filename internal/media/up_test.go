package media

import (
	"strings"
	"testing"
)

// TestWayUpIsSaidWhereItIsTheSameForAll: of media playlists alone, from the folder
// that they stand in, and not where a player may count its components otherwise.
func TestWayUpIsSaidWhereItIsTheSameForAll(t *testing.T) {
	const list, multivariant, mpd = "#EXTM3U\n#EXTINF:2,\n/x/1.ts\n", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/x/v.m3u8\n", "<MPD><BaseURL>/x/</BaseURL></MPD>"
	for _, c := range []struct{ target, body, want string }{
		{"/a.m3u8", list, "."},
		{"/v/a.m3u8", list, ".."},
		{"/v/x/a.m3u8?of=/b/c//d", list, "../.."},
		{"/v/x/", list, "../.."},
		{"/v%2Fx/a.m3u8", list, ".."},
		{strings.Repeat("/v", 20) + "/a.m3u8", list, strings.Repeat("../", 19) + ".."},
		{strings.Repeat("/v", 21) + "/a.m3u8", list, ""},
		{"/v//a.m3u8", list, ""},
		{"//a.m3u8", list, ""},
		{"", list, ""},
		{"/v/a.m3u8", multivariant, ""},
		{"/v/a.mpd", mpd, ""},
		{"/v/a.json", `{"ASSETS":[{"URI":"/x"}]}`, ""},
	} {
		if got := parsed(t, site(t, "http://o.example", c.target), c.body).Up(); got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
}
