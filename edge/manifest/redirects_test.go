package manifest

import (
	"fmt"
	"strings"
	"testing"
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
