package media

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// offered is what the entries of these tests tell players.
func offered(at string) *Offer {
	return &Offer{
		At: at, Server: "/s/TOK", First: "e1",
		Edges:  []Pathway{{ID: "e1", Base: "https://e1.example"}, {ID: "e2", Base: "https://e2.example:8443"}},
		Fronts: []Pathway{{ID: "front-1", Base: "https://lb1.example"}, {ID: "front-2", Base: "https://lb2.example"}},
	}
}

func TestMultivariantPlaylistOffersEveryVariantAtEveryEdge(t *testing.T) {
	const in = "#EXTM3U\n#EXT-X-VERSION:7\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,URI=\",NAME=\"n\",URI=\"a/1.m3u8?x=1\"\n" +
		"#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"n\",INSTREAM-ID=\"CC1\"\r\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a,URI=\",CLOSED-CAPTIONS=\"cc\"\r\n# a remark\n\nv/1.m3u8\r\n" +
		"#EXT-X-STREAM-INF:AUDIO=\"a,URI=\",BANDWIDTH=2\n/s/TOK/v2.m3u8\n" +
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"../i.m3u8\""
	of := func(id, base string) string {
		return "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,URI=." + id + "\",NAME=\"n\",URI=\"" + base + "/s/TOK/f/a/1.m3u8?x=1\"\n" +
			"#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a,URI=." + id + "\",CLOSED-CAPTIONS=\"cc\",PATHWAY-ID=\"" + id + "\"\n" + base + "/s/TOK/f/v/1.m3u8\n" +
			"#EXT-X-STREAM-INF:AUDIO=\"a,URI=." + id + "\",BANDWIDTH=2,PATHWAY-ID=\"" + id + "\"\n" + base + "/s/TOK/v2.m3u8\n" +
			"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"" + base + "/s/TOK/f/../i.m3u8\",PATHWAY-ID=\"" + id + "\"\n"
	}
	want := strings.Replace(in, "#EXTM3U\n", "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s/TOK\",PATHWAY-ID=\"e1\"\n", 1) + "\n" +
		of("e1", "https://e1.example") + of("e2", "https://e2.example:8443")
	got, ok := Steer([]byte(in), offered("/s/TOK/f/m.m3u8?k=a/b"))
	if !ok || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", ok, got, want)
	}
}

func TestMPDOffersItsBaseAtEveryEdge(t *testing.T) {
	const ways = `<BaseURL serviceLocation="e1">https://e1.example/s/TOK/f/</BaseURL>` + "\n" +
		`<BaseURL serviceLocation="e2">https://e2.example:8443/s/TOK/f/</BaseURL>` + "\n" +
		`<BaseURL serviceLocation="front-1">https://lb1.example/s/TOK/f/</BaseURL>` + "\n" +
		`<BaseURL serviceLocation="front-2">https://lb2.example/s/TOK/f/</BaseURL>` + "\n"
	const steering = `<ContentSteering defaultServiceLocation="e1" queryBeforeStart="false">https://lb1.example/s/TOK</ContentSteering>` + "\n"
	const again = `<Location serviceLocation="front-1">https://lb1.example/s/TOK/f/m.mpd?a=1&amp;b=2</Location>` + "\n" +
		`<Location serviceLocation="front-2">https://lb2.example/s/TOK/f/m.mpd?a=1&amp;b=2</Location>` + "\n"
	for _, c := range []struct{ in, want string }{
		{`<?xml version="1.0"?><!-- <Period> --><MPD type="static"><Period/></MPD>`, `<?xml version="1.0"?><!-- <Period> --><MPD type="static">` + ways + steering + `<Period/></MPD>`},
		{
			`<MPD type="dynamic"><ProgramInformation><Title>t</Title></ProgramInformation><UTCTiming value="x"/><Period/></MPD>`,
			`<MPD type="dynamic"><ProgramInformation><Title>t</Title></ProgramInformation>` + ways + again + steering + `<UTCTiming value="x"/><Period/></MPD>`,
		},
		{
			`<m:MPD xmlns:m="u"><m:BaseURL byteRange='$base$?x' serviceLocations="no"> v/ </m:BaseURL><m:Period/></m:MPD>`,
			`<m:MPD xmlns:m="u">` + strings.NewReplacer("/f/</", "/f/v/</m:", "<BaseURL ", "<m:BaseURL ", `">`, `" byteRange='$base$?x' serviceLocations="no">`).Replace(ways) +
				strings.NewReplacer("<C", "<m:C", "</C", "</m:C").Replace(steering) + `<m:Period/></m:MPD>`,
		},
		{
			`<MPD type="dynamic"><Location>/s/TOK/g/n.mpd?a&amp;b</Location><Period/></MPD>`,
			`<MPD type="dynamic">` + ways + strings.ReplaceAll(again, "/f/m.mpd?a=1&amp;b=2", "/g/n.mpd?a&amp;b") + steering + `<Period/></MPD>`,
		},
		{
			`<MPD type="dynamic"><Location>https://other.example/n.mpd</Location><Period/></MPD>`,
			`<MPD type="dynamic">` + ways + steering + `<Location>https://other.example/n.mpd</Location><Period/></MPD>`,
		},
	} {
		got, ok := Steer([]byte(c.in), offered("/s/TOK/f/m.mpd?a=1&b=2"))
		if !ok || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.in, ok, got, c.want)
		}
	}
}

