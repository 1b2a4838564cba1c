package media

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// anyPath makes a path of components that matter to what is above what.
func anyPath(r *rand.Rand, names ...string) string {
	var b strings.Builder
	for range r.IntN(7) {
		b.WriteString(names[r.IntN(len(names))])
		b.WriteString("/")
	}
	return b.String() + []string{"1.ts", "x.ts?q=/../y", "", "?q", "..", "."}[r.IntN(6)]
}

// below is where a reference leads that leads out of a base path: as if that were the root.
func below(there *url.URL, root, target, ref string) *url.URL {
	if strings.HasPrefix(there.EscapedPath(), root+"/") {
		return there
	}
	alone, _ := url.Parse("http://o.example" + target)
	there, _ = alone.Parse(strings.ReplaceAll(ref, "%2e", "."))
	there, _ = url.Parse("http://o.example" + root + there.RequestURI())
	return there
}

// TestEditedURILeadsToTheSameTarget asks another implementation of RFC 3986 what
// the URIs of an edited playlist lead to.
func TestEditedURILeadsToTheSameTarget(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	names := []string{"a", "..", "..", ".", "base", "b", "%2e%2e", "c d"}
	led, ups, checked := 0, 0, 0
	for range 20_000 {
		root := []string{"", "/base", "/base/b"}[r.IntN(3)]
		target := "/" + strings.TrimLeft(strings.ReplaceAll(strings.ReplaceAll(anyPath(r, "a", "b", "base"), "..", "e"), "/.", "/f"), "/.?")
		ref := anyPath(r, names...)
		switch r.IntN(4) {
		case 0:
			ref = "/" + strings.TrimLeft(ref, "/")
		case 1:
			ref = "http://o.example/" + ref
		}
		if ref == "" || strings.HasPrefix(ref, "//") {
			continue
		}
		s := site(t, "http://o.example"+root, target)
		m := parsed(t, s, "#EXTM3U\n"+ref+"\n")
		out := strings.TrimSpace(strings.TrimPrefix(string(m.Edits().Append(nil, m.draft.Body, "/s/TOKEN")), "#EXTM3U"))
		at, _ := url.Parse("http://o.example" + root + target)
		there, err := at.Parse(strings.ReplaceAll(ref, "%2e", "."))
		if err != nil {
			continue
		}
		if m.Left() > 0 {
			if strings.HasPrefix(there.EscapedPath(), root+"/") {
				t.Fatalf("%s at %s%s: it is left out and leads to %s", ref, root, target, there)
			}
			continue
		}
		viewer, _ := url.Parse("http://public.example/s/TOKEN" + target)
		got, err := viewer.Parse(strings.ReplaceAll(out, "%2e", "."))
		if err != nil {
			t.Fatalf("%s became %s: %v", ref, out, err)
		}
		there = below(there, root, target, ref)
		want := "http://public.example/s/TOKEN" + strings.TrimPrefix(there.RequestURI(), root)
		if got.String() != want && got.String() != strings.TrimSuffix(want, "?") {
			t.Fatalf("%s at %s%s became %s: it leads to %s, want %s", ref, root, target, out, got, want)
		}
		if up := m.Up(); up != "" {
			out := strings.TrimSpace(strings.TrimPrefix(string(m.Edits().Append(nil, m.draft.Body, up)), "#EXTM3U"))
			if relative, err := viewer.Parse(strings.ReplaceAll(out, "%2e", ".")); err != nil || relative.String() != got.String() {
				t.Fatalf("%s at %s%s became %s: it leads to %s (%v), want %s", ref, root, target, out, relative, err, got)
			}
			ups += int(m.Edits().Count())
		}
		checked++
		led += int(m.Edits().Count())
		// What it resolves to is what it is found by.
		list := parsed(t, s, "#EXTM3U\n#EXTINF:1,\n"+ref+"\n")
		if _, ok := list.Locate(strings.TrimPrefix(there.RequestURI(), root), ByteRange{}); !ok {
			t.Fatalf("%s at %s%s is not known as %s", ref, root, target, there.RequestURI())
		}
	}
	if checked < 5000 || led < 2000 || ups < 2000 {
		t.Fatalf("%d checked, %d of them led, %d by the way up", checked, led, ups)
	}
}

// TestEveryNumberOfATemplateIsFound goes through templates, and finds by name what
// they make of a number.
func TestEveryNumberOfATemplateIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	parts := []string{"$RepresentationID$", "$Bandwidth$", "$Number$", "$Number%05d$", "$Time$", "$$", "x", "7", "/", "?k=", "%2F", "-"}
	found := 0
	for range 3000 {
		template := ""
		for range 1 + r.IntN(5) {
			template += parts[r.IntN(len(parts))]
		}
		if strings.HasPrefix(template, "/") || strings.Count(template, "$Number") > 1 && r.IntN(3) > 0 {
			continue
		}
		m := parsed(t, site(t, "http://o.example", "/a/m.mpd"), fmt.Sprintf(`<MPD mediaPresentationDuration="PT200000S"><Period><AdaptationSet contentType="video">
			<SegmentTemplate media="%s" startNumber="%d" duration="2"/><Representation id="v%d" bandwidth="%d"/></AdaptationSet></Period></MPD>`, template, r.IntN(100), r.IntN(20), r.IntN(9000)))
		ref := Ref{Sequence: int64(100 + r.IntN(90_000)), Part: -1}
		if !strings.Contains(template, "$Number") && strings.Contains(template, "$Time") {
			ref.Sequence *= 2
		}
		for _, o := range m.Next(ref, 2) {
			at, ok := m.Locate(o.Target, ByteRange{})
			if !strings.Contains(template, "$Number") && !strings.Contains(template, "$Time") {
				continue // all segments have one name
			}
			if !ok && strings.Count(template, "$Number")+strings.Count(template, "$Time") > 1 {
				continue // with nothing but digits between them nobody can tell
			}
			if !ok || at.Sequence != o.Sequence || at.Duration != o.Duration {
				t.Fatalf("%s: %s is %+v, not %+v", template, o.Target, at, o)
			}
			found++
		}
	}
	if found < 1000 {
		t.Fatal(found)
	}
}
