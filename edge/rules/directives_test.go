package rules

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/media"
)

func TestDirectivesAreReadAsTheRFCsSay(t *testing.T) {
	at := func(d time.Duration) lapse { return lapse{d * time.Second, true} }
	for _, c := range []struct {
		name, value string
		want        directives
	}{
		{"Cache-Control", `MAX-AGE=5, , Public ,no-cache="a, max-age=9"`, directives{maxAge: at(5), public: true, noCache: true}},
		{"Cache-Control", `x="\", no-store", s-maxage="7", max-age=1, max-age=2`, directives{sMaxage: at(7), maxAge: at(1)}},
		{"Cache-Control", `x="no-store`, directives{}},
		{"Cache-Control", `max-age='5', stale-if-error=99999999999999999999`, directives{maxAge: at(0), staleIfError: lapse{longest, true}}},
		{"Cache-Control", `private; max-age=5`, directives{private: true, maxAge: at(5)}},
		{"Cache-Control", `no-cache no-store	must-revalidate  max-age=0`, directives{noCache: true, noStore: true, mustRevalidate: true, maxAge: at(0)}},
		{"Cache-Control", `max-age=5; x="a; no-store b"; , public`, directives{maxAge: at(5), public: true}},
		{"Cache-Control", `max-age = 5, s-maxage= 6, private =x`, directives{sMaxage: at(0)}},
		{"Cache-Control", `max-age=-1, s-maxage=1.5, stale-while-revalidate=`, directives{maxAge: at(0), sMaxage: at(0), staleWhileRevalidating: at(0)}},
		{"Cdn-Cache-Control", `max-age=5, private, no-store=?0;a;b="c" , must-revalidate`, directives{targeted: true, maxAge: at(5), private: true, mustRevalidate: true}},
		{"Cdn-Cache-Control", `max-age=5, max-age=6, x=tok/en, y="a, \"no-store", z=:YQ==:, q=-1.5`, directives{targeted: true, maxAge: at(6)}},
		{"Cdn-Cache-Control", `none`, directives{targeted: true}},
	} {
		if got := directivesOf(http.Header{c.name: {c.value}}); got != c.want {
			t.Errorf("%s: %s\n got %+v\nwant %+v", c.name, c.value, got, c.want)
		}
	}
	// What is no dictionary, and what has directives of another type, is not there.
	for _, text := range []string{"", " ", "Max-Age=5", "max-age=5,", "max-age=5 no-store", `max-age="5"`, "max-age=5.0", "max-age", "a=(1 2)", "a=\"x", "a=?2", "a=:x", "a;", "a=-", "a==1", "a=1;B"} {
		h := http.Header{"Cdn-Cache-Control": {text}, "Cache-Control": {"max-age=7"}}
		if got := directivesOf(h); got != (directives{maxAge: at(7)}) {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func FuzzDirectives(f *testing.F) {
	f.Add(`max-age=5, x="a\"b,", ;y=:a:;z`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"Cache-Control", "Cdn-Cache-Control"} {
			d := directivesOf(http.Header{name: {text}})
			for _, l := range []lapse{d.maxAge, d.sMaxage, d.staleIfError, d.staleWhileRevalidating} {
				if l.time < 0 || l.time > longest {
					t.Errorf("%q: %+v", text, d)
				}
			}
		}
	})
}

func TestRulesForWhatAnOriginSays(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	no, day := Rules{}, 24*time.Hour
	for _, cc := range []string{"", "max-age=3600"} {
		for kind, want := range map[media.Kind]time.Duration{media.Segment: time.Second, media.Init: time.Second, media.Other: time.Hour} {
			if kind == media.Other && cc == "" {
				continue
			}
			for _, status := range []int{200, 204, 205} {
				if got := Of(Head{Status: status, Header: http.Header{"Cache-Control": {cc}}, Kind: kind, Empty: true}, now); got.Store != (cc != "" || status == 200) || got.Store && got.Fresh != want || kind != media.Other && got.ifError != 0 {
					t.Errorf("an empty %s, %d, %q: %+v", kind, status, cc, got)
				}
			}
		}
	}
	for _, c := range []struct {
		what   string
		status int
		kind   media.Kind
		h      http.Header
		want   Rules
	}{
		{"a segment has a life of its own", 200, media.Segment, http.Header{}, Rules{Store: true, Fresh: time.Hour, ifError: vodIfError}},
		{"and a playlist", 200, media.MediaPlaylist, http.Header{}, Rules{Store: true, Fresh: time.Second, ifError: vodIfError}},
		{"anything else has none", 200, media.Other, http.Header{}, Rules{Store: true, ifError: vodIfError}},
		{"but a tenth of its age", 200, media.Other, http.Header{"Last-Modified": {in(-time.Hour)}}, Rules{Store: true, Fresh: 6 * time.Minute, ifError: vodIfError}},
		{"a day at most", 200, media.Other, http.Header{"Last-Modified": {in(-365 * day)}}, Rules{Store: true, Fresh: day, ifError: vodIfError}},
		{"s-maxage goes before max-age", 200, media.Other, http.Header{"Cache-Control": {"max-age=9", "s-maxage=5"}, "Age": {"2"}}, Rules{Store: true, Fresh: 3 * time.Second}},
		{"Expires by the origin's clock", 200, media.Other, http.Header{"Expires": {in(time.Hour)}, "Date": {in(time.Hour - time.Minute)}}, Rules{Store: true, Fresh: time.Minute, ifError: vodIfError}},
		{"a malformed one is past", 200, media.Segment, http.Header{"Expires": {"0"}}, Rules{Store: true, ifError: vodIfError}},
		{"an error's life for players is short", 503, media.Segment, http.Header{"Cache-Control": {"max-age=60"}}, Rules{Store: true, Fresh: MissingLife}},
		{"for others it is as stated", 503, media.Other, http.Header{"Cache-Control": {"max-age=60"}}, Rules{Store: true, Fresh: time.Minute}},
		{"without one it is for those who wait", 500, media.Other, http.Header{}, Rules{Store: true}},
		{"so is one that is not to be stored", 503, media.Segment, http.Header{"Cache-Control": {"no-store, max-age=60"}}, Rules{Store: true}},
		{"what is there soon is not missing for long, whatever is stated", 404, media.Segment, http.Header{"Cache-Control": {"max-age=300"}}, Rules{Store: true, Fresh: time.Second}},
		{"for others it is as stated", 410, media.Other, http.Header{"Cache-Control": {"max-age=300"}}, Rules{Store: true, Fresh: 5 * time.Minute}},
		{"the first Age counts", 200, media.Other, http.Header{"Cache-Control": {"max-age=60"}, "Age": {"10, 50", "50"}}, Rules{Store: true, Fresh: 50 * time.Second, ifError: vodIfError}},
		{"one that is no number does not", 200, media.Other, http.Header{"Cache-Control": {"max-age=60"}, "Age": {"10.5"}}, Rules{Store: true, Fresh: time.Minute, ifError: vodIfError}},
		{"nor a negative one", 200, media.Other, http.Header{"Cache-Control": {"max-age=60"}, "Age": {"-10, 20"}}, Rules{Store: true, Fresh: time.Minute, ifError: vodIfError}},
		{"an hour of one digit is malformed", 200, media.Other, http.Header{"Expires": {"Thu, 18 Aug 2050 2:01:18 GMT"}}, Rules{Store: true, ifError: vodIfError}},
		{"so are two spaces", 200, media.Other, http.Header{"Expires": {"Thu, 18  Aug  2050 02:01:18 GMT"}}, Rules{Store: true, ifError: vodIfError}},
		{"and two dates", 200, media.Other, http.Header{"Expires": {in(time.Hour), in(2 * time.Hour)}}, Rules{Store: true, ifError: vodIfError}},
		{"not the same one twice", 200, media.Other, http.Header{"Expires": {in(time.Hour), in(time.Hour)}}, Rules{Store: true, Fresh: time.Hour, ifError: vodIfError}},
		{"asctime has two spaces", 200, media.Other, http.Header{"Expires": {"Fri Jan  2 04:04:05 2026"}}, Rules{Store: true, Fresh: time.Hour, ifError: vodIfError}},
		{"and RFC 850 dashes", 200, media.Other, http.Header{"Expires": {"Friday, 02-Jan-26 04:04:05 GMT"}}, Rules{Store: true, Fresh: time.Hour, ifError: vodIfError}},
		{"what is missing is asked for again soon", 404, media.Segment, http.Header{}, Rules{Store: true, Fresh: MissingLife}},
		{"a redirection needs a life", 302, media.Other, http.Header{}, no},
		{"and has it as stated", 302, media.Other, http.Header{"Cache-Control": {"max-age=60"}}, Rules{Store: true, Fresh: time.Minute}},
		{"a part is no object", 206, media.Other, http.Header{"Cache-Control": {"max-age=60"}}, no},
		{"an unknown status that must be understood", 299, media.Other, http.Header{"Cache-Control": {"max-age=60, must-understand"}}, no},
		{"a known one is, whatever else is said", 200, media.Other, http.Header{"Cache-Control": {"max-age=60, no-store, must-understand"}}, Rules{Store: true, Fresh: time.Minute, ifError: vodIfError}},
		{"must-revalidate is never stale", 200, media.Segment, http.Header{"Cache-Control": {"max-age=60, must-revalidate, stale-if-error=9, stale-while-revalidate=9"}}, Rules{Store: true, Fresh: time.Minute}},
		{"stale as it says", 200, media.Segment, http.Header{"Cache-Control": {"max-age=60, stale-if-error=9, stale-while-revalidate=8"}}, Rules{Store: true, Fresh: time.Minute, ifError: 9 * time.Second, renew: 8 * time.Second}},
		{"a cookie is one viewer's", 200, media.Segment, http.Header{"Set-Cookie": {"a=b"}, "Cache-Control": {"public, max-age=60"}}, no},
		{"CDN-Cache-Control in the others' place", 200, media.Other, http.Header{"Cdn-Cache-Control": {"max-age=5"}, "Cache-Control": {"no-store"}, "Expires": {"0"}}, Rules{Store: true, Fresh: 5 * time.Second, ifError: vodIfError}},
	} {
		if got := Of(Head{Status: c.status, Header: c.h, Kind: c.kind}, now); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.what, got, c.want)
		}
	}
}

func TestAWeakValidatorIsFoundAgain(t *testing.T) {
	for weak, want := range map[string]string{
		`W/"abc"`: `W/"abc"`, `W/""`: `W/""`, `W/"a,b"`: "", `W/"a b"`: "", `W/"a"b"`: "", `W/"a`: "", `W/`: "", "": "", "abc": "", `W/"`: "",
	} {
		tag := MadeTag(weak)
		if !OwnTag(tag) || tag[len(tag)-1] != '"' || OriginTag(tag) != want {
			t.Errorf("%s became %s, which is %q", weak, tag, OriginTag(tag))
		}
	}
	if OriginTag(`"strong"`) != `"strong"` || OriginTag("") != "" {
		t.Error("the origin's own is changed")
	}
}