// Who steers already, offers places, or leads elsewhere is left alone.
func TestEntryThatCannotBeOfferedElsewhereStaysAsItIs(t *testing.T) {
	const variant = "#EXT-X-STREAM-INF:BANDWIDTH=1\n"
	for _, in := range []string{
		"#EXTM3U\n#EXTINF:1,\n1.ts\n",
		"#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s\"\n" + variant + "v.m3u8\n",
		"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"x\"\nv.m3u8\n",
		"#EXTM3U\n" + variant + "https://other.example/v.m3u8\n",
		"#EXTM3U\n" + variant + "//other.example/v.m3u8\n",
		"#EXTM3U\n" + variant + "{$where}/v.m3u8\n",
		"#EXTM3U\n" + variant,
		"#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"http://other.example/a.m3u8\"\n" + variant + "v.m3u8\n",
		`<MPD><ContentSteering>/s</ContentSteering><Period/></MPD>`,
		`<MPD><ServiceDescription><ContentSteering>/s</ContentSteering></ServiceDescription><Period/></MPD>`,
		`<MPD><BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><Period/></MPD>`,
		`<MPD><BaseURL serviceLocation="a">a/</BaseURL><Period/></MPD>`,
		`<MPD><BaseURL>https://other.example/</BaseURL><Period/></MPD>`,
		`<MPD><BaseURL>&#104;ttps://other.example/</BaseURL><Period/></MPD>`,
		`<MPD><BaseURL><![CDATA[a/]]></BaseURL><Period/></MPD>`,
		`<MPD><Location>a</Location><Location>b</Location><Period/></MPD>`,
		`<MPD/>`, `<MPD>`, `<Period/>`, `<Patch><Period/></Patch>`, `{"VERSION":1}`, "",
	} {
		if got, ok := Steer([]byte(in), offered("/s/TOK/m")); ok {
			t.Errorf("%q became\n%s", in, got)
		}
	}
	whole := "#EXTM3U\n" + variant + "v.m3u8\n"
	for _, at := range []string{"/s/TOK/a\"b.m3u8", "/s/TOK/a\nb.m3u8", "/s/TOK/<.m3u8", "m.m3u8"} {
		if _, ok := Steer([]byte(whole), offered(at)); ok {
			t.Errorf("%q was written into a playlist", at)
		}
	}
	many := "#EXTM3U\n" + strings.Repeat(variant+"v\n", 2000)
	if _, ok := Steer([]byte(many), offered("/s/TOK/m")); !ok {
		t.Error("two thousand variants were left alone")
	}
	if out, ok := Steer([]byte(many), offered("/s/TOK/"+strings.Repeat("a", 8000))); ok {
		t.Errorf("two thousand variants and a long address became %d bytes", len(out))
	}
	nowhere := offered("/s/TOK/m.mpd")
	nowhere.Fronts = nil
	if _, ok := Steer([]byte("<MPD><Period/></MPD>"), nowhere); ok {
		t.Error("an MPD was told to ask a page where to fetch from")
	}
	if _, ok := Steer([]byte(whole), nowhere); !ok {
		t.Error("a playlist needs no address for that")
	}
	if _, ok := Steer([]byte(whole), &Offer{At: "/s/TOK/m.m3u8", Server: "/s/TOK", First: "."}); ok {
		t.Error("nothing was offered")
	}
}

func TestSteeringListHoldsEveryWay(t *testing.T) {
	o := offered("/")
	for _, c := range []struct {
		good   int
		detour bool
		want   string
	}{
		{2, false, `["e1","e2",".","front-1","front-2"]`},
		{1, false, `["e1",".","front-1","front-2","e2"]`},
		{0, false, `[".","front-1","front-2","e1","e2"]`},
		{2, true, `[".","front-1","front-2","e1","e2"]`},
	} {
		text, err := json.Marshal(SteeringList(o, c.good, c.detour, 5))
		if want := `{"VERSION":1,"TTL":5,"PATHWAY-PRIORITY":` + c.want + `}`; err != nil || string(text) != want {
			t.Errorf("%s, want %s (%v)", text, want, err)
		}
	}
	for name, want := range map[string]string{"edge-1.a_B": "edge-1.a_B", ".": "x-2e", "é": "x-c3a9", "front-1": "x-66726f6e742d31"} {
		if got := PathwayID(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// Whatever is malformed: no panic, what there was is still there, and what is steered is not
// steered again.
func FuzzSteer(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8"))
	f.Add([]byte(`<MPD type="dynamic"><BaseURL>a/</BaseURL><Location>b</Location><Period/></MPD>`))
	f.Add([]byte(`<MPD><ProgramInformation><a/><b></ProgramInformation><Period></MPD>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		o := offered("/s/TOK/f/m")
		out, ok := Steer(in, o)
		if !ok {
			return
		}
		if len(out) > 6*len(in)+4096 || len(out) <= len(in)-len("<BaseURL></BaseURL>") {
			t.Errorf("%d bytes became %d", len(in), len(out))
		}
		if Sniff(in) == MediaPlaylist && !bytes.Contains(out, in[bytes.IndexByte(in, '\n')+1:]) {
			t.Error("what there was is gone")
		}
		if _, again := Steer(out, o); again {
			t.Error("what is steered was steered again")
		}
	})
}
