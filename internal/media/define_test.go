package media

import (
	"strings"
	"testing"
)

func TestVariablesAreLedIntoTheSession(t *testing.T) {
	s := site(t, "http://o.example", "/a/m.m3u8?auth=t%2F0&base=http://o.example/q")
	s.Import = func(name string) (Variable, bool) {
		v, ok := map[string]Variable{"in": {Value: "http://o.example/in"}, "moved": {Value: "http://o.example", Moved: true}, "rooted": {Value: "/c", Moved: true}, "dir": {Value: "/dir"}}[name]
		return v, ok
	}
	for _, c := range []struct{ in, want string }{
		// One that begins all URIs it is used in gets the prefix where it is defined.
		{`NAME="b",VALUE="http://o.example/c"|{$b}/1.ts`, `NAME="b",VALUE="[P]/c"|{$b}/1.ts`},
		{`NAME="b",VALUE="/c"|{$b}/1.ts`, `NAME="b",VALUE="[P]/c"|{$b}/1.ts`},
		{`NAME="b",VALUE="//o.example"|{$b}/1.ts`, `NAME="b",VALUE="[P]"|{$b}/1.ts`},
		{`NAME="b",VALUE="http://o.example"|#EXT-X-MEDIA:TYPE=AUDIO,URI="{$b}/a.m3u8"|{$b}/1.ts`, `NAME="b",VALUE="[P]"|#EXT-X-MEDIA:TYPE=AUDIO,URI="{$b}/a.m3u8"|{$b}/1.ts`},
		{`NAME="b",VALUE="http://o.example/"|{$b}1.ts`, `NAME="b",VALUE="[P]/"|{$b}1.ts`},
		{`NAME="b",VALUE="http://o.example"|1.ts`, `NAME="b",VALUE="[P]"|1.ts`},
		{`NAME="b",VALUE="http://o.example"|{$b}/1.ts|{$b}?x=1|{$b}`, `NAME="b",VALUE="http://o.example"|[P]/1.ts|[P]/?x=1|[P]/`},
		{`NAME="b",VALUE="http://o.example"|{$b}.far.example/1.ts`, ``},
		{`NAME="b",VALUE="http://o.example"|{$b}:80/1.ts`, `NAME="b",VALUE="http://o.example"|[P]/1.ts`},
		{`NAME="b",VALUE="http://o.example/c"|1.ts`, `NAME="b",VALUE="[P]/c"|1.ts`},
		{`NAME="b",VALUE="/c"|1.ts`, `NAME="b",VALUE="[P]/c"|1.ts`},
		{`NAME="a",VALUE="http://o.example"|#EXT-X-DEFINE:NAME="b",VALUE="{$a}/x"|{$b}/1.ts|{$a}/2.ts`, `NAME="a",VALUE="[P]"|#EXT-X-DEFINE:NAME="b",VALUE="{$a}/x"|{$b}/1.ts|{$a}/2.ts`},
		// One that is used otherwise stays, and its places get it.
		{`NAME="b",VALUE="http://o.example/c"|{$b}/1.ts?return={$b}`, `NAME="b",VALUE="http://o.example/c"|[P]/c/1.ts?return={$b}`},
		{`NAME="h",VALUE="http://o.example"|#EXT-X-DEFINE:NAME="p",VALUE="/v/"|{$h}{$p}1.ts`, `NAME="h",VALUE="http://o.example"|#EXT-X-DEFINE:NAME="p",VALUE="/v/"|[P]{$p}1.ts`},
		{`NAME="p",VALUE="/v/"|#EXT-X-DEFINE:NAME="h",VALUE="http://far.example"|1.ts`, ``},
		{`NAME="up",VALUE="../.."|{$up}/x/1.ts`, `NAME="up",VALUE="../.."|[P]/x/1.ts`},
		{`NAME="s",VALUE="http"|{$s}://o.example/1.ts`, `NAME="s",VALUE="http"|[P]/1.ts`},
		{`NAME="n",VALUE="o.example"|http://{$n}/1.ts|//{$n}/2.ts`, `NAME="n",VALUE="o.example"|[P]/1.ts|[P]/2.ts`},
		{`NAME="e",VALUE=""|{$e}/1.ts`, `NAME="e",VALUE=""|[P]/1.ts`},
		{`NAME="e",VALUE=""|/{$e}1.ts`, `NAME="e",VALUE=""|[P]/{$e}1.ts`},
		{`NAME="n",VALUE="x"|a/{$n}.ts`, ``},
		{`NAME="n",VALUE="http://far.example/"|{$n}1.ts`, ``},
		// Of the query, and of the multivariant playlist.
		{`QUERYPARAM="auth"|1.ts?a={$auth}|/2.ts?a={$auth}`, `QUERYPARAM="auth"|1.ts?a={$auth}|[P]/2.ts?a={$auth}`},
		{`QUERYPARAM="base"|{$base}/1.ts`, `QUERYPARAM="base"|[P]/q/1.ts`},
		{`IMPORT="in"|{$in}/1.ts`, `IMPORT="in"|[P]/in/1.ts`},
		{`IMPORT="dir"|#EXT-X-KEY:METHOD=AES-128,URI="{$dir}/k"`, `IMPORT="dir"|#EXT-X-KEY:METHOD=AES-128,URI="[P]{$dir}/k"`},
		{`IMPORT="moved"|{$moved}/1.ts`, ``},
		// What begins URIs there has the prefix, and is written out where it stands otherwise.
		{`IMPORT="moved"|#EXT-X-DEFINE:IMPORT="rooted"|1.ts?u={$moved}|{$moved}/2.ts?u={$moved}|?u={$moved}|plain{$rooted}`, `IMPORT="moved"|#EXT-X-DEFINE:IMPORT="rooted"|[P]/a/1.ts?u=http://o.example|[P]/2.ts?u=http://o.example|[P]/a/m.m3u8?u=http://o.example|[P]/a/plain/c`},
		{`IMPORT="moved"|../1.ts?u={$moved}|/3.ts?u={$moved}|http://far.example/4.ts?u={$moved}`, `IMPORT="moved"|[P]/a/../1.ts?u=http://o.example|[P]/3.ts?u=http://o.example|http://far.example/4.ts?u=http://o.example`},
		{`IMPORT="moved"|#EXT-X-DEFINE:NAME="q",VALUE="?u={$moved}"|1.ts{$q}|#EXT-X-KEY:METHOD=AES-128,URI="k{$q}"`, `IMPORT="moved"|#EXT-X-DEFINE:NAME="q",VALUE="?u={$moved}"|[P]/a/1.ts?u=http://o.example|#EXT-X-KEY:METHOD=AES-128,URI="[P]/a/k?u=http://o.example"`},
		{`IMPORT="unknown"|{$unknown}/1.ts`, ``},
		{`NAME="b",VALUE="/c"|{$b|{$c}/1.ts`, `NAME="b",VALUE="[P]/c"|{$b|{$c}/1.ts`},
	} {
		if c.want == "" {
			c.want = c.in
		}
		form := func(text string) string {
			return "#EXTM3U\n#EXT-X-DEFINE:" + strings.ReplaceAll(text, "|", "\n") + "\n"
		}
		if got := edited(parsed(t, s, form(c.in))); got != form(c.want) {
			t.Errorf("%s\ngot  %q\nwant %q", c.in, got, form(c.want))
		}
	}
}

