package rules

import (
	"net/http"
	"strings"
	"testing"
)

// fields makes a head of "Name: value" pairs.
func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// What an origin lets one page read with credentials is no other page's, and what it said
// to one that it lets read nothing, or to nobody's page, is none of one that asks with
// credentials: whether it owns up to that in its Vary or not.
func TestWhatOnePageMayReadIsNoOtherPages(t *testing.T) {
	nobody, plain := fields(), fields("Origin: https://a.test")
	a, b := fields("Origin: https://a.test", "Cookie: x"), fields("Origin: https://b.test", "Cookie: x")
	for _, c := range []struct {
		what           string
		answer, to     http.Header
		fits, fitsNone []http.Header
		common         bool
	}{
		{"for all pages", fields("Access-Control-Allow-Origin: *"), nobody, []http.Header{nobody, plain, a, b}, nil, true},
		{"repeated, without credentials", fields("Access-Control-Allow-Origin: https://a.test"), plain, []http.Header{nobody, plain}, []http.Header{a, b}, true},
		{"no word on pages", fields(), nobody, []http.Header{nobody, plain}, []http.Header{a, b}, true},
		{"with credentials for nobody's page", fields("Access-Control-Allow-Credentials: true"), nobody, []http.Header{nobody, plain}, []http.Header{a, b}, true},
		{"with credentials", fields("Access-Control-Allow-Origin: https://a.test", "Access-Control-Allow-Credentials: true"), a, []http.Header{plain, a}, []http.Header{nobody, b}, false},
		{"refused", fields(), b, []http.Header{b}, []http.Header{nobody, plain, a}, false},
		{"refused, and says so", fields("Vary: Origin", "Access-Control-Allow-Origin: *"), nobody, []http.Header{nobody, plain}, []http.Header{a, b}, true},
	} {
		selection := SelectionOf(http.StatusOK, c.answer, c.to, "", HasCredentials(c.to))
		for _, r := range c.fits {
			if !Selects(selection, r) {
				t.Errorf("%s: %q does not fit %v", c.what, selection, r)
			}
		}
		for _, r := range c.fitsNone {
			if Selects(selection, r) {
				t.Errorf("%s: %q fits %v", c.what, selection, r)
			}
		}
		if Common(selection) != c.common {
			t.Errorf("%s: common is %t of %q", c.what, !c.common, selection)
		}
	}
}

// An answer is given a Vary where what it was chosen by shows without.
func TestAnAnswerOwnsUpToWhatItWasChosenBy(t *testing.T) {
	browser := fields("Accept: text/html, image/AVIF,image/webp;q=0.8, */*")
	for _, c := range []struct {
		target       string
		answer, from http.Header
		want         string
	}{
		{"/1.jpg", fields("Content-Type: image/webp"), browser, "Accept"},
		{"/thumb?w=1.webp", fields("Content-Type: Image/AVIF; x=y"), browser, "Accept"},
		{"/1.WEBP?w=1", fields("Content-Type: image/webp"), browser, ""},
		{"/1.jpg", fields("Content-Type: image/webp"), fields("Accept: */*"), ""},
		{"/1.jpg", fields("Content-Type: image/jpeg"), fields("Accept: image/jpeg"), ""},
		{"/1.ts", fields("Access-Control-Allow-Origin: https://a.test", "Access-Control-Allow-Credentials: true"), fields(), "Origin"},
		{"/1.ts", fields("Access-Control-Allow-Origin: https://a.test", "Access-Control-Allow-Credentials: true", "Vary: x, origin"), fields(), "x, origin"},
		{"/1.ts", fields("Access-Control-Allow-Origin: https://a.test"), fields(), ""},
	} {
		OwnUp(c.answer, c.from, c.target)
		if got := strings.Join(c.answer["Vary"], ", "); got != c.want {
			t.Errorf("%s %v: Vary %q, want %q", c.target, c.answer, got, c.want)
		}
	}
}
