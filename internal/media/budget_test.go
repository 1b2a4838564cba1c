package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// allocated is how many bytes f allocates, whatever of them is freed at once.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// Of a manifest no more than this is ever allocated beside its own bytes: what is
// allowed to a small one, and thrice its size.
func allowance(size int) int64 { return 1<<20 + 3*int64(size) }

// spend parses a manifest, asks it for positions, and tells what that cost.
func spend(t testing.TB, body []byte, targets ...string) (m *Manifest, bytes int64, took time.Duration) {
	t.Helper()
	begin := time.Now()
	bytes = allocated(func() {
		var err error
		if m, err = Parse(body, site(t, "http://o.example", "/a/m")); err != nil {
			t.Fatal(err)
		}
		for _, target := range targets {
			ref, _ := m.Locate(target, ByteRange{})
			_ = m.Next(ref, 2)
			_ = m.Upcoming(target)
		}
	})
	return m, bytes, time.Since(begin)
}

func lines(n int, form string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

func timeline(n int, s func(i int) string) string {
	var b strings.Builder
	b.WriteString(`<MPD type="static" mediaPresentationDuration="PT24H"><Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate timescale="90000" media="http://o.example/$Time$.m4s"><SegmentTimeline>`)
	for i := range n {
		b.WriteString(s(i))
	}
	b.WriteString(`</SegmentTimeline></SegmentTemplate><Representation id="v" bandwidth="1"/></AdaptationSet></Period></MPD>`)
	return b.String()
}

func TestNoManifestCostsMoreThanItIsLong(t *testing.T) {
	mpd := func(inner string) string {
		return "<MPD><Period><AdaptationSet>" + inner + "</AdaptationSet></Period></MPD>"
	}
	for name, body := range map[string]string{
		"24 h in 600 bytes":                `<MPD type="static" mediaPresentationDuration="PT24H"><Period><AdaptationSet><SegmentTemplate duration="2" media="$Number$.m4s"/><Representation id="v"/></AdaptationSet></Period></MPD>`,
		"1e9 repeats":                      timeline(1, func(int) string { return `<S d="1" r="1000000000"/>` }),
		"1e18 segments":                    `<MPD mediaPresentationDuration="P99999D"><Period><AdaptationSet><SegmentTemplate timescale="4000000000" duration="1" media="` + strings.Repeat("A", 15000) + `$Number$"/><Representation/></AdaptationSet></Period></MPD>`,
		"playlist of short lines":          lines(300_000, "#EXTINF:1,\n%.0sa\n"),
		"playlist of rooted lines":         lines(300_000, "/%d\n"),
		"playlist of shortest lines":       lines(1_000_000, "/%.0s\n"),
		"one file in pieces":               lines(100_000, "#EXTINF:1,\n#EXT-X-BYTERANGE:1\n%.0sa\n"),
		"parts":                            lines(100_000, "#EXT-X-PART:DURATION=1,URI=\"%d\"\n"),
		"gaps":                             lines(100_000, "#EXT-X-GAP\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\n%d\n"),
		"maps":                             lines(100_000, "#EXT-X-MAP:URI=\"%d\"\n"),
		"children":                         lines(100_000, "#EXT-X-STREAM-INF:\n%d\n"),
		"variables":                        lines(50_000, "#EXT-X-DEFINE:NAME=\"%d\",VALUE=\"http://o.example/x\"\n"),
		"variables in variables":           lines(3000, "#EXT-X-DEFINE:NAME=\"%[1]d\",VALUE=\"{$%[2]d}{$%[2]d}\"\n"),
		"no newline":                       "#EXTM3U\n" + strings.Repeat("#", 1<<20),
		"commas":                           "#EXTM3U\n#EXT-X-KEY:" + strings.Repeat(",", 1<<20),
		"attributes":                       "#EXTM3U\n#EXT-X-KEY:" + strings.Repeat("URI=/x,", 1<<17),
		"dots":                             "#EXTM3U\n" + strings.Repeat("../", 1<<19),
		"S that differ":                    timeline(300_000, func(i int) string { return fmt.Sprintf(`<S d="%d"/>`, 1+i%2) }),
		"S that are the same":              timeline(300_000, func(int) string { return `<S d="1"/>` }),
		"representations":                  mpd(strings.Repeat("<Representation/>", 100_000)),
		"sets":                             "<MPD><Period>" + strings.Repeat("<AdaptationSet/>", 100_000) + "</Period></MPD>",
		"periods":                          "<MPD>" + strings.Repeat("<Period/>", 200_000) + "</MPD>",
		"templates":                        mpd("<Representation>" + strings.Repeat(`<SegmentTemplate media="/"/>`, 100_000) + "</Representation>"),
		"representations that begin alike": mpd(`<SegmentTemplate media="$Number$"/>` + strings.Repeat("<Representation/>", 100_000)),
		"a long template for many":         mpd(`<SegmentTemplate media="` + strings.Repeat("x", 60_000) + `$Number$"/>` + strings.Repeat("<Representation/>", 50_000)),
		"URLs":                             mpd("<Representation><SegmentList>" + strings.Repeat(`<SegmentURL media="/"/>`, 100_000) + "</SegmentList></Representation>"),
		"a list for many":                  mpd("<SegmentList>" + strings.Repeat(`<SegmentURL media="1"/>`, 3000) + "</SegmentList>" + strings.Repeat("<Representation/>", 3000)),
		"BaseURLs":                         "<MPD>" + strings.Repeat("<BaseURL>/x/</BaseURL>", 100_000) + "</MPD>",
		"attributes of one tag":            "<MPD " + strings.Repeat(`a="b" `, 200_000) + "/>",
		"a depth of 100,000":               "<MPD>" + strings.Repeat("<Period><x>", 100_000) + "</MPD>",
		"a depth of events":                "<MPD><Period><EventStream>" + strings.Repeat("<Event>", 100_000),
		"what does not end":                "<MPD " + strings.Repeat("<", 1<<20),
		"quotes":                           "<MPD a=" + strings.Repeat(`"`, 1<<20),
		"a laugh":                          `<!DOCTYPE MPD [<!ENTITY a "` + strings.Repeat("ha", 1000) + `"><!ENTITY b "` + strings.Repeat("&a;", 1000) + `">]><MPD><BaseURL>` + strings.Repeat("&a;&b;", 5000) + "</BaseURL></MPD>",
		"entities":                         "<MPD>" + strings.Repeat("<BaseURL>&#47;x</BaseURL>", 50_000) + "</MPD>",
		"a long URI":                       "<MPD><BaseURL>" + strings.Repeat("/x", 1<<20) + "</BaseURL></MPD>",
		"assets":                           `{"ASSETS":[` + strings.Repeat(`{"URI":"/"},`, 200_000),
		"brackets":                         `{"ASSETS":` + strings.Repeat("[", 1<<20),
		"escapes":                          `{"ASSETS":[{"URI":"` + strings.Repeat(`\/`, 1<<19) + `"}]}`,
		"comments":                         "<MPD>" + strings.Repeat("<!---->", 200_000) + "</MPD>",
		"comments in a text":               "<MPD><BaseURL>" + strings.Repeat("<!---->", 200_000) + "</BaseURL></MPD>",
	} {
		costs(t, name, body)
	}
}

// costs tells what is wrong with what a manifest costs.
func costs(t *testing.T, name, body string) {
	t.Helper()
	m, used, took := spend(t, []byte(body), "/a/1", "/a/77", "/a/"+strings.Repeat("7", 8000))
	if used > allowance(len(body)) {
		t.Errorf("%s: %d bytes of manifest, %d bytes allocated", name, len(body), used)
	}
	if cost := m.Cost(); cost > 16<<10+2048+4*int64(len(body)) {
		t.Errorf("%s: %d bytes of manifest, %d kept", name, len(body), cost)
	}
	if took > 5*time.Second {
		t.Errorf("%s: %v", name, took)
	}
	t.Logf("%-34s %8d bytes, %8d allocated, %v", name, len(body), used, took.Round(time.Millisecond))
}

func TestViewerCostsNoCopyOfTheBody(t *testing.T) {
	body := bytes.Repeat([]byte("#EXTINF:2,\n/a/segment.ts\n"), 40_000)
	m, err := Parse(append([]byte("#EXTM3U\n"), body...), site(t, "http://o.example", "/a/m.m3u8"))
	if err != nil || m.Edits().Count() != 40_000 {
		t.Fatal(err, m.Edits().Count())
	}
	source := bytes.NewReader(m.draft.Body)
	used := testing.AllocsPerRun(5, func() {
		if _, err := m.Edits().Copy(io.Discard, source, "/s/TOKEN", 0, 1<<40); err != nil {
			t.Fatal(err)
		}
	})
	if used > 20 {
		t.Errorf("%v allocations a viewer", used)
	}
}

func TestManifestAboveTheLimitIsRefused(t *testing.T) {
	s := site(t, "http://o.example", "/m.m3u8")
	s.Limit = 100
	if _, err := Parse([]byte("#EXTM3U\n"+strings.Repeat("#", 92)), s); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte("#EXTM3U\n"+strings.Repeat("#", 93)), s); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	s.Limit = 0
	if _, err := Parse(append([]byte("#EXTM3U\n"), make([]byte, DefaultLimit)...), s); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	for _, body := range []string{"", "x", "<html><MPD/></html>", "#EXTM3", "#EXTM3Ux\n", "#EXTINF:1,\na", "{}"} {
		if _, err := Parse([]byte(body), s); !errors.Is(err, ErrNoManifest) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(liveList), "/a/s88.m4s", int64(0))
	f.Add([]byte("#EXTM3U\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"/c\"\n#EXT-X-PART:DURATION=1,URI=\"{$b}/../../8.mp4\",BYTERANGE=\"100@0\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"x\"\n"), "/8.mp4", int64(5))
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n//o.example/b\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"x\"\n"), "/b", int64(0))
	f.Add([]byte(`<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><BaseURL>a/</BaseURL><Period start="PT1S"><AdaptationSet><SegmentTemplate duration="2" media="$Number%05d$-$Time$"/><Representation id="v"/></AdaptationSet></Period></MPD>`), "/a/a/00005-8", int64(0))
	f.Add([]byte(`<MPD><Period duration="PT9S"><AdaptationSet><Representation><SegmentTemplate media="$Time$"><SegmentTimeline><S t="5" d="2" r="-1"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`), "/a/7", int64(0))
	f.Add([]byte(`<!DOCTYPE MPD [<!ENTITY o "http://o.example">]><MPD><BaseURL><![CDATA[/x/]]>&o;</BaseURL><Period><SegmentList><SegmentURL media="/1" mediaRange="3-9"/></SegmentList><Representation/></Period></MPD>`), "/1", int64(4))
	f.Add([]byte(`<MPD><Location>//0<SegmentTemplate media="/">`), "/", int64(0))
	f.Add([]byte("<MPD><Representation><SegmentTemplate media=\"$002\x00810\x0202\x0111708><81\""), "/", int64(228))
	f.Add([]byte("<MPD type=\"dynamic\"><BaseURL>X\x0162+\x02\x02/<AdaptationSet><SegmentTemplate media=\"X\"><Representation"), "/", int64(32))
	f.Add([]byte(`{"ASSETS":[{"URI":"http:\/\/o.example\/base\/x"},{"URI":"\u002fbase\ud83d\ude00"}],"PER-VARIANT-URIS":{"a":"/base/b"}}`), "/", int64(0))
	o := site(f, "http://o.example/base", "").Origin
	f.Fuzz(func(t *testing.T, body []byte, target string, first int64) {
		before := bytes.Clone(body)
		text, _ := UTF8(body)
		var m *Manifest
		var err error
		used := allocated(func() {
			if m, err = Parse(body, Site{Origin: o, Target: "/a/m"}); err != nil {
				return
			}
			ref, ok := m.Locate(target, ByteRange{First: max(first, 0), Length: 10})
			next := m.Next(ref, 3)
			if ok && !ref.Init && m.Kind() == MediaPlaylist && ref.Sequence < 0 {
				t.Errorf("%+v", ref)
			}
			for _, o := range next {
				if m.Kind() == MPD && o.Range.Whole() {
					if _, ok := m.Locate(o.Target, o.Range); !ok {
						t.Errorf("%q comes next and is not known", o.Target)
					}
				}
			}
			_ = m.Upcoming(target)
			_, _ = m.Child(target)
			_ = Compare(m, m)
		})
		if !bytes.Equal(body, before) {
			t.Fatal("the body was written to")
		}
		if limit := allowance(max(len(body), len(text))) + int64(len(target)*16+2*len(body)); used > limit {
			t.Fatalf("%d bytes, %d allocated", len(body), used)
		}
		if err != nil {
			return
		}
		body = m.Body()
		e := m.Edits()
		whole := e.Append(nil, body, "/s/T")
		if int64(len(whole)) != e.Size("/s/T") || e.Size("/s/T") > 8*int64(len(body))+1<<16 {
			t.Fatalf("%d bytes, %d announced, %d of body", len(whole), e.Size("/s/T"), len(body))
		}
		if e.Count() == 0 && !bytes.Equal(whole, body) {
			t.Fatal("changed without an edit")
		}
		var streamed bytes.Buffer
		if _, err := e.Copy(&streamed, bytes.NewReader(body), "/s/T", 0, e.Size("/s/T")); err != nil || !bytes.Equal(streamed.Bytes(), whole) {
			t.Fatalf("streamed otherwise: %v", err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, body := range map[string]string{
		"20 MB of S":              timeline(640_000, func(i int) string { return fmt.Sprintf(`<S t="%d" d="180000"/>`, i*180000) }),
		"20 MB of S that differ":  timeline(610_000, func(i int) string { return fmt.Sprintf(`<S t="%d" d="%d"/>`, i*180000, 180000+i%2) }),
		"100,000 lines, rooted":   lines(50_000, "#EXTINF:2.000,\n/c31/seg_%06d.m4s\n"),
		"100,000 lines, relative": lines(50_000, "#EXTINF:2.000,\nseg_%06d.m4s\n"),
	} {
		b.Run(name, func(b *testing.B) {
			s := site(b, "http://o.example", "/c31/m")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse([]byte(body), s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+", first position", func(b *testing.B) {
			s := site(b, "http://o.example", "/c31/m")
			for b.Loop() {
				m, _ := Parse([]byte(body), s)
				if _, ok := m.Locate("/c31/seg_000007.m4s", ByteRange{}); ok != strings.Contains(name, "lines") {
					b.Fatal(ok)
				}
			}
		})
	}
}

func BenchmarkLocate(b *testing.B) {
	for name, c := range map[string]struct{ body, target string }{
		"playlist": {lines(50_000, "#EXTINF:2.000,\nseg_%06d.m4s\n"), "/c31/seg_012345.m4s"},
		"timeline": {timeline(610_000, func(i int) string { return fmt.Sprintf(`<S t="%d" d="%d"/>`, i*180000, 180000+i%2) }), "/2160000000.m4s"},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := Parse([]byte(c.body), site(b, "http://o.example", "/c31/m"))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := m.Locate(c.target, ByteRange{}); !ok {
					b.Fatal("unknown")
				}
			}
		})
	}
}

func BenchmarkCopy(b *testing.B) {
	for _, n := range []int{250, 5000, 50_000} {
		body := []byte(lines(n, "#EXTINF:2.000,\n/c31/seg_%06d.m4s\n"))
		b.Run(fmt.Sprintf("%d edits, %d kB", n, len(body)/1000), func(b *testing.B) {
			m, err := Parse(body, site(b, "http://o.example", "/c31/m"))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Edits().Copy(io.Discard, Memory(body), "/s/0123456789012345678901234567890123456789", 0, 1<<40); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
