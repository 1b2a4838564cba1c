package media

import (
	"strings"
	"testing"
)

// A URI that leads to us goes out without bytes that no request's target may hold: some players
// send them as they stand in a manifest. All else is as it was.
func TestURIsGoOutInASCII(t *testing.T) {
	const cyrillic, list = "%D0%BA", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
	mpd := func(inner string) string {
		return `<MPD><Period><AdaptationSet>` + inner + `</AdaptationSet></Period></MPD>`
	}
	for _, c := range []struct{ target, in, out string }{
		{"/v/m.m3u8", list + "#EXTINF:4,к к\nк 1.ts?q=к#к\n", list + "#EXTINF:4,к к\n" + cyrillic + "%201.ts?q=" + cyrillic + "#" + cyrillic + "\n"},
		{"/v/m.m3u8", list + "# к\n  к.ts \t\r\n", list + "# к\n  " + cyrillic + ".ts \t\r\n"},
		{"/v/m.m3u8", list + "caf\xe9.ts\n", list + "caf%E9.ts\n"},
		{"/v/m.m3u8", list + "a.ts\n/к/к.ts\n../../к.ts\nhttp://o.example/к.ts\n", list + "a.ts\n/s/T/" + cyrillic + "/" + cyrillic + ".ts\n/s/T/" + cyrillic + ".ts\n/s/T/" + cyrillic + ".ts\n"},
		{"/v/m.m3u8", list + "http://cdn.example/к 1.ts\ndata:text/plain,к к\n", list + "http://cdn.example/к 1.ts\ndata:text/plain,к к\n"},
		{"/v/m.m3u8", list + "#EXT-X-MAP:URI=\"к i.mp4\",X=\"к\"\n1.m4s\n", list + "#EXT-X-MAP:URI=\"" + cyrillic + "%20i.mp4\",X=\"к\"\n1.m4s\n"},
		{"/v/m.m3u8", list + "#EXT-X-DEFINE:NAME=\"x\",VALUE=\"y\"\nк/{$x}.ts\n/к/{$x}.ts\n", list + "#EXT-X-DEFINE:NAME=\"x\",VALUE=\"y\"\n" + cyrillic + "/{$x}.ts\n/s/T/" + cyrillic + "/{$x}.ts\n"},
		{"/v/m.mpd", mpd(`<BaseURL> к 1/ </BaseURL><SegmentTemplate media="к$Number$.m4s" initialization="/к к.mp4"/>`), mpd(`<BaseURL> ` + cyrillic + `%201/ </BaseURL><SegmentTemplate media="` + cyrillic + `$Number$.m4s" initialization="/s/T/` + cyrillic + "%20" + cyrillic + `.mp4"/>`)},
		{"/v/m.mpd", mpd(`<BaseURL><![CDATA[ /к 1/ ]]></BaseURL>`), mpd(`<BaseURL><![CDATA[ /s/T/` + cyrillic + `%201/ ]]></BaseURL>`)},
		{"/v/m.mpd", mpd(`<SegmentTemplate media="&#x43a;к&amp;$Time$"/>`), mpd(`<SegmentTemplate media="` + cyrillic + cyrillic + `&amp;$Time$"/>`)},
		{"/v/m.mpd", mpd(`<SegmentTemplate media="/&#1082;/$Time$"/>`), mpd(`<SegmentTemplate media="/s/T/` + cyrillic + `/$Time$"/>`)},
		{"/v/m.mpd", mpd(`<BaseURL>http://cdn.example/к 1/</BaseURL><SegmentTemplate media="к$Number$.m4s"/>`), mpd(`<BaseURL>http://cdn.example/к 1/</BaseURL><SegmentTemplate media="к$Number$.m4s"/>`)},
		{"/v/m.mpd", `<?xml version="1.0" encoding="ISO-8859-1"?>` + mpd("<BaseURL>/\xc3\xa9/</BaseURL>"), `<?xml version="1.0" encoding="ISO-8859-1"?>` + mpd("<BaseURL>/s/T/\xc3\xa9/</BaseURL>")},
		{"/v/m.mpd", `<?xml version="1.0" encoding="utf-8"?>` + mpd(`<!-- к --><BaseURL>к/</BaseURL><ProgramInformation>к</ProgramInformation>`), `<?xml version="1.0" encoding="utf-8"?>` + mpd(`<!-- к --><BaseURL>`+cyrillic+`/</BaseURL><ProgramInformation>к</ProgramInformation>`)},
		{"/v/a.json", `{"ASSETS":[{"URI":"/к 1.m3u8","NAME":"к"}]}`, `{"ASSETS":[{"URI":"/s/T/` + cyrillic + `%201.m3u8","NAME":"к"}]}`},
	} {
		m := parsed(t, site(t, "http://o.example", c.target), c.in)
		if out := string(m.Edits().Append(nil, m.Body(), "/s/T")); out != c.out {
			t.Errorf("%s became\n%s, want\n%s", c.in, out, c.out)
		}
		if escaped := strings.Count(c.in, "%") != strings.Count(c.out, "%"); m.Edits().Escapes() > 0 != escaped || strings.HasPrefix(m.Mark(), "e") != escaped {
			t.Errorf("%s: %d, mark %s", c.in, m.Edits().Escapes(), m.Mark())
		}
	}
}

