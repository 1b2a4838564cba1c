package media

import "testing"

// A host that only the origin's network knows is told, where it is none of ours.
func TestAHostThatViewersHardlyReachIsStray(t *testing.T) {
	for uri, want := range map[string]string{
		"http://127.0.0.1:9000/hls/1.ts":   "127.0.0.1:9000",
		"https://10.1.2.3/1.ts?u=x":        "10.1.2.3",
		"http://[fd00::1]:80/1.ts":         "[fd00::1]:80",
		"http://packager:8080/1.ts":        "packager:8080",
		"http://vod.media.svc/1.ts":        "vod.media.svc",
		"http://cdn.example/1.ts":          "",
		"http://cdn.example/?u=http://a/b": "a",
		"http://192.0.2.1/1.ts":            "",
		"http://10.0.0.1:81/1.ts":          "", // the origin
		"1.ts":                             "",
		"http://cdn.example/1.ts?ftp://a/": "",
	} {
		s := site(t, "http://10.0.0.1:81/base", "/m.m3u8")
		if got := parsed(t, s, "#EXTM3U\n#EXTINF:2,\n"+uri+"\n#EXTINF:2,\nhttp://far.example/2.ts\n#EXT-X-ENDLIST\n").Stray(); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
	mpd := `<MPD xmlns="http://packager/x"><Period><BaseURL>http://localhost/v/</BaseURL></Period></MPD>`
	if got := parsed(t, site(t, "http://o.example", "/m.mpd"), mpd).Stray(); got != "packager" { // whatever it is there for
		t.Errorf("%q", got)
	}
}
