package media

import (
	"bytes"
	"testing"
)

var own = []string{"origin.example:8090", "OWN.example"}

func TestRewriteKeepsTheSessionAndNothingElseChanges(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     Kind
		in, want string
	}{
		{"relative", MediaPlaylist, "#EXTM3U\n#EXTINF:2,\nseg/1.ts?a=/b\n", ""},
		{
			"root-relative and own", MediaPlaylist,
			"#EXTM3U\r\n#EXT-X-KEY:METHOD=AES-128,URI=\"/k/1.key\",IV=0x1\r\n#EXTINF:2,\r\n/x/1.ts\r\n#EXTINF:2,\r\nhttp://own.example/x/2.ts?q=1\r\n#EXTINF:2,\r\nhttps://far.example/x/3.ts\r\n",
			"#EXTM3U\r\n#EXT-X-KEY:METHOD=AES-128,URI=\"/s/T/k/1.key\",IV=0x1\r\n#EXTINF:2,\r\n/s/T/x/1.ts\r\n#EXTINF:2,\r\n/s/T/x/2.ts?q=1\r\n#EXTINF:2,\r\nhttps://far.example/x/3.ts\r\n",
		},
		{"foreign keys and names", MediaPlaylist, "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://own.example/1\"\n#EXT-X-DATERANGE:X-URI=\"/a\"\n", ""},
		{"scheme-relative", Multivariant, "#EXTM3U\n#EXT-X-MEDIA:URI=\"//origin.example:8090/a.m3u8\"\n//far.example/b.m3u8\n", "#EXTM3U\n#EXT-X-MEDIA:URI=\"/s/T/a.m3u8\"\n//far.example/b.m3u8\n"},
		{
			"manifest", MPD,
			`<?xml version="1.0"?><!-- <BaseURL>/no/</BaseURL> --><MPD><Location> http://own.example/m.mpd </Location><Location>http://far.example/m.mpd</Location><BaseURL>/v/</BaseURL>` +
				`<d:SegmentTemplate media='/v/$Number$.m4s?a="b"' initialization = "http://origin.example:8090/v/i.mp4" duration="2"/><SegmentURL media="rel.m4s"/><Other media="/x"/></MPD>`,
			`<?xml version="1.0"?><!-- <BaseURL>/no/</BaseURL> --><MPD><Location> /s/T/m.mpd </Location><BaseURL>/s/T/v/</BaseURL>` +
				`<d:SegmentTemplate media='/s/T/v/$Number$.m4s?a="b"' initialization = "/s/T/v/i.mp4" duration="2"/><SegmentURL media="rel.m4s"/><Other media="/x"/></MPD>`,
		},
		{"what is relative to another host's root", MPD, `<MPD><BaseURL>http://far.example/</BaseURL><SegmentTemplate media="/v/$Number$"/></MPD>`, ""},
		{"no playlist", Segment, "/x/1.ts", ""},
	} {
		got, changed := Rewrite(c.kind, []byte(c.in), "/s/T", own)
		want := c.want
		if want == "" {
			want = c.in
		}
		if string(got) != want || changed != (c.want != "") {
			t.Errorf("%s: %v\ngot  %q\nwant %q", c.name, changed, got, want)
		}
		if again, changed := Rewrite(c.kind, got, "/s/T", own); changed || !bytes.Equal(again, got) {
			t.Errorf("%s: a second time: %q", c.name, again)
		}
	}
}

func TestRewriteWithoutPrefixMakesOwnURIsRootRelative(t *testing.T) {
	got, changed := Rewrite(MediaPlaylist, []byte("#EXTM3U\n/a.ts\nhttp://own.example/b.ts\n"), "", own)
	if string(got) != "#EXTM3U\n/a.ts\n/b.ts\n" || !changed {
		t.Fatalf("%q, %v", got, changed)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add([]byte(liveList), true)
	f.Add([]byte("#EXTM3U\n/a\nhttp://own.example/b\n"), true)
	f.Add([]byte(`<MPD><BaseURL>/v/</BaseURL><Location>http://far.example/</Location><SegmentTemplate media="/x" sourceURL='/y'/></MPD>`), false)
	f.Fuzz(func(t *testing.T, body []byte, hls bool) {
		kind := MPD
		if hls {
			kind = MediaPlaylist
		}
		before := bytes.Clone(body)
		once, changed := Rewrite(kind, body, "/s/T", own)
		if !bytes.Equal(body, before) {
			t.Fatal("the original was written to")
		}
		if !changed && !bytes.Equal(once, before) {
			t.Fatal("changed without saying so")
		}
		// A dropped Location may change what is seen of a broken manifest.
		if kind == MediaPlaylist {
			if twice, changed := Rewrite(kind, once, "/s/T", own); changed {
				t.Fatalf("%q became %q", once, twice)
			}
		}
	})
}
