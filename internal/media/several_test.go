package media

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tandem/internal/media/uri"
)

var (
	inBase     = regexp.MustCompile(`<BaseURL>([^<]*)</BaseURL>`)
	inTemplate = regexp.MustCompile(`media="([^"]*)"`)
)

// leadsTo is what the template of such an MPD leads to, from each of its BaseURLs.
func leadsTo(t *testing.T, text, at string) (found []string) {
	t.Helper()
	base, _ := url.Parse(at)
	b, media := inBase.FindAllStringSubmatch(text, -1), inTemplate.FindStringSubmatch(text)[1]
	for _, upper := range b[:2] {
		for _, lower := range b[2:] {
			to := base
			for _, ref := range []string{upper[1], lower[1], media} {
				next, err := to.Parse(ref)
				if err != nil {
					t.Fatal(err)
				}
				to = next
			}
			found = append(found, to.Host+to.Path)
		}
	}
	return found
}

// TestFromEachOfSeveralBasesTheSameTarget asks another implementation of RFC 3986 what a
// template leads to from each of the BaseURLs at two levels, and through the session:
// what a player takes any of them for, it gets what it would get at the origin.
func TestFromEachOfSeveralBasesTheSameTarget(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	ref := func() string {
		text := strings.Repeat("../", r.IntN(4)) + strings.Repeat("a/b/", r.IntN(2)) + strings.Repeat("c/", r.IntN(2))
		if r.IntN(3) == 0 {
			text = "/" + strings.TrimPrefix(text, "/")
		}
		return text
	}
	climbed, rooted := 0, 0
	for range 8000 {
		bases, inner := []string{ref(), ref()}, []string{ref(), ref()}
		media, several := ref()+"n.m4s", r.IntN(2) == 0
		if several {
			media = strings.TrimPrefix(media, "/")
		} else if at := r.IntN(2); r.IntN(4) > 0 {
			bases[at] = "http://far.example/" + strings.TrimPrefix(bases[at], "/")
		} else {
			inner[at] = "http://far.example/" + strings.TrimPrefix(inner[at], "/")
		}
		body := fmt.Sprintf(`<MPD><BaseURL>%s</BaseURL><BaseURL>%s</BaseURL><Period><BaseURL>%s</BaseURL><BaseURL>%s</BaseURL><AdaptationSet><SegmentTemplate media="%s"/><Representation/></AdaptationSet></Period></MPD>`,
			bases[0], bases[1], inner[0], inner[1], media)
		if strings.Contains(body, "<BaseURL></BaseURL>") {
			continue
		}
		m := parsed(t, site(t, "http://o.example", "/x/y/m.mpd"), body)
		out := string(m.Edits().Append(nil, m.draft.Body, "/s/TOKEN"))
		want, got := leadsTo(t, body, "http://o.example/x/y/m.mpd"), leadsTo(t, out, "http://public.example/s/TOKEN/x/y/m.mpd")
		if strings.Contains(out, uri.Deeper) {
			climbed++
		}
		if !several && strings.Contains(out, `media="..`) && strings.HasPrefix(media, "/") {
			rooted++
		}
		for i := range want {
			path, ok := strings.CutPrefix(got[i], "public.example/s/TOKEN")
			for strings.HasPrefix(path, uri.Deeper+"/") {
				path = path[len(uri.Deeper):]
			}
			if !ok {
				path = got[i]
			} else {
				path = "o.example" + path
			}
			if path != want[i] {
				t.Fatalf("%s\nbecame %s\nwhich leads to %s, want %s", body, out, got[i], want[i])
			}
		}
	}
	if climbed < 500 || rooted < 300 {
		t.Errorf("%d only had to be deeper, %d were rooted below two hosts", climbed, rooted)
	}
}

// A base beside one of another host is made deeper however it is written, and whatever level
// it is of: what is rooted climbs to the session's root from each of ours.
func TestABaseBesideOneElsewhereIsMadeDeeper(t *testing.T) {
	const segments = `<AdaptationSet><SegmentTemplate media="/z/1.m4s"/><Representation/></AdaptationSet></Period></MPD>`
	for body, want := range map[string]string{
		`<MPD><BaseURL>http://far.example/</BaseURL><BaseURL><![CDATA[a/]]></BaseURL><Period>`:                                                `/s/TOKEN/x/a/`,
		`<MPD><BaseURL>http://far.example/</BaseURL><BaseURL></BaseURL><Period>`:                                                              `/s/TOKEN/x/`,
		`<MPD><BaseURL>http://far.example/</BaseURL><BaseURL>a/</BaseURL><Period><BaseURL>http://o.example/b/</BaseURL><BaseURL>c/</BaseURL>`: `http://public.example/s/TOKEN/b/`,
	} {
		m, prefix := parsed(t, site(t, "http://o.example", "/x/m.mpd"), body+segments), "/s/TOKEN"
		if m.Abroad() {
			prefix = "http://public.example" + prefix
		}
		out := string(m.Edits().Append(nil, m.draft.Body, prefix))
		if !strings.Contains(out, `media="../`) || !strings.Contains(out, uri.Deeper) || !strings.Contains(strings.ReplaceAll(out, uri.Deeper, ""), want) {
			t.Errorf("%s became %s", body, out)
		}
	}
}

