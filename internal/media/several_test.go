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
