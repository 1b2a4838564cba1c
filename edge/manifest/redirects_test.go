package manifest

import (
	"fmt"
	"strings"
	"testing"

	"tandem/edge/rules"
	"tandem/segstore"
)

func TestRedirectsLeadBackToWhatIsNamed(t *testing.T) {
	var r Redirects
	r.Note("/1.ts", "/mid/1.ts")
	r.Note("/mid/1.ts", "/far/1.ts?sig=a")
	r.Note("/far/1.ts?sig=a", "/1.ts") // a loop names nothing
	r.Note("/2.ts", "/2.ts")
	r.Note("/3.ts", "/"+strings.Repeat("x", maxRedirected))
	for target, want := range map[string]string{"/mid/1.ts": "/1.ts", "/far/1.ts?sig=a": "/1.ts", "/1.ts": "", "/2.ts": "", "/" + strings.Repeat("x", maxRedirected): ""} {
		if got, _ := r.Named(target); got != want {
			t.Errorf("%.30s: %q, want %q", target, got, want)
		}
	}
	for i := range 3 * maxRedirects {
		r.Note(fmt.Sprint("/n", i), fmt.Sprint("/t", i))
	}
	if len(r.named) != maxRedirects || len(r.order) != maxRedirects {
		t.Errorf("%d and %d are remembered, at most %d", len(r.named), len(r.order), maxRedirects)
	}
	if _, ok := r.Named("/mid/1.ts"); ok {
		t.Error("the oldest is remembered still")
	}
	if got, _ := r.Named(fmt.Sprint("/t", 3*maxRedirects-1)); got != fmt.Sprint("/n", 3*maxRedirects-1) {
		t.Errorf("the last one: %q", got)
	}
}

// An address that is signed anew with each reload is the one that led to it; what nobody
// led to is by its query another channel.
func TestASignedAddressIsOfTheFamilyThatLedToIt(t *testing.T) {
	s := newStage(t, Config{})
	r := &s.Redirects
	for i := range 3 {
		r.Note("/a.m3u8?ch=1", fmt.Sprint("/b.m3u8?ch=1&sig=", i))
		r.Note("/a.m3u8?ch=2", fmt.Sprint("/b.m3u8?ch=2&sig=", i))
	}
	for _, led := range [][2]string{{"/m.mpd", "m.mpd?sig=1"}, {"/m.mpd?sig=1", "http://o.example/m.mpd?sig=2"}, {"/m.mpd?sig=2", "http://far.example/m.mpd?sig=3"}} {
		s.Parse(led[0], &segstore.Meta{}, []byte(`<MPD type="dynamic"><Location> `+led[1]+` </Location></MPD>`))
	}
	for of, same := range map[string][]string{
		"/b.m3u8?ch=1&sig=0": {"/b.m3u8?ch=1&sig=1", "/b.m3u8?ch=1&sig=2", "/b.m3u8?ch=1&sig=2&_HLS_msn=7"},
		"/m.mpd?sig=1":       {"/m.mpd", "/m.mpd?sig=2"},
	} {
		for _, key := range same {
			if a, b := r.Family(of), r.Family(key); a != b {
				t.Errorf("%s is of %q, %s of %q", of, a, key, b)
			}
		}
	}
	for _, two := range [][2]string{
		{"/b.m3u8?ch=1&sig=0", "/b.m3u8?ch=2&sig=0"},
		{"/b.m3u8?ch=1&sig=0", "/a.m3u8?ch=1"},
		{"/m.mpd", "/m.mpd?sig=3"},
		{"/c.m3u8?ch=1", "/c.m3u8?ch=2"},
		{"/m.mpd", "/m.mpd" + rules.VariantMark + "1"},
	} {
		if a, b := r.Family(two[0]), r.Family(two[1]); a == b {
			t.Errorf("%s and %s are one: %q", two[0], two[1], a)
		}
	}
}
