package media

import (
	"fmt"
	"testing"
	"time"
)

// companions are members of asset lists and steering manifests, and what becomes of
// them; "": nothing.
var companions = []struct{ in, want string }{
	{`"ASSETS":[{"URI":"http://o.example/ad.m3u8","DURATION":4.5},{"DURATION":1,"URI" : "/ad2.m3u8?x=/y"}]`, `"ASSETS":[{"URI":"[P]/ad.m3u8","DURATION":4.5},{"DURATION":1,"URI" : "[P]/ad2.m3u8?x=/y"}]`},
	{`"ASSETS":[{"URI":"http:\/\/o.example\/x\/ad.m3u8"},{"URI":"\u0068ttp://o.example"},{"URI":"..\/..\/..\/ad.m3u8"}]`, `"ASSETS":[{"URI":"[P]\/x\/ad.m3u8"},{"URI":"[P]/"},{"URI":"[P]\/ad.m3u8"}]`},
	{`"RELOAD-URI":"//o.example/steer?session=1","TTL":10,"PATHWAY-PRIORITY":["/a","http://o.example/b"]`, `"RELOAD-URI":"[P]/steer?session=1","TTL":10,"PATHWAY-PRIORITY":["/a","http://o.example/b"]`},
	{
		`"PATHWAY-CLONES":[{"BASE-ID":"/a","ID":"/b","URI-REPLACEMENT":{"PARAMS":{"x":"/y"},"PER-VARIANT-URIS":{"/v":"http://o.example/v.m3u8","w":"w.m3u8"},"PER-RENDITION-URIS":{"r" : "/r.m3u8"}},"N":"/n"}]`,
		`"PATHWAY-CLONES":[{"BASE-ID":"/a","ID":"/b","URI-REPLACEMENT":{"PARAMS":{"x":"/y"},"PER-VARIANT-URIS":{"/v":"[P]/v.m3u8","w":"w.m3u8"},"PER-RENDITION-URIS":{"r" : "[P]/r.m3u8"}},"N":"/n"}]`,
	},
	{ // a host of ours is none: the clone is here
		`"PATHWAY-CLONES":[{"BASE-ID":"a","ID":"b","URI-REPLACEMENT":{"HOST" : "O.example:80","PARAMS":{"HOST":"o.example"},"PER-VARIANT-URIS":{"v":"/v"}}},{"URI-REPLACEMENT":{"PARAMS":{},"HOST":"o.example"}}]`,
		`"PATHWAY-CLONES":[{"BASE-ID":"a","ID":"b","URI-REPLACEMENT":{"[P]":"","PARAMS":{"HOST":"o.example"},"PER-VARIANT-URIS":{"v":"[P]/v"}}},{"URI-REPLACEMENT":{"PARAMS":{},"[P]":""}}]`,
	},
	{ // with its scheme, as for MPDs
		`"PATHWAY-CLONES":[{"URI-REPLACEMENT":{"HOST":"http://o.example"}},{"URI-REPLACEMENT":{"HOST":"https:\/\/O.example:443"}},{"URI-REPLACEMENT":{"HOST":"https://far.example"}}]`,
		`"PATHWAY-CLONES":[{"URI-REPLACEMENT":{"[P]":""}},{"URI-REPLACEMENT":{"[P]":""}},{"URI-REPLACEMENT":{"HOST":"https://far.example"}}]`,
	},
	{`"PATHWAY-CLONES":[{"URI-REPLACEMENT":{"HOST":"far.example"}}],"HOST":"o.example"`, ``},
	// What is to stay.
	{`"ASSETS":[{"URI":"ad.m3u8"},{"URI":"https://far.example/ad.m3u8"},{"X":"/x","TITLE":"\"URI\":\"/x\""}]`, ``},
	{`"ASSETS":[{"URI":"/broken\x"},{"URI":""},{"URI":null}]`, ``},
	{`"ASSETS":[{"URI":"/unclosed`, ``},
}

func TestWhatManifestsNameAlongIsLedIntoTheSession(t *testing.T) {
	s := site(t, "http://o.example", "/a/b/c.json")
	for _, c := range companions {
		if c.want == "" {
			c.want = c.in
		}
		for _, form := range []string{"{%s}", "\xef\xbb\xbf\r\n { %s\r\n}\n"} {
			m := parsed(t, s, fmt.Sprintf(form, c.in))
			if got := edited(m); got != fmt.Sprintf(form, c.want) || m.Kind() != Companion {
				t.Errorf("%s\nbecame %s", c.in, got)
			}
		}
	}
}

func TestPicturesOfChaptersAreLedIntoTheSession(t *testing.T) {
	s := site(t, "http://o.example", "/a/b/c.json")
	for in, want := range map[string]string{
		`[{"chapter":1,"start-time":0,"titles":[{"language":"en","title":"/x"}],"images":[{"image-category":"/c","pixel-width":9,"url":"http://o.example/1.jpg"},{"url":"2.jpg"}]}]`: `[{"chapter":1,"start-time":0,"titles":[{"language":"en","title":"/x"}],"images":[{"image-category":"/c","pixel-width":9,"url":"[P]/1.jpg"},{"url":"2.jpg"}]}]`,
		"\n[ {\"start-time\" : 0,\"images\":[{\"url\":\"\\/1.jpg\"}]}]": "\n[ {\"start-time\" : 0,\"images\":[{\"url\":\"[P]\\/1.jpg\"}]}]",
		`{"ASSETS":[{"url":"/1","URI":"/2"}]}`:                          `{"ASSETS":[{"url":"/1","URI":"[P]/2"}]}`,
	} {
		if m := parsed(t, s, in); edited(m) != want || m.Kind() != Companion {
			t.Errorf("%s\nbecame %s", in, edited(m))
		}
	}
	if kind := Sniff([]byte(`[{"url":"http://o.example/1","start-times":1}]`)); kind != Other {
		t.Errorf("any list is a %v", kind)
	}
}

func TestWhatManifestsNameAlongIsNoProgramme(t *testing.T) {
	m := parsed(t, site(t, "http://o.example/base", "/c.json"), `{"ASSETS":[{"URI":"http://o.example/outside"},{"URI":"http://far.example/"},{"HOST":"o.example"},{"HOST":"far.example"},{"URI":"/base/\u00e9"}]}`)
	tracks, err := m.Tracks(time.Time{})
	ref, found := m.Locate("/a", ByteRange{})
	if m.Entry() || m.Live() || m.Ended() || m.Upcoming("/a") || found || len(m.Next(ref, 9)) != 0 || len(tracks) != 0 || err != nil || m.Children() != nil || Compare(m, m) != Ended {
		t.Error("it says something of segments")
	}
	if m.Left() != 2 || m.Foreign() != 1 || m.Edits().Count() != 1 {
		t.Errorf("%d name the origin, %d lie on other hosts, %d led", m.Left(), m.Foreign(), m.Edits().Count())
	}
}
