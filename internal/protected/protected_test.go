package protected

import (
	"strings"
	"testing"

	"tandem/internal/wire"
)

var list = []wire.Protected{{Prefix: "/premium/"}, {Prefix: "/premium/trailers/", Open: true}, {Prefix: "/premium/x/"}, {Prefix: "/a%2Fb/"}}

func TestNoSpellingLeadsPastAPrefix(t *testing.T) {
	p := New(list)
	for target, want := range map[string]string{
		"/premium/a.m4s": "/premium/", "//premium/a.m4s": "/premium/", "/%70remium/a.m4s": "/premium/", "/premium%2fa.m4s": "/premium/", "/premium%5Ca.m4s": "/premium/", "/premium\\a.m4s": "/premium/",
		"/premium;v=1/a.m4s": "/premium/", "/;x/premium/a.m4s": "/premium/", "/premium%3Bx/a.m4s": "/premium/", "/premium//x//a": "/premium/x/", "/premium/": "/premium/", "/a/b/c": "/a/b/",
		"/premium%252fa.m4s": "/premium/", "/%2570remium/a": "/premium/", "/premium%25252fa": "/premium/", "/premium%00/a": "/premium/", "/pre%09mium/a": "/premium/", "/premium./a": "/premium/", "/premium%2e%20/a": "/premium/", "/premium /a": "/premium/",
		"/./premium/a": "/premium/", "/x/%252e%252e/premium/a": "/premium/", "/x/..;y/premium/a": "/premium/", "/x/..%20/premium/a": "/premium/", "/x/%252e./premium/a": "/premium/", "/x/.%25252e/premium/a": "/premium/", "/../../premium/a": "/premium/", "/premium/x/..": "/premium/", "/premium/x/.": "/premium/x/",
		"/premium/%252e%252e/free/a": "", "/..": "", "/.../premium/a": "", "/free.d/premium/a": "",
		"/free/a.m4s": "", "/premium": "", "/premium2/a": "", "/free?/premium/": "", "/": "", "": "", "/free/premium/a": "", "/x%": "", "/x%2": "", "/%zzpremium/": "",
	} {
		if prefix, protected := p.Of(target); prefix != want || protected != (want != "") {
			t.Errorf("%s: %q, %v; want %q", target, prefix, protected, want)
		}
	}
	if prefix, protected := p.Of("/premium/trailers//a.m4s"); prefix != "/premium/trailers/" || protected {
		t.Errorf("an open one inside: %q, %v", prefix, protected)
	}
}

// What reads as another path for some origin is told from what only looks odd.
func TestWhatClimbsIsKnown(t *testing.T) {
	for target, want := range map[string]bool{
		"/a/../b": true, "/a/%2e%2e/b": true, "/a/%252e%252e/b": true, "/a/%25252e./b": true, "/a/..;x/b": true, "/a/..%00/b": true, "/a/..%20/b": true,
		"/a/..%255cb": true, "/a/x/../b": true, "/a/..": true, "/a/%2e%2e": true, "/a/..%252fb/c%2e": true,
		"/a/b": false, "/a/./b": false, "/a//b": false, "/a/...x/b": false, "/a..b/c": false, "/a../b": false, "/a/%20b/c;v=1": false, "/a/.../b": false, "/a/b?/../": false, "": false,
	} {
		if got := Climbs(target); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}

func TestSessionReachesWhatItWasLetInto(t *testing.T) {
	p := New(list)
	for _, row := range []struct {
		stream string
		scope  uint8
		target string
		want   bool
	}{
		{"/premium/a/", 3, "/premium/a/seg1.m4s?x=/premium/b/", true},
		{"/premium/a/", 3, "/premium/a/v/seg1.m4s", true},
		{"/premium/a/", 3, "/premium/b/seg1.m4s", false},
		{"/premium/a/", 3, "/premium/a/%252e%252e/b/seg1.m4s", false},
		{"/premium/a/", 3, "/premium/a/x/%252e%252e/seg1.m4s", true},
		{"/premium/a/", 3, "/premium/ab/seg1.m4s", false},
		{"/premium/a/", 2, "/premium/b/seg1.m4s", true},
		{"/premium/a/", 1, "/premium/b/seg1.m4s", true},
		{"/premium/a/", 1, "/premium/x/seg1.m4s", false}, // another prefix's
		{"/premium/a/", 3, "/free/seg1.m4s", true},
		{"/premium/a/", 3, "/premium/trailers/seg1.m4s", true},
		{"/premium/trailers/", 1, "/premium/a/seg1.m4s", false}, // opened where nobody was asked
		{"/premium/a/", 0, "/premium/a/seg1.m4s", false},        // not let in
		{"/free/", 0, "/free/seg1.m4s", true},
		{"", 1, "/premium/a/seg1.m4s", false}, // of a stream that is placed nowhere
		{"/premium/a/", 9, "/premium/a/seg1.m4s", true},
		{"/premium/a/", 9, "/premium/seg1.m4s", false},
		{"/premium%2Fa/", 3, "//premium//a/seg1.m4s", true},
	} {
		if got := p.Reaches(row.stream, row.scope, row.target); got != row.want {
			t.Errorf("%+v: %v", row, got)
		}
	}
	var none *Paths
	if _, protected := none.Of("/premium/a"); protected || !none.Reaches("", 0, "/premium/a") || New(nil) != nil {
		t.Error("without prefixes not all is open")
	}
}

func TestAListThatCantBeMeantIsRefused(t *testing.T) {
	many := make([]wire.Protected, maxPrefixes+1)
	for i := range many {
		many[i].Prefix = "/" + strings.Repeat("x", i) + "/"
	}
	for _, bad := range [][]wire.Protected{
		{{Prefix: "premium/"}}, {{Prefix: "/premium"}}, {{Prefix: "/p?x/"}}, {{Prefix: ""}}, {{Prefix: "/p/"}, {Prefix: "/q/"}, {Prefix: "//%70/"}}, many, {{Prefix: "/" + strings.Repeat("x", maxBytes) + "/"}},
	} {
		if Check(bad) == nil {
			t.Errorf("%.80v is taken", bad)
		}
	}
	if err := Check(list); err != nil {
		t.Error(err)
	}
}

func TestAskingForAnOrdinaryPathCostsNothing(t *testing.T) {
	p := New(list)
	if n := testing.AllocsPerRun(100, func() { p.Reaches("/premium/a/", 3, "/premium/a/v/seg1.m4s?x=1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, path := range []string{"/a//b", "/%2f%2F", "/a;b/c", "/%25", "\\"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path := Canonical(target)
		if strings.Contains(path, "//") || strings.Contains(path, ";") || strings.Contains(path, "\\") {
			t.Errorf("%q became %q", target, path)
		}
	})
}

func TestPathsAreMadeOnceAPlacement(t *testing.T) {
	var k Known
	if k.Of(nil) != nil || k.Of(new(wire.Trust)) != nil {
		t.Error("something is protected")
	}
	one, other := &wire.Trust{Protected: list}, &wire.Trust{Protected: list[:1]}
	first := k.Of(one)
	if first == nil || k.Of(one) != first || k.Of(other) == first || k.Of(nil) != nil {
		t.Error("not made once, or kept too long")
	}
}