// Such a segment has its place whichever way a player asks for it.
func TestEscapedSegmentsAreFound(t *testing.T) {
	for target, text := range map[string]string{
		"/v/m.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nк 1.ts\n#EXTINF:4,\nк 2.ts\n",
		"/v/m.mpd":  `<MPD mediaPresentationDuration="PT60S"><Period><AdaptationSet><SegmentTemplate media="к $Number$.ts" duration="4"/><Representation id="v"/></AdaptationSet></Period></MPD>`,
	} {
		m := parsed(t, site(t, "http://o.example", target), text)
		if ref, ok := m.Locate("/v/%D0%BA%202.ts", ByteRange{}); !ok || ref.Sequence != 1 && ref.Sequence != 2 {
			t.Errorf("%s: %+v, %v", target, ref, ok)
		}
	}
}

func TestEscapesCostWhatTheyAreLong(t *testing.T) {
	representation := func(inner string) string {
		return "<MPD><Period><AdaptationSet><Representation>" + inner + "</Representation></AdaptationSet></Period></MPD>"
	}
	for name, body := range map[string]string{
		"odd names":      lines(300_000, "\u043a%.0s\n"),
		"odd bytes":      "#EXTM3U\n" + strings.Repeat("\xe9a", 1<<19) + "\n",
		"spaces":         "#EXTM3U\n" + strings.Repeat("a ", 1<<19) + "b\n",
		"odd templates":  representation(strings.Repeat(`<SegmentTemplate media="\u043a"/>`, 100_000)),
		"odd BaseURLs":   "<MPD>" + strings.Repeat("<BaseURL>\u043a</BaseURL>", 100_000) + "</MPD>",
		"odd references": "<MPD>" + strings.Repeat("<BaseURL>&#x43a;x</BaseURL>", 100_000) + "</MPD>",
		"odd assets":     `{"ASSETS":[` + strings.Repeat(`{"URI":"\u043a"},`, 100_000),
	} {
		costs(t, name, body)
	}
}

// Pictures and guides of a list of channels stay whole URLs, and count where they name the origin.
func TestListsOfChannelsAreCounted(t *testing.T) {
	const list = "#EXTM3U url-tvg=\"http://o.example/epg.xml\" x-tvg-url=\"http://other.example/e.xml\"\n#EXTINF:-1 tvg-id=\"http\" tvg-logo=\"http://o.example/1.png\" group-title=\"a,b\",One=\"1\"\n" +
		"#EXTVLCOPT:http-referrer=http://o.example/\nhttp://o.example/live/1.ts\n#EXTINF:-1,Two\n#KODIPROP:x=http://o.example/\nhttp://other.example/2.ts\n"
	m := parsed(t, site(t, "http://o.example", "/list.m3u"), list)
	want := strings.Replace(list, "http://o.example/live/1.ts", "./live/1.ts", 1)
	if out := string(m.Edits().Append(nil, m.Body(), m.Up())); out != want || m.Left() != 3 || m.Foreign() != 1 {
		t.Errorf("%d left, %d foreign: %s", m.Left(), m.Foreign(), out)
	}
	if ref, ok := m.Locate("/live/1.ts", ByteRange{}); !ok || ref.Sequence != 0 {
		t.Errorf("%+v, %v", ref, ok)
	}
}
