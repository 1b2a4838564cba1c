package uri

import (
	"strings"
	"testing"
)

// ours is an origin with names of its own and one of the cluster.
func ours(t testing.TB, origin string) *Origin {
	t.Helper()
	first, err := RootOf(origin)
	if err != nil {
		t.Fatal(err)
	}
	first.Hosts = append(first.Hosts, "alias.example", "https://other.example:8443")
	o, err := New(first, Root{Hosts: []string{"public.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// ledBy is a reference with "P" for the prefix, or its class.
func ledBy(o *Origin, from Place, ref string) string {
	l, _ := o.Lead(from, []byte(ref))
	switch {
	case l.Class != Moved:
		return [...]string{"inside", "moved", "foreign", "opaque", "left"}[l.Class]
	case l.Bare:
		return "P/" + ref[l.Cut:]
	case l.Double:
		return "P/." + ref[l.Cut:]
	}
	return "P" + ref[l.Cut:]
}

// references are what may stand in a manifest at a place, and what becomes of it.
var references = []struct{ origin, target, ref, want string }{
	// What is relative and stays below the root is not touched.
	{"http://o.example", "/a/b/m.m3u8", "s/1.ts", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "../../1.ts", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "../x/../../1.ts", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "?x=../../../..", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "#/x", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "1.ts?u=http://o.example/x", "inside"},
	{"http://o.example", "/a/b/m.m3u8", "x//../1.ts", "inside"},
	// What climbs above it is clamped at the origin, and so here.
	{"http://o.example", "/a/b/m.m3u8", "../../../1.ts", "P/1.ts"},
	{"http://o.example", "/a/b/m.m3u8", "../../../../c/../1.ts", "P/c/../1.ts"},
	{"http://o.example", "/a/b/m.m3u8", "../../../x/../../1.ts", "P/1.ts"},
	{"http://o.example", "/a/b/m.m3u8", "%2e%2E/.%2e/../1.ts", "P/1.ts"},
	{"http://o.example", "/m.m3u8", "..", "P/"},
	{"http://o.example", "/m.m3u8", "../?x=1", "P/?x=1"},
	{"http://o.example", "/m.m3u8", "..//1.ts", "P/.//1.ts"},
	{"http://o.example", "/m.m3u8", "...", "inside"},
	// Rooted.
	{"http://o.example", "/a/m.m3u8", "/x/1.ts?q#f", "P/x/1.ts?q#f"},
	{"http://o.example", "/a/m.m3u8", "/", "P/"},
	{"http://o.example", "/a/m.m3u8", "/../../1.ts", "P/1.ts"},
	{"http://o.example", "/a/m.m3u8", `\x\1.ts`, `P\x\1.ts`},
	// Absolute, of the origin in all its spellings.
	{"http://o.example", "/a/m.m3u8", "http://o.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "HTTP://O.Example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "https://o.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:80/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "https://o.example:443/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:0080/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://o.example./x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://%6f.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://user:p%40w@o.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "//o.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "//o.example:443/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "http://o.example", "P/"},
	{"http://o.example", "/a/m.m3u8", "http://o.example?x=/y", "P/?x=/y"},
	{"http://o.example", "/a/m.m3u8", "http://o.example#f", "P/#f"},
	{"http://o.example", "/a/m.m3u8", "http://o.example/x/../../y", "P/y"},
	{"http://o.example", "/a/m.m3u8", "http://o.example//x", "P/.//x"},
	{"http://o.example", "/a/m.m3u8", `http:\\o.example\x`, `P\x`},
	{"http://o.example", "/a/m.m3u8", "http://alias.example/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "https://other.example:8443/x", "P/x"},
	{"http://o.example", "/a/m.m3u8", "https://public.example/x", "P/x"},
	{"http://o.example:81", "/a/m.m3u8", "http://o.example:81/x", "P/x"},
	{"http://[::1]:81", "/a/m.m3u8", "http://[::1]:81/x", "P/x"},
	{"http://[::1]", "/a/m.m3u8", "//[::1]/x", "P/x"},
	{"http://[::1]:81", "/a/m.m3u8", "http://[0:0:0:0:0:0:0:1]:81/x", "P/x"},
	{"http://[2001:DB8:0::1]", "/a/m.m3u8", "http://[2001:db8::1]/x", "P/x"},
	{"http://[::1]:81", "/a/m.m3u8", "http://[::2]:81/x", "foreign"},
	{"http://[::1]:81", "/a/m.m3u8", "http://[::1", "foreign"},
	// Of others, and what is nowhere.
	{"http://o.example", "/a/m.m3u8", "http://far.example/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "//far.example/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:81/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http://o.example@far.example/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:port/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http://o.example:99999999999/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http:///x", "foreign"},
	{"http://o.example:81", "/a/m.m3u8", "http://o.example/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "https://other.example/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "http://" + strings.Repeat("o", 300) + "/x", "foreign"},
	{"http://o.example", "/a/m.m3u8", "data:text/plain,/x", "opaque"},
	{"http://o.example", "/a/m.m3u8", "skd://o.example/x", "opaque"},
	{"http://o.example", "/a/m.m3u8", "urn:x:/y", "opaque"},
	{"http://o.example", "/a/m.m3u8", "http:x", "opaque"},
	// The root is a path of the origin.
	{"http://o.example/base/", "/c/m.m3u8", "1.ts", "inside"},
	{"http://o.example/base", "/c/m.m3u8", "../1.ts", "inside"},
	{"http://o.example/base", "/c/m.m3u8", "/base/1.ts", "P/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "/%62ase/1.ts", "P/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "/base/../base/x/1.ts", "P/x/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "/other/../base//1.ts", "P/.//1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "http://o.example/base/c/1.ts", "P/c/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "http://public.example/c/1.ts", "P/c/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "http://public.example/../c/1.ts", "P/c/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "../../base/c/1.ts", "P/c/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "../../other/1.ts", "P/other/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "../../1.ts", "P/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "/base", "left"},
	{"http://o.example/base", "/c/m.m3u8", "/based/1.ts", "P/based/1.ts"},
	{"http://o.example/base", "/c/m.m3u8", "http://o.example/1.ts", "left"},
	{"http://o.example/b/c", "/m.m3u8", "/b/x/../c/1.ts", "P/1.ts"},
	{"http://o.example/b/c", "/m.m3u8", "/b/1.ts", "P/b/1.ts"},
	{"http://o.example/b/c", "/m.m3u8", "/b", "left"},
	{"http://o.example/b/c", "/m.m3u8", "/b/c", "left"},
	{"http://o.example/b/c", "/x/m.m3u8", "../../../../1.ts", "P/1.ts"},
	{"http://o.example/b/c", "/x/m.m3u8", "y/../../../1.ts?a=/b", "P/1.ts?a=/b"},
}

func TestReferenceIsLedIntoTheSession(t *testing.T) {
	for _, c := range references {
		o := ours(t, c.origin)
		if got := ledBy(o, o.At(c.target), c.ref); got != c.want {
			t.Errorf("%s%s: %s is %s, want %s", c.origin, c.target, c.ref, got, c.want)
		}
	}
}

func TestFolderOfAReferenceIsKnown(t *testing.T) {
	o := ours(t, "http://o.example/base")
	for ref, want := range map[string]string{
		"x/": "inside", "x/y": "inside", "/base/": "inside", "/": "P/1.ts", "../": "inside", "../../": "P/1.ts", "http://o.example/": "left",
		"http://far.example/": "foreign", "data:x": "foreign", "http://o.example/base/q/": "inside",
	} {
		_, dir := o.Lead(o.At("/a/m.mpd"), []byte(ref))
		if got := ledBy(o, dir, "1.ts"); got != want {
			t.Errorf("below %s it is %s, want %s", ref, got, want)
		}
	}
	for _, c := range []struct{ base, ref, want, target string }{
		{"/", "base/v/1.ts", "P/v/1.ts", "/base/v/1.ts"},
		{"/", "../v/1.ts", "P/v/1.ts", "/base/v/1.ts"},
		{"/", "v/1.ts", "P/v/1.ts", "/base/v/1.ts"},
		{"/x/", "v/1.ts", "inside", ""},
		{"http://o.example/", "base/v/1.ts", "left", ""}, // it stays at that host
		{"http://o.example/", "/base/v/1.ts", "left", ""},
	} {
		_, dir := o.Lead(o.At("/a/m.mpd"), []byte(c.base))
		if got := ledBy(o, dir, c.ref); got != c.want {
			t.Errorf("below %s %s is %s, want %s", c.base, c.ref, got, c.want)
		}
		if got, _ := o.Resolve(nil, []byte(c.base), []byte(c.ref)); c.target != "" && string(got) != c.target {
			t.Errorf("below %s %s is at %s, want %s", c.base, c.ref, got, c.target)
		}
	}
}

func TestHostsAreReadOrRefused(t *testing.T) {
	for _, bad := range []string{"", "o.example", "ftp://o.example"} {
		if _, err := RootOf(bad); err == nil {
			t.Errorf("%q was taken for an origin", bad)
		}
	}
	for _, bad := range []string{"", ":80", "a:b", "http://", "http://o.example:x/"} {
		if _, err := New(Root{Hosts: []string{bad}}); err == nil {
			t.Errorf("%q was taken for a host", bad)
		}
	}
}

func TestServersOfOtherPathsAndPrefixes(t *testing.T) {
	o, err := New(Root{Hosts: []string{"a.example"}, Path: "/base"}, Root{Hosts: []string{"b.example:81"}, Path: "/deep/er/"}, Root{Hosts: []string{"public.example"}, Any: true},
		Root{Hosts: []string{"news.example"}, Path: "/n", Prefix: "/news/"})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]struct{ led, target string }{
		"1.ts":                             {"inside", "/c/1.ts"},
		"/base/1.ts":                       {"P/1.ts", "/1.ts"},
		"http://a.example/base/1.ts":       {"P/1.ts", "/1.ts"},
		"http://b.example:81/deep/er/1.ts": {"P/1.ts", "/1.ts"},
		"http://b.example:81/deep/1.ts":    {"left", ""},
		"http://b.example:81/base/1.ts":    {"left", ""},
		"http://public.example/c/1.ts?x":   {"P/c/1.ts?x", "/c/1.ts?x"},
		"http://public.example/news/1.ts":  {"P/news/1.ts", "/news/1.ts"},
		// What a prefix of the cluster leads elsewhere is not there.
		"http://news.example/n/news/1.ts": {"P/news/1.ts", "/news/1.ts"},
		"http://news.example/n/1.ts":      {"left", "/1.ts"},
		"/base/news/1.ts":                 {"left", "/news/1.ts"},
	} {
		got := ledBy(o, o.At("/c/m.m3u8"), ref)
		path, _ := o.Resolve(nil, o.AppendTarget(nil, "/c/m.m3u8"), []byte(ref))
		target, _ := o.Below(path)
		if got != want.led || string(target) != want.target {
			t.Errorf("%s: %s, %s", ref, got, target)
		}
	}
	_, lost := o.Lead(o.At("/c/m.mpd"), []byte("http://b.example:81/deep/"))
	if got := ledBy(o, lost, "er/1.ts"); got != "left" {
		t.Errorf("below what is left: %s", got)
	}
	_, there := o.Lead(o.At("/c/m.mpd"), []byte("http://b.example:81/deep/er/x/"))
	if got := ledBy(o, there, "../../1.ts"); got != "P/1.ts" {
		t.Errorf("above another server's root: %s", got)
	}
}

// Several upstreams may be of one server: what another row asks of the same place is no
// other origin's.
func TestUpstreamsOfOneServer(t *testing.T) {
	o, err := New(Root{Hosts: []string{"http://a.example"}, Path: "/base", Prefix: "/news/"}, Root{Hosts: []string{"b.example"}, Path: "/base", Prefix: "/films/"},
		Root{Hosts: []string{"b.example"}, Path: "/base", Prefix: "/vod/"}, Root{Hosts: []string{"http://a.example"}, Path: "/base", Prefix: "/vod/"},
		Root{Hosts: []string{"http://a.example"}, Path: "/other", Prefix: "/else/"}, Root{Hosts: []string{"c.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"http://a.example/base/vod/1.ts":   "P/vod/1.ts",
		"/base/vod/1.ts":                   "P/vod/1.ts",
		"http://a.example/base/films/1.ts": "left",
		"/base/films/1.ts":                 "left",
		"http://a.example/base/else/1.ts":  "left", // /other/else/1.ts is what would be asked
		"http://a.example/other/else/1.ts": "P/else/1.ts",
		"/other/x/../else/1.ts":            "P/else/1.ts",
		"/other/1.ts":                      "left",
		"http://a.example/base/1.ts":       "left",
	} {
		got := ledBy(o, o.At("/news/m.m3u8"), ref)
		if strings.ReplaceAll(got, "x/../", "") != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
		path, _ := o.Resolve(nil, o.AppendTarget(nil, "/news/m.m3u8"), []byte(ref))
		if target, _ := o.Below(path); want != "left" && "P"+string(target) != want {
			t.Errorf("%s is %s, want %s", ref, target, want)
		}
	}
}

func TestReferenceIsResolvedToItsNormalForm(t *testing.T) {
	for _, c := range []struct{ origin, base, ref, want string }{
		{"http://o.example", "/a/m.m3u8?q=1", "1.ts", "/a/1.ts"},
		{"http://o.example", "/a/m.m3u8?q=1", "", "/a/m.m3u8?q=1"},
		{"http://o.example", "/a/m.m3u8?q=1", "?q=2", "/a/m.m3u8?q=2"},
		{"http://o.example", "/a/m.m3u8?q=1", "#f", "/a/m.m3u8?q=1"},
		{"http://o.example", "/a/m.m3u8", "my clip ü.ts", "/a/my%20clip%20%C3%BC.ts"},
		{"http://o.example", "/a/m.m3u8", "%c3%bc%7e%2F+(x).ts", "/a/%C3%BC~%2F+(x).ts"},
		{"http://o.example", "/a/m.m3u8", "100%.ts?a=%zz", "/a/100%.ts?a=%zz"},
		{"http://o.example", "/a/m.m3u8", "x//y/../z.ts?a=../b#f", "/a/x//z.ts?a=../b"},
		{"http://o.example", "/a/m.m3u8", "../../../z.ts", "/z.ts"},
		{"http://o.example", "/a/m.m3u8", "./", "/a/"},
		{"http://o.example", "/a/m.m3u8", "..", "/"},
		{"http://o.example", "/a/m.m3u8", "http://O.example", "/"},
		{"http://o.example", "/a/m.m3u8", "http://o.example?x", "/?x"},
		{"http://o.example", "/a/m.m3u8", `b\c.ts`, "/a/b/c.ts"},
		{"http://o.example/base", "/a/m.m3u8", "/base/x.ts", "/x.ts"},
		{"http://o.example/base", "/a/m.m3u8", "http://public.example/x.ts", "/x.ts"},
		{"http://o.example/base", "/a/m.m3u8", "http://public.example/../x.ts", "/x.ts"},
		{"http://o.example/base", "/a/m.m3u8", "../../x.ts", "/x.ts"},
		{"http://o.example/b/c", "/a/m.m3u8", "../../../y/x.ts?q", "/y/x.ts?q"},
		{"http://o.example/base", "/a/m.m3u8", "/x.ts", "/x.ts"},
		{"http://o.example/base", "/a/m.m3u8", "http://o.example/x.ts", ""},
		{"http://o.example", "/a/m.m3u8", "http://far.example/x.ts", ""},
		{"http://o.example", "/a/m.m3u8", "data:x", ""},
	} {
		o := ours(t, c.origin)
		path, class := o.Resolve(nil, o.AppendTarget(nil, c.base), []byte(c.ref))
		target, ok := o.Below(path)
		if ok = ok && class == Inside; string(target) != c.want || ok != (c.want != "") {
			t.Errorf("%s at %s: %q, want %q", c.ref, c.base, target, c.want)
		}
	}
}

func TestWhatIsThereForClimbingMeansNothing(t *testing.T) {
	for in, want := range map[string]string{
		"/x/1":                                  "/x/1",
		"/_tandem-up/_tandem-up/x/1":            "/x/1",
		"/_tandem-up":                           "/_tandem-up",
		"/x/_tandem-up/1":                       "/x/_tandem-up/1",
		"/_tandem-at/b/c/_tandem-up/b/c/x/1?q":  "/x/1?q",
		"/_tandem-at/b/_tandem-up/_tandem-up/b": "/b",
		"/_tandem-at/b/_tandem-up/%62/x/1":      "/x/1",
		"/_tandem-at/b/_tandem-up/bb/x/1":       "/bb/x/1",
		"/_tandem-at/b/_tandem-up/x/b/1":        "/x/b/1",
		"/_tandem-at//_tandem-up/x/1":           "/x/1",
		"/_tandem-at/b/x/1":                     "/_tandem-at/b/x/1",
		"/_tandem-at/b/_tandem-up":              "/_tandem-at/b/_tandem-up",
	} {
		if got := Climbed(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, base := range []string{"http://o.example", "http://o.example/b", "http://o.example/b/c%20d"} {
		root, err := RootOf(base)
		if err != nil {
			t.Fatal(err)
		}
		o, err := New(root)
		if err != nil {
			t.Fatal(err)
		}
		if got := Climbed(o.Deep(3) + "/x/1"); got != "/x/1" {
			t.Errorf("%s: %s leads to %s", base, o.Deep(3), got)
		}
	}
}
