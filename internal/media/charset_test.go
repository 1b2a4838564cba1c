package media

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// wideForms are the ways in which a text comes in UTF-16.
var wideForms = map[string]struct {
	order binary.AppendByteOrder
	mark  string
}{
	"little endian":              {binary.LittleEndian, "\xff\xfe"},
	"big endian":                 {binary.BigEndian, "\xfe\xff"},
	"little endian without mark": {binary.LittleEndian, ""},
	"big endian without mark":    {binary.BigEndian, ""},
}

func inUTF16(order binary.AppendByteOrder, mark, text string) []byte {
	out := []byte(mark)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func TestManifestInUTF16IsLedAsUTF8(t *testing.T) {
	for name, w := range wideForms {
		for _, c := range []struct {
			kind            Kind
			in, want, known string
		}{
			{
				MPD,
				`<?xml version="1.0" encoding="UTF-16" standalone='yes'?>` + "\n" + `<MPD><!-- 映画 🎬 --><BaseURL>http://o.example/é/</BaseURL><Period><AdaptationSet><SegmentTemplate duration="2" startNumber="5" media="$Number$.m4s"/><Representation/></AdaptationSet></Period></MPD>`,
				`<?xml version="1.0" encoding="UTF-8" standalone='yes'?>` + "\n" + `<MPD><!-- 映画 🎬 --><BaseURL>[P]/%C3%A9/</BaseURL><Period><AdaptationSet><SegmentTemplate duration="2" startNumber="5" media="$Number$.m4s"/><Representation/></AdaptationSet></Period></MPD>`,
				"/%C3%A9/5.m4s",
			},
			{MPD, `<?xml version='1.0' encoding='UCS2'?><MPD/>`, `<?xml version='1.0' encoding='UTF-8'?><MPD/>`, ""},
			{MPD, `<?xml version='1.0'?><MPD encoding="UTF-16"/>`, `<?xml version='1.0'?><MPD encoding="UTF-16"/>`, ""},
			{MPD, `<MPD><Location>/m.mpd</Location></MPD>`, `<MPD><Location>[P]/m.mpd</Location></MPD>`, ""},
			{MediaPlaylist, "#EXTM3U\r\n#EXTINF:2,映画 🎬\r\n/é/1.ts\r\n", "#EXTM3U\r\n#EXTINF:2,映画 🎬\r\n[P]/%C3%A9/1.ts\r\n", "/%C3%A9/1.ts"},
			{Multivariant, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/v\n", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n[P]/v\n", ""},
			{Companion, `{"ASSETS":[{"URI":"/x"}]}`, `{"ASSETS":[{"URI":"[P]/x"}]}`, ""},
		} {
			body := inUTF16(w.order, w.mark, c.in)
			m := parsed(t, site(t, "http://o.example", "/a/m"), string(body))
			if got := edited(m); got != c.want || m.Kind() != c.kind || !m.Recoded() || m.Flaw() != nil {
				t.Errorf("%s: %v, %v, %q", name, m.Kind(), m.Flaw(), got)
			}
			if _, ok := m.Locate(c.known, ByteRange{}); ok != (c.known != "") {
				t.Errorf("%s: %s is known: %v", name, c.known, ok)
			}
			if n := int64(len(m.Edits().Append(nil, m.Body(), "[P]"))); n != m.Edits().Size("[P]") {
				t.Errorf("%s: %d bytes, %d announced", name, n, m.Edits().Size("[P]"))
			}
			// It is known as soon as its first characters are.
			for n := range body {
				if Sniff(body[:n]) == Other && !Undecided(body[:n]) {
					t.Errorf("%s: taken for none after %d bytes of %q", name, n, c.in)
				}
				if Sniff(body[:n]) != Other {
					break
				}
			}
		}
	}
	if m := parsed(t, site(t, "http://o.example", "/a/m"), "\xef\xbb\xbf<MPD/>"); m.Recoded() || edited(m) != "\xef\xbb\xbf<MPD/>" {
		t.Error("what is UTF-8 was changed")
	}
}

// What is malformed is passed over, and nothing is taken for UTF-16 that is not.
func TestMalformedUTF16(t *testing.T) {
	const head = "\xff\xfe#\x00E\x00X\x00T\x00M\x003\x00U\x00\n\x00"
	for in, want := range map[string]string{
		head + "/":                         "#EXTM3U\n",
		head + "/\x00x":                    "#EXTM3U\n/",
		head + "\x3d\xd8":                  "#EXTM3U\n",
		head + "\x3d\xd8/\x00":             "#EXTM3U\n\uFFFD/",
		head + "\x00\xdc\x00\xdc/\x00":     "#EXTM3U\n\uFFFD\uFFFD/",
		head + "\x3d\xd8\x3d\xd8\x00\xde#": "#EXTM3U\n\uFFFD\U0001f600",
	} {
		if got, recoded := UTF8([]byte(in)); string(got) != want || !recoded {
			t.Errorf("%q is %q", in, got)
		}
	}
	for _, in := range []string{"", "\xff\xfe", "\xff\xfe\x00\x00<\x00\x00\x00", "\x00\x00\x00\x18ftyp", "<MPD/>", "G\x40\x00\x10\x00", "<\x00", "\x00<\x00\x80", "<\x00M\x80"} {
		if got, recoded := UTF8([]byte(in)); string(got) != in || recoded {
			t.Errorf("%q is %q", in, got)
		}
	}
	for in, want := range map[string]bool{"\xff": true, "\xfe\xff\x00": true, "<\x00M": true, "\x00<": true, "\x00\x00": false, "\x00\x00\x00\x18ftyp": false, "\xff\xd8\xff": false, "\xfe\xff\x00x\x00y": false, "x": false} {
		if got := Undecided([]byte(in)); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
	s := site(t, "http://o.example", "/m")
	s.Limit = int64(len(head)) + 100 // 150 bytes in UTF-8
	if _, err := Parse([]byte(head+strings.Repeat("\x2d\x4e", 50)), s); err == nil {
		t.Error("more than the limit was read")
	}
}

func TestTypeNamesTheEncodingThatItHas(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"application/dash+xml":                 "application/dash+xml",
		"application/dash+xml; charset=UTF-16": "application/dash+xml; charset=utf-8",
		"text/xml;charset=\"utf-16le\"; a=b":   "text/xml;charset=utf-8; a=b",
		"text/xml; a=utf-16 ;Charset=utf-16BE": "text/xml; a=utf-16 ;Charset=utf-8",
		"text/plain; charset=iso-8859-16":      "text/plain; charset=iso-8859-16",
	} {
		if got := TypeOfUTF8(in); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}