// TestEachRepresentationIsLedFromItsOwnBase: representations of one set, and of one MPD, lie
// at several places, and at other hosts, or where the MPD is; with and without a base path
// of the origin. Each one's segments are what they are at the origin, by the other
// implementation of RFC 3986.
func TestEachRepresentationIsLedFromItsOwnBase(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	seen := map[string]int{}
	for range 1500 {
		root, top, body := someBases(r)
		m := parsed(t, site(t, "http://o.example"+root, "/x/y/m.mpd"), body)
		prefix := "/s/TOKEN"
		if m.Abroad() {
			prefix = "http://public.example" + prefix
		}
		out := string(m.Edits().Append(nil, m.draft.Body, prefix))
		want, all := leadFrom(t, body, "http://o.example"+root+"/x/y/m.mpd"), true
		for _, at := range append(leadFrom(t, inTemplate.ReplaceAllString(body, `media=""`), "http://o.example"+root+"/x/y/m.mpd"), want...) {
			all = all && (!strings.HasPrefix(at, "o.example/") || strings.HasPrefix(at, "o.example"+root+"/"))
		}
		if !all {
			continue // it leaves the base path
		}
		if m.Left() > 0 {
			t.Fatalf("%s\n%d are left", body, m.Left())
		}
		for i, at := range leadFrom(t, out, "http://public.example/s/TOKEN/x/y/m.mpd") {
			if path, ok := strings.CutPrefix(at, "public.example/s/TOKEN"); ok {
				at = "o.example" + root + uri.Climbed(path)
			}
			if at != want[i] {
				t.Fatalf("below %q: %s\nbecame %s\nwhere %d leads to %s, want %s", root, body, out, i, at, want[i])
			}
		}
		if strings.Contains(out, uri.Deeper) {
			seen[root]++
			if strings.Contains(out, "</ProgramInformation><BaseURL>"+prefix) && top == "" {
				seen["new"]++
			}
		}
	}
	for _, what := range []string{"", "/b", "/base/p", "new"} {
		if seen[what] < 30 {
			t.Errorf("%q: %d times only", what, seen[what])
		}
	}
}

// someBases is an MPD of an origin with a base path or none, whose representations have
// BaseURLs or none below that of the MPD, top.
func someBases(r *rand.Rand) (root, top, body string) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	root = pick("", "/b", "/base/p")
	ref := func() string {
		return pick("", root+"/", strings.Repeat("../", r.IntN(3))) + strings.Repeat("a/", r.IntN(3)) + strings.Repeat("c/", r.IntN(2))
	}
	base := func() string {
		switch text := ref(); {
		case r.IntN(3) == 0, text == "":
			return ""
		case r.IntN(3) == 0:
			return "http://far.example" + pick(root, "") + "/" + strings.TrimLeft(strings.TrimPrefix(text, root), "/.")
		case r.IntN(2) == 0:
			return "http://o.example" + root + "/" + strings.TrimLeft(strings.TrimPrefix(text, root), "/.")
		default:
			return text
		}
	}
	element := func(text string) string {
		if text == "" {
			return ""
		}
		return "<BaseURL>" + text + "</BaseURL>"
	}
	top, reps, media := base(), []string{base(), base(), base()}, ref()+"n.m4s"
	body = `<MPD><ProgramInformation><Title/></ProgramInformation>` + element(top) + `<Period><AdaptationSet><SegmentTemplate media="` + media + `"/>`
	for _, text := range reps {
		body += "<Representation>" + element(text) + "</Representation>"
	}
	return root, top, body + "</AdaptationSet></Period></MPD>"
}

// leadFrom is where the template of such an MPD leads to, from the place of each
// representation.
func leadFrom(t *testing.T, text, at string) (found []string) {
	t.Helper()
	read := func(text, at string) *url.URL {
		to, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if b := inBase.FindStringSubmatch(text); b != nil {
			if to, err = to.Parse(b[1]); err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	media := inTemplate.FindStringSubmatch(text)[1]
	top, reps, _ := strings.Cut(text, "<Period>")
	for rep := range strings.SplitSeq(strings.TrimSuffix(reps, "</Representation></AdaptationSet></Period></MPD>"), "</Representation>") {
		to, err := read(rep, read(top, at).String()).Parse(media)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, to.Host+to.Path)
	}
	return found
}
