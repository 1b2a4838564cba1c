package cachekey

import (
	"strings"
	"testing"
)

func TestKeyIsTheTargetAsItCame(t *testing.T) {
	for _, target := range []string{
		"/", "/a/b.ts", "/a%2Fb.ts", "/q%3Fx=1.ts", "/c//d.ts", "//c/d.ts", "/p/http%3A%2F%2Fh%2Fi.ts", "/k%25.ts", "/k%2525.ts", "/a+b.ts", "/a%20b.ts", "/%E4%BD%A0.ts",
		"/a~b;c=d,e.ts?sig=a%2Fb%3D&x=*", "/it's(1)!*.ts", "/Fragments(video=0,format=m3u8-aapl)", "/a?", "/a?b?c", "/a?&&b=&=c", "/a?x=/../y", "/.hidden", "/a/...", "/a/..b", "/a?sid=1", "/a%00b", "/a?sale=50%", "/a?x=%zz&y=%u00fc", "/a?%%34%31&%", "/a?%4&1",
	} {
		if key, ok := Of(target); !ok || key != target {
			t.Errorf("%s became %s, %v", target, key, ok)
		}
	}
}

func TestKeyIsOneWhereTheStandardSaysSo(t *testing.T) {
	for target, want := range map[string]string{
		"/%7Ea/%2e%2Ehidden": "/~a/..hidden", "/%61%2f": "/a%2F", "/a%3f?b%3f": "/a%3F?b%3F", "/./a/../b/./c": "/b/c", "/../../a": "/a", "/a/%2E%2e/b": "/b", "/a/.": "/a/", "/a/..": "/",
		"/a b": "/a%20b", "/\"": "/%22", "/?C%4DCD=x": "/?CMCD=x",
	} {
		if key, ok := Of(target); !ok || key != want {
			t.Errorf("%s became %s, %v; want %s", target, key, ok, want)
		}
	}
}

func TestKeyNeverClimbs(t *testing.T) {
	for _, target := range []string{
		"", "a", "*", "/100%", "/%zz", "/%%370", "/..%2Fsecret", "/a/..%2f..%2fsecret", "/a%2F..%2Fb", "/a%2F..", "/..%5Csecret", "/%2e%2e%2fsecret", "/a%2f%2E%2fb", "/..;/secret", "/a/..;x=1", "/%2e%2e%3b/a", "/a%2F..;b", "/" + strings.Repeat("x", MaxKey), "/" + strings.Repeat("\"", MaxKey/2),
	} {
		if key, ok := Of(target); ok {
			t.Errorf("%.40s became %.40s", target, key)
		}
	}
	if _, ok := Of("/" + strings.Repeat("x", MaxKey-1)); !ok {
		t.Error("the longest target is refused")
	}
	for _, target := range []string{"/a%2F..b", "/a..%2Fb", "/a..;/b", "/...;/b", "/a?..;/b", "/a?..%2Fb", "/a%252F..%252Fb"} {
		if _, ok := Of(target); !ok {
			t.Errorf("%s is refused", target)
		}
	}
}

func TestOrdinaryKeyCostsNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = Of("/sample/v0/seg-000123.m4s?x=1&y=2") }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzOf(f *testing.F) {
	for _, target := range []string{"/a/../b", "/%2e%2E/a%2fb", "/a\\..\\b", "/a?b/../c", "/%", "/%zz", "/#", "/a?%%34%31&%41", "/a?x#y"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		key, ok := Of(target)
		if !ok {
			return
		}
		if again, ok := Of(key); !ok || again != key {
			t.Fatalf("%q became %q, and that %q, %v", target, key, again, ok)
		}
		for part := range strings.SplitSeq(slashes.Replace(Path(key)), "/") {
			if part, _, _ = strings.Cut(part, ";"); part == ".." {
				t.Fatalf("%q climbs: %q", target, key)
			}
		}
		for _, c := range []byte(key) {
			if c <= ' ' || c >= 0x7f {
				t.Fatalf("%q holds %q", key, c)
			}
		}
	})
}

func TestQueryCountsAsItIsSet(t *testing.T) {
	const target = "/a?b=2&CMCD=x%3D1&a=1&&sid=7&b=1"
	for want, q := range map[string]Query{
		target:                             {},
		"/a?b=2&a=1&&sid=7&b=1":            {Drop: []string{"CMCD"}},
		"/a?b=2&a=1&b=1":                   {Keep: []string{"a", "b"}},
		"/a?b=2&b=1":                       {Keep: []string{"a", "b"}, Drop: []string{"a"}},
		"/a?&CMCD=x%3D1&a=1&b=2&b=1&sid=7": {Sort: true},
		"/a?a=1&b=2&b=1":                   {Sort: true, Keep: []string{"a", "b"}},
		"/a":                               {Keep: []string{"nothing"}},
	} {
		if got := q.Apply(target); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	for setting, want := range map[string]string{"": target, "all": target, "drop:CMCD": "/a?b=2&a=1&&sid=7&b=1", "keep:a,b": "/a?b=2&a=1&b=1"} {
		if q, err := ParseQuery(setting, false); err != nil || q.Apply(target) != want {
			t.Errorf("%s: %+v, %v", setting, q, err)
		}
	}
	for _, setting := range []string{"CMCD", "drop", "drop:", "keep:,", "none:a"} {
		if q, err := ParseQuery(setting, false); err == nil {
			t.Errorf("%s: %+v", setting, q)
		}
	}
	drop := Query{Drop: []string{"CMCD"}}
	for _, same := range []string{"/a", "/a?", "/a?cmcd=1", "/CMCD=1", "/a?xCMCD=1"} {
		if got := drop.Apply(same); got != same {
			t.Errorf("%s became %s", same, got)
		}
	}
}
