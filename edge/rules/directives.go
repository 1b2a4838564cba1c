package rules

import (
	"net/http"
	"strings"
	"time"
)

// directives are what a response says to a shared cache: Cache-Control (RFC 9111
// section 5.2.2), or CDN-Cache-Control in its place (RFC 9213).
type directives struct {
	noStore, private, noCache, public    bool
	mustRevalidate, proxyRevalidate      bool
	mustUnderstand                       bool
	maxAge, sMaxage                      lapse
	staleIfError, staleWhileRevalidating lapse
	targeted                             bool // CDN-Cache-Control: Expires does not count
}

// lapse is a directive's time; said tells that the directive is there.
type lapse struct {
	time time.Duration
	said bool
}

// directivesOf reads the head of a response. What is said twice counts the first
// time (section 4.2.1).
func directivesOf(h http.Header) directives {
	if lines := h["Cdn-Cache-Control"]; len(lines) > 0 {
		if d, ok := targetedDirectives(strings.Join(lines, ", ")); ok {
			return d
		}
	}
	var d directives
	for _, line := range h["Cache-Control"] {
		for line != "" {
			var name, value string
			name, value, line = nextDirective(line)
			d.note(strings.ToLower(name), value)
		}
	}
	return d
}

// nextDirective takes one directive off a list. A comma within quotes does not
// end it. Outside of them a semicolon and white space before another word end it as
// well: origins write "no-store; max-age=0" and "no-cache no-store", which the grammar
// of RFC 9111 section 5.2 has not, and whose answers must not be kept all the same.
func nextDirective(list string) (name, value, rest string) {
	quoted, end := false, len(list)
	for i := 0; i < len(list) && end == len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || isSpace(c) && partsWords(list, i)):
			end = i
		}
	}
	if end < len(list) {
		rest = list[end+1:]
	}
	name, value, _ = strings.Cut(strings.Trim(list[:end], " \t"), "=")
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return name, value, rest
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// partsWords tells whether white space begins at list[i] that stands between two words,
// and not beside a comma, a semicolon or an equals sign.
func partsWords(list string, i int) bool {
	if i == 0 || isSpace(list[i-1]) || list[i-1] == '=' {
		return false
	}
	after := strings.TrimLeft(list[i:], " \t")
	return after != "" && !strings.ContainsRune("=,;", rune(after[0]))
}

// note takes one directive in. Lists of fields behind no-cache and private are
// not looked at: the whole response is treated so, as the RFC allows.
func (d *directives) note(name, value string) {
	if flag := d.flag(name); flag != nil {
		*flag = true
		return
	}
	if to := d.lapse(name); to != nil && !to.said {
		*to = lapse{seconds(value), true}
	}
}

func (d *directives) flag(name string) *bool {
	switch name {
	case "no-store":
		return &d.noStore
	case "private":
		return &d.private
	case "no-cache":
		return &d.noCache
	case "public":
		return &d.public
	case "must-revalidate":
		return &d.mustRevalidate
	case "proxy-revalidate":
		return &d.proxyRevalidate
	case "must-understand":
		return &d.mustUnderstand
	}
	return nil
}

func (d *directives) lapse(name string) *lapse {
	switch name {
	case "max-age":
		return &d.maxAge
	case "s-maxage":
		return &d.sMaxage
	case "stale-if-error":
		return &d.staleIfError
	case "stale-while-revalidate":
		return &d.staleWhileRevalidating
	}
	return nil
}

// longest is what a larger number of seconds counts as.
const longest = 10 * 365 * 24 * time.Hour

// seconds reads delta-seconds; malformed ones are none, so the response is stale
// (section 4.2.1).
func seconds(text string) time.Duration {
	n, ok := digits(text)
	if !ok {
		return 0
	}
	return time.Duration(n) * time.Second
}

// digits reads a number of seconds of any length, bounded by longest.
func digits(text string) (n int64, ok bool) {
	if text == "" {
		return 0, false
	}
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), int64(longest/time.Second))
	}
	return n, true
}