func TestVariablesAreHandedToMediaPlaylists(t *testing.T) {
	top := parsed(t, site(t, "http://o.example", "/a/top.m3u8"), "#EXTM3U\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"http://o.example/c\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")
	s := site(t, "http://o.example", "/a/v.m3u8")
	s.Import = top.Variable
	m := parsed(t, s, "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"b\"\n#EXTINF:2,\n{$b}/1.ts\n")
	if ref, ok := m.Locate("/c/1.ts", ByteRange{}); !ok || ref.Sequence != 0 || m.Edits().Count() != 0 || top.Edits().Count() != 1 {
		t.Errorf("%+v, %v, %q", ref, ok, edited(m))
	}
}

func TestVariablesDoNotMultiplyThemselves(t *testing.T) {
	value := "http://o.example/" + strings.Repeat("x", 60_000)
	body := "#EXTM3U\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"" + value + "\"\n1.ts?{$b}\n" + strings.Repeat("{$b}\n", 20_000)
	m := parsed(t, site(t, "http://o.example", "/m.m3u8"), body)
	if size := m.Edits().Size("/s/T"); size > int64(6*len(body)+1<<16) {
		t.Errorf("%d bytes of playlist become %d for a viewer", len(body), size)
	}
	if m.Left() == 0 {
		t.Error("what was not led is not counted")
	}
}
