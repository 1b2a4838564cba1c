package rules

import (
	"strings"
	"time"
)

// targetedDirectives reads CDN-Cache-Control, a dictionary of structured fields
// (RFC 9213 section 2.1, RFC 8941 section 3.2). False: it is none, or empty, and
// then Cache-Control counts. Inner lists, which no directive has, make it none.
func targetedDirectives(text string) (d directives, ok bool) {
	d.targeted = true
	p := dictionary{strings.Trim(text, " ")}
	for p.rest != "" {
		name, value, valid := p.member()
		if !valid {
			return directives{}, false
		}
		if flag := d.flag(name); flag != nil {
			*flag = value != "?0"
		} else if to := d.lapse(name); to != nil {
			n, number := digits(value)
			if !number {
				return directives{}, false // of another type
			}
			*to = lapse{time.Duration(n) * time.Second, true}
		}
		if !p.comma() {
			return directives{}, false
		}
		ok = true
	}
	return d, ok
}

// dictionary is what is left of one to be read.
type dictionary struct{ rest string }

// member takes a key, its value and its parameters; a value that is left out is
// the truth.
func (p *dictionary) member() (name, value string, ok bool) {
	if name, ok = p.key(); !ok {
		return "", "", false
	}
	value = "?1"
	if p.take('=') {
		if value, ok = p.bare(); !ok {
			return "", "", false
		}
	}
	for p.take(';') {
		p.rest = strings.TrimLeft(p.rest, " ")
		if _, ok = p.key(); !ok {
			return "", "", false
		}
		if p.take('=') {
			if _, ok = p.bare(); !ok {
				return "", "", false
			}
		}
	}
	return name, value, true
}

// comma takes what stands between two members; one at the end is an error.
func (p *dictionary) comma() bool {
	p.rest = strings.TrimLeft(p.rest, " \t")
	if p.rest == "" {
		return true
	}
	if !p.take(',') {
		return false
	}
	p.rest = strings.TrimLeft(p.rest, " \t")
	return p.rest != ""
}

func (p *dictionary) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *dictionary) span(set string) string {
	n := len(p.rest) - len(strings.TrimLeft(p.rest, set))
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return text
}

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	decimals = "0123456789"
	keyChars = lower + decimals + "_-.*"
)

func (p *dictionary) key() (string, bool) {
	if p.rest == "" || !strings.Contains(lower+"*", p.rest[:1]) {
		return "", false
	}
	return p.span(keyChars), true
}

// bare takes a bare item: a string, bytes, a boolean, a number or a token, as it
// stands.
func (p *dictionary) bare() (string, bool) {
	if p.rest == "" {
		return "", false
	}
	switch c := p.rest[0]; {
	case c == '"':
		return p.quoted()
	case c == ':':
		end := strings.IndexByte(p.rest[1:], ':')
		if end < 0 {
			return "", false
		}
		text := p.rest[:end+2]
		p.rest = p.rest[end+2:]
		return text, true
	case c == '?':
		if text := p.rest[:min(2, len(p.rest))]; text == "?0" || text == "?1" {
			p.rest = p.rest[2:]
			return text, true
		}
		return "", false
	case c == '-' || strings.IndexByte(decimals, c) >= 0:
		text := p.span("-" + decimals + ".")
		return text, strings.Trim(text, "-.") != "" && strings.LastIndexByte(text, '-') <= 0 && text[len(text)-1] != '.'
	case c == '*' || strings.IndexByte(lower, c|0x20) >= 0:
		return p.span(lower + strings.ToUpper(lower) + decimals + "!#$%&'*+-.^_`|~:/"), true
	}
	return "", false
}

// quoted takes a string with its quotes.
func (p *dictionary) quoted() (string, bool) {
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\\':
			if i++; i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return "", false
			}
		case c < ' ' || c > '~':
			return "", false
		case c == '"':
			text := p.rest[:i+1]
			p.rest = p.rest[i+1:]
			return text, true
		}
	}
	return "", false
}
