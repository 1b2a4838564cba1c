package media

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"tandem/internal/media/track"
)

// site is where the manifests of these tests stand.
func site(t testing.TB, origin, target string) Site {
	t.Helper()
	first, err := RootOf(origin)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOrigin(first, Root{Hosts: []string{"public.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return Site{Origin: o, Target: target}
}

// parsed reads a manifest that must be one.
func parsed(t testing.TB, s Site, body string) *Manifest {
	t.Helper()
	m, err := Parse([]byte(body), s)
	if err != nil {
		t.Fatalf("%.200q: %v", body, err)
	}
	return m
}

// edited is the body with "[P]" for the prefix.
func edited(m *Manifest) string { return string(m.Edits().Append(nil, m.draft.Body, "[P]")) }

func TestEveryTagIsLedIntoTheSession(t *testing.T) {
	s := site(t, "http://o.example", "/a/b/m.m3u8?k=v%2Fw")
	for _, c := range []struct{ in, want string }{
		{"/1.ts", "[P]/1.ts"},
		{"  /1.ts \t", "  [P]/1.ts \t"},
		{"#EXTINF:2,/title\n../../../1.ts", "#EXTINF:2,/title\n[P]/1.ts"},
		{"#EXT-X-STREAM-INF:BANDWIDTH=1,URI=\"x\"\n//o.example/v.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=1,URI=\"x\"\n[P]/v.m3u8"},
		{`#EXT-X-MAP:URI="/i.mp4",BYTERANGE="700@0"`, `#EXT-X-MAP:URI="[P]/i.mp4",BYTERANGE="700@0"`},
		{`#EXT-X-KEY:METHOD=AES-128,URI="http://o.example/k?a=/b,c",IV=0x1`, `#EXT-X-KEY:METHOD=AES-128,URI="[P]/k?a=/b,c",IV=0x1`},
		{`#EXT-X-SESSION-KEY:METHOD=AES-128,URI="/k"`, `#EXT-X-SESSION-KEY:METHOD=AES-128,URI="[P]/k"`},
		{`#EXT-X-SESSION-DATA:DATA-ID="/x",VALUE="/y",URI="/d.json"`, `#EXT-X-SESSION-DATA:DATA-ID="/x",VALUE="/y",URI="[P]/d.json"`},
		{`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g,URI=/x",NAME="n",URI="/a.m3u8"`, `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g,URI=/x",NAME="n",URI="[P]/a.m3u8"`},
		{`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="/i.m3u8"`, `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="[P]/i.m3u8"`},
		{`#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="/i.m3u8"`, `#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="[P]/i.m3u8"`},
		{`#EXT-X-CONTENT-STEERING:SERVER-URI="http://o.example/s.json",PATHWAY-ID="/p"`, `#EXT-X-CONTENT-STEERING:SERVER-URI="[P]/s.json",PATHWAY-ID="/p"`},
		{`#EXT-X-PART:DURATION=1,URI="/p.1.mp4",INDEPENDENT=YES`, `#EXT-X-PART:DURATION=1,URI="[P]/p.1.mp4",INDEPENDENT=YES`},
		{`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="/p.2.mp4"`, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[P]/p.2.mp4"`},
		{`#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="/i.mp4"`, `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="[P]/i.mp4"`},
		{`#EXT-X-RENDITION-REPORT:URI="/b/m.m3u8",LAST-MSN=7`, `#EXT-X-RENDITION-REPORT:URI="[P]/b/m.m3u8",LAST-MSN=7`},
		{`#EXT-X-DATERANGE:ID="1",X-ASSET-URI="http://o.example/ad.m3u8",X-COM="/x"`, `#EXT-X-DATERANGE:ID="1",X-ASSET-URI="[P]/ad.m3u8",X-COM="/x"`},
		{`#EXT-X-DATERANGE:ID="2",CLASS="com.apple.hls.preload",X-URI="http://o.example/ads.json",X-TARGET-ID="1"`, `#EXT-X-DATERANGE:ID="2",CLASS="com.apple.hls.preload",X-URI="[P]/ads.json",X-TARGET-ID="1"`},
		{`#EXT-X-DATERANGE:ID="1",X-ASSET-LIST="/ads.json?x=1"`, `#EXT-X-DATERANGE:ID="1",X-ASSET-LIST="[P]/ads.json?x=1"`},
		{`#EXT-X-PREFETCH:http://o.example/9.ts`, `#EXT-X-PREFETCH:[P]/9.ts`},
		{`#EXT-X-TWITCH-PREFETCH: /9.ts`, `#EXT-X-TWITCH-PREFETCH: [P]/9.ts`},
		{`#EXT-X-TILES:URI="/t.jpg",LAYOUT=5x4`, `#EXT-X-TILES:URI="[P]/t.jpg",LAYOUT=5x4`},
		// Spellings.
		{`#EXT-X-KEY: METHOD=AES-128 , URI = "/k"`, `#EXT-X-KEY: METHOD=AES-128 , URI = "[P]/k"`},
		{`#EXT-X-KEY:METHOD=AES-128,URI=/k,IV=0x1`, `#EXT-X-KEY:METHOD=AES-128,URI=[P]/k,IV=0x1`},
		{`#EXT-X-KEY:URI=" /k ",METHOD=AES-128`, `#EXT-X-KEY:URI=" [P]/k ",METHOD=AES-128`},
		{`#EXT-X-MEDIA:TYPE=AUDIO,NAME="n, URI=\"/x\"",URI="/a.m3u8"`, `#EXT-X-MEDIA:TYPE=AUDIO,NAME="n, URI=\"/x\"",URI="[P]/a.m3u8"`},
		{`#EXT-X-KEY:METHOD=AES-128,X="a"b" ,URI="/k"`, `#EXT-X-KEY:METHOD=AES-128,X="a"b" ,URI="[P]/k"`},
		// What is to stay.
		{"# /c URI=\"/x\" http://o.example/y", ""},
		{"#EXTINF:2,http://o.example/x", ""},
		{"1.ts?u=http://o.example/z", ""},
		{`#EXT-X-KEY:METHOD=AES-128,URI="data:text/plain;base64,AA=="`, ""},
		{`#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://o.example/k"`, ""},
		{`#EXT-X-KEY:METHOD=SAMPLE-AES,URI="https://licence.example/x?u=http://o.example/k"`, ""},
		{`#EXT-X-DATERANGE:ID="1",X-NOTE="see /c, http://o.example/b"`, ""},
		{"https://far.example/2.ts", ""},
		{`#EXT-X-KEY:METHOD=AES-128,URI="/k`, ""},
	} {
		if c.want == "" {
			c.want = c.in
		}
		for _, form := range []string{"#EXTM3U\n%s\n", "#EXTM3U\r%s\r", "\xef\xbb\xbf#EXTM3U\r\n%s\r\n", "#EXTM3U\n\n\n%s"} {
			m := parsed(t, s, fmt.Sprintf(form, c.in))
			if got := edited(m); got != fmt.Sprintf(form, c.want) {
				t.Errorf("%q became %q", c.in, got)
			}
		}
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	s := site(t, "http://o.example/base", "/m.m3u8")
	m := parsed(t, s, `#EXTM3U
#EXT-X-SESSION-DATA:DATA-ID="x",VALUE="http://o.example/base/d"
#EXT-X-KEY:METHOD=AES-128,URI="https://far.example/k"
#EXTINF:1,
http://far.example/1.ts
#EXTINF:1,
http://o.example/elsewhere/2.ts
#EXTINF:1,
/base/3.ts
`)
	if m.Foreign() != 2 || m.Left() != 2 || m.Edits().Count() != 1 {
		t.Errorf("%d on other hosts, %d name the origin, %d led", m.Foreign(), m.Left(), m.Edits().Count())
	}
}

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
	s := site(t, "http://o.example", "/a/m.m3u8")
	m := parsed(t, s, liveList)
	tracks, err := m.Tracks(time.Time{})
	want := []Track{{Init: "/a/init.mp4", Segments: []Seg{
		{Sequence: 88, URI: "/a/s88.m4s", Duration: 2 * time.Second, Map: "/a/init.mp4"},
		{Sequence: 89, URI: "/a/s89.m4s", Duration: 1920 * time.Millisecond, Discontinuity: true, Range: ByteRange{First: 7, Length: 100}, Map: "/a/other,init.mp4"},
	}}}
	if err != nil || !reflect.DeepEqual(tracks, want) {
		t.Errorf("got  %+v\nwant %+v, %v", tracks, want, err)
	}
	if m.Kind() != MediaPlaylist || !m.Live() || m.Flaw() != nil || m.MediaSequence() != 88 || m.DiscontinuitySequence() != 3 || m.Interval() != 2*time.Second || m.Window() != 3920*time.Millisecond {
		t.Errorf("%+v", m)
	}
	if ended := parsed(t, s, liveList+"#EXT-X-ENDLIST"); ended.Live() || !ended.Ended() {
		t.Error("its end was not read")
	}
}

// places are what a manifest says of targets: "track sequence.part time+duration".
func where(ref Ref, ok bool) string {
	switch {
	case !ok:
		return "unknown"
	case ref.Init:
		return fmt.Sprintf("%v init", ref.Track)
	case ref.Part >= 0:
		return fmt.Sprintf("%v %d.%d %v+%v", ref.Track, ref.Sequence, ref.Part, ref.Time, ref.Duration)
	}
	return fmt.Sprintf("%v %d %v+%v", ref.Track, ref.Sequence, ref.Time, ref.Duration)
}

func objects(list []Object) string {
	var out []string
	for _, o := range list {
		text := fmt.Sprintf("%d:%s", o.Sequence, o.Target)
		if !o.Range.Whole() {
			text += fmt.Sprintf("[%d+%d]", o.Range.First, o.Range.Length)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestPositionsInPlaylists(t *testing.T) {
	long := strings.Repeat("n", 900)
	for _, c := range []struct {
		name, body, target string
		r                  ByteRange
		place, next        string
	}{
		{"a name", "#EXTINF:2,\na.ts\n#EXTINF:3,\nb.ts\n#EXTINF:2,\nhttp://far.example/c.ts\n#EXTINF:2,\n/d.ts?k=1\n", "/x/b.ts", ByteRange{}, "video 1 2s+3s", "3:/d.ts?k=1"},
		{"an unknown one", "#EXTINF:2,\na.ts\n", "/x/b.ts", ByteRange{}, "unknown", ""},
		{"a query is part of it", "#EXTINF:2,\nx.ts?n=1\n#EXTINF:2,\nx.ts?n=2\n#EXTINF:2,\nx.ts?n=3\n", "/x/x.ts?n=2", ByteRange{}, "video 1 2s+2s", "2:/x/x.ts?n=3"},
		{"another query", "#EXTINF:2,\nx.ts?n=1\n", "/x/x.ts", ByteRange{}, "unknown", ""},
		{"space and UTF-8", "#EXTINF:2,\nmy clip ü.ts\n", "/x/my%20clip%20%c3%bc.ts", ByteRange{}, "video 0 0s+2s", ""},
		{"escapes", "#EXTINF:2,\nc%2fd%7E%3Fnow.ts\n", "/x/c%2Fd~%3fnow.ts", ByteRange{}, "video 0 0s+2s", ""},
		{"an escape that is none", "#EXTINF:2,\nc%2Fd.ts\n", "/x/c/d.ts", ByteRange{}, "unknown", ""},
		{"double slashes", "#EXTINF:2,\nd//e.ts\n", "/x/d//e.ts", ByteRange{}, "video 0 0s+2s", ""},
		{"elsewhere", "#EXTINF:2,\n../../y/1.ts\n", "/y/1.ts", ByteRange{}, "video 0 0s+2s", ""},
		{"an absolute one", "#EXTINF:2,\nHTTP://O.example:80/y/1.ts\n", "/y/1.ts", ByteRange{}, "video 0 0s+2s", ""},
		{"numbers beyond 2^53", "#EXT-X-MEDIA-SEQUENCE:17000000000000001\n#EXT-X-GAP\n#EXTINF:4,\ng.ts\n#EXTINF:4,\n" + long + ".ts\n#EXT-X-GAP\n#EXTINF:4,\nh.ts\n#EXTINF:4,\ni.ts\n", "/x/" + long + ".ts", ByteRange{}, "video 17000000000000002 4s+4s", "17000000000000004:/x/i.ts"},
		{"the same name again", "#EXTINF:2,\na.ts\n#EXTINF:2,\nad.ts\n#EXTINF:2,\nb.ts\n#EXTINF:2,\nad.ts\n", "/x/ad.ts", ByteRange{}, "video 1 2s+2s", "2:/x/b.ts 3:/x/ad.ts"},
		{"sound", "#EXTINF:2,\na.aac\n", "/x/a.aac", ByteRange{}, "audio 0 0s+2s", ""},
		{"text", "#EXTINF:2,\na.vtt?x=.ts\n", "/x/a.vtt?x=.ts", ByteRange{}, "subtitles 0 0s+2s", ""},
		{"an init", "#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2,\na.m4s\n#EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:2,\nb.m4s\n", "/x/j.mp4", ByteRange{}, "video init", "1:/x/b.m4s"},
		{"a delta update", "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=10\n#EXTINF:2,\na.ts\n", "/x/a.ts", ByteRange{}, "video 15 0s+2s", ""},
		{"a prefetch", "#EXTINF:2,\na.ts\n#EXT-X-PREFETCH:b.ts\n", "/x/a.ts", ByteRange{}, "video 0 0s+2s", "1:/x/b.ts"},
	} {
		m := parsed(t, site(t, "http://o.example", "/x/m.m3u8?q"), "#EXTM3U\n"+c.body)
		ref, ok := m.Locate(c.target, c.r)
		if got := where(ref, ok); got != c.place {
			t.Errorf("%s: %s, want %s", c.name, got, c.place)
		}
		if got := objects(m.Next(ref, 9)); ok && got != c.next {
			t.Errorf("%s: next %s, want %s", c.name, got, c.next)
		}
	}
}

func TestPositionsInAFileOfManySegments(t *testing.T) {
	body := `#EXTM3U
#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"
#EXTINF:4,
#EXT-X-BYTERANGE:9300@700
all.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:10000
all.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:10000
all.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:500@0
ad.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:100@30000
all.mp4
`
	m := parsed(t, site(t, "http://o.example", "/m.m3u8"), body)
	for _, c := range []struct {
		first, length int64
		want          string
	}{
		{0, 700, "video init"},
		{700, 9300, "video 0 0s+4s"},
		{10000, 10000, "video 1 4s+4s"},
		{20000, 10000, "video 2 8s+4s"},
		{0, 0, "video 0 0s+4s"},
		{10000, 0, "video 1 4s+4s"},
		{15000, 100, "video 1 4s+4s"},
		{700, 19300, "video 1 4s+4s"},
		{0, 30000, "video init"},
		{30000, 100, "video 4 16s+4s"},
		{31000, 5, "video init"},
	} {
		if got := where(m.Locate("/all.mp4", ByteRange{First: c.first, Length: c.length})); got != c.want {
			t.Errorf("%d+%d: %s, want %s", c.first, c.length, got, c.want)
		}
	}
	ref, _ := m.Locate("/all.mp4", ByteRange{First: 10000, Length: 10000})
	if got, want := objects(m.Next(ref, 2)), "2:/all.mp4[20000+10000] 3:/ad.mp4[0+500]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPositionsOfParts(t *testing.T) {
	body := `#EXTM3U
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:2,
7.mp4
#EXT-X-PART:DURATION=0.5,URI="8.mp4",BYTERANGE="100@0"
#EXT-X-PART:DURATION=0.5,URI="8.mp4",BYTERANGE="120"
#EXTINF:1,
8.mp4
#EXT-X-PART:DURATION=0.5,URI="9.0.mp4"
#EXT-X-PART:DURATION=0.4,URI="9.1.mp4"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="9.2.mp4"
#EXT-X-RENDITION-REPORT:URI="../b.m3u8",LAST-MSN=9,LAST-PART=1
`
	m := parsed(t, site(t, "http://o.example", "/m.m3u8"), body)
	for _, c := range []struct {
		target string
		r      ByteRange
		want   string
	}{
		{"/7.mp4", ByteRange{}, "video 7 0s+2s"},
		{"/8.mp4", ByteRange{}, "video 8 2s+1s"},
		{"/8.mp4", ByteRange{First: 100, Length: 120}, "video 8.1 2.5s+500ms"},
		{"/9.0.mp4", ByteRange{}, "video 9.0 3s+500ms"},
		{"/9.1.mp4", ByteRange{}, "video 9.1 3.5s+400ms"},
		{"/9.2.mp4", ByteRange{}, "video 9.2 3.9s+500ms"},
	} {
		if got := where(m.Locate(c.target, c.r)); got != c.want {
			t.Errorf("%s: %s, want %s", c.target, got, c.want)
		}
	}
	ref, _ := m.Locate("/8.mp4", ByteRange{First: 100, Length: 120})
	if got, want := objects(m.Next(ref, 9)), "9:/9.0.mp4 9:/9.1.mp4 9:/9.2.mp4"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	growing := parsed(t, site(t, "http://o.example", "/m.m3u8"), "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"f.mp4\",BYTERANGE=\"10@0\"\n#EXT-X-PART:DURATION=1,URI=\"f.mp4\",BYTERANGE=\"10\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"f.mp4\",BYTERANGE-START=20\n")
	if got := where(growing.Locate("/f.mp4", ByteRange{First: 10, Length: 10})); got != "video 0.1 1s+1s" {
		t.Error(got)
	}
	if got := where(growing.Locate("/f.mp4", ByteRange{First: 20, Length: 10})); got != "video 0.2 2s+0s" {
		t.Error(got)
	}
}

// A file of which a live playlist lists ranges may be longer than a copy of it.
func TestFilesThatGrowAreKnown(t *testing.T) {
	s := site(t, "http://o.example", "/m.m3u8")
	parts := "#EXTM3U\n#EXTINF:2,\n7.mp4\n#EXT-X-PART:DURATION=1,URI=\"f.mp4\",BYTERANGE=\"10@0\"\n#EXT-X-PART:DURATION=1,URI=\"f.mp4\",BYTERANGE=\"15\"\n"
	for _, c := range []struct {
		body, target string
		listed       int64
		grows        bool
	}{
		{parts, "/f.mp4", 25, true},
		{parts + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"f.mp4\",BYTERANGE-START=25\n", "/f.mp4", 25, true},
		{parts + "#EXTINF:2,\nf.mp4\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"g.mp4\"\n", "/f.mp4", 25, true},
		{parts + "#EXTINF:2,\nf.mp4\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"g.mp4\"\n", "/g.mp4", 0, true},
		{parts, "/7.mp4", 0, false},
		{parts, "/other.mp4", 0, false},
		{parts + "#EXT-X-ENDLIST\n", "/f.mp4", 0, false},
		{"#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"1.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.mp4\"\n", "/2.mp4", 0, false},
		{"#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"1.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.mp4\"\n", "/1.mp4", 0, false},
		{"#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@0\nall.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:50\nall.mp4\n", "/all.mp4", 150, true},
	} {
		if listed, grows := parsed(t, s, c.body).Grows(c.target); listed != c.listed || grows != c.grows {
			t.Errorf("%s of\n%s%d bytes are listed, %v", c.target, c.body, listed, grows)
		}
	}
}

func TestMultivariantPlaylistSaysWhatTracksAre(t *testing.T) {
	m := parsed(t, site(t, "http://o.example", "/a/top.m3u8"), `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="en",URI="sub.m3u8?x=1"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="en",INSTREAM-ID="CC1"
#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="v",NAME="angle",URI="angle.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f,mp4a.40.2"
v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.2,ec-3"
sound.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.2",RESOLUTION=640x360
odd.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1
en.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1
http://far.example/x.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"
`)
	want := []Child{
		{Target: "/a/en.m3u8", Kind: track.Audio},
		{Target: "/a/sub.m3u8?x=1", Kind: track.Subtitles},
		{Target: "/a/angle.m3u8", Kind: track.Video},
		{Target: "/a/v.m3u8", Kind: track.Video},
		{Target: "/a/sound.m3u8", Kind: track.Audio},
		{Target: "/a/odd.m3u8", Kind: track.Video},
		{Target: "/a/i.m3u8", Kind: track.Other},
	}
	if got := m.Children(); m.Kind() != Multivariant || m.Live() || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", m.Kind(), got)
	}
	for _, c := range want {
		if kind, ok := m.Child(c.Target); !ok || kind != c.Kind {
			t.Errorf("%s: %v, %v", c.Target, kind, ok)
		}
	}
	if _, ok := m.Child("/a/sub.m3u8"); ok {
		t.Error("a child by half its name")
	}
}

func TestMalformedPlaylistIsToldWithItsLine(t *testing.T) {
	s := site(t, "http://o.example", "/m.m3u8")
	for body, want := range map[string]string{
		"#EXTM3U\n#EXTINF:x,\na":                                   "line 2: no duration",
		"#EXTM3U\n#EXTINF:-1,\na":                                  "line 2",
		"#EXTM3U\n#EXTINF:NaN,\na":                                 "line 2",
		"#EXTM3U\n#EXTINF:99999999999999,\na":                      "line 2",
		"#EXTM3U\n\na.ts":                                          "line 3: a URI without",
		"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-4\n":                      "line 2",
		"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999":      "no whole number",
		"#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:x\na":               "line 3: no byte range",
		"#EXTM3U\n#EXTINF:1,\na\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n": "line 4",
		"#EXTM3U\n#EXTINF:1,\na":                                   "<nil>",
	} {
		m := parsed(t, s, body)
		if got := fmt.Sprint(m.Flaw()); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
	broken := parsed(t, s, fmt.Sprintf("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXTINF:1,\n/a.ts\n", uint64(math.MaxUint64)))
	if _, ok := broken.Locate("/a.ts", ByteRange{}); ok || edited(broken) == string(broken.draft.Body) {
		t.Error("a number out of bounds has a position, or its URI was not led")
	}
}
