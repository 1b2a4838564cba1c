package access

import (
	"net/http"
	"net/url"
	"strings"
)

// maxToken bounds a token's text, in bytes.
const maxToken = 8 << 10

const bearer = "Bearer "

// HeaderCAT is the field, and the name of the cookie, for CATs.
const HeaderCAT = "CTA-Common-Access-Token"

// names of query parameters, unless a rule says otherwise. RFC 9246 names the
// second of a JWT.
var names = map[string][]string{
	KindURL: {"token"},
	KindJWT: {"jwt", "URISigningPackage"},
	KindCAT: {"CAT", "cat"},
}

// parameters are the query parameters in which a rule finds tokens of a kind.
func (r *Rule) parameters(kind string) []string {
	if name := r.parameter[kind]; name != "" {
		return []string{name}
	}
	return names[kind]
}

// find looks for a token: a field of the request first, then the query.
func (r *Rule) find(kind string, q Request) (string, bool) {
	switch kind {
	case KindJWT:
		if text, ok := strings.CutPrefix(q.Header.Get("Authorization"), bearer); ok {
			return strings.TrimSpace(text), true
		}
	case KindCAT:
		if text := q.Header.Get(HeaderCAT); text != "" {
			return text, true
		}
		if cookies := q.Header.Values("Cookie"); len(cookies) > 0 {
			for _, c := range (&http.Request{Header: http.Header{"Cookie": cookies}}).CookiesNamed(HeaderCAT) {
				return c.Value, true
			}
		}
	}
	_, query, _ := strings.Cut(q.Target, "?")
	for _, name := range r.parameters(kind) {
		for part := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(part, "=")
			if key != name {
				continue
			}
			// A plus sign is itself: no token is made of words.
			text, err := url.PathUnescape(value)
			return text, err == nil
		}
	}
	return "", false
}

// strip takes every token out of a target, of whatever kind the rule takes. The
// rest stays as it was, to the byte.
func (r *Rule) strip(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if !r.isToken(name) {
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return path
	}
	return path + "?" + strings.Join(kept, "&")
}

func (r *Rule) isToken(name string) bool {
	for _, kind := range r.Tokens {
		for _, one := range r.parameters(kind) {
			if one == name {
				return true
			}
		}
	}
	return false
}

// Shown tells whether fields of a request carry a token of a kind that the rule takes.
func (r *Rule) Shown(get func(name string) string) bool {
	for _, kind := range r.Tokens {
		switch kind {
		case KindJWT:
			if strings.HasPrefix(get("Authorization"), bearer) {
				return true
			}
		case KindCAT:
			if get(HeaderCAT) != "" || strings.Contains(get("Cookie"), HeaderCAT) {
				return true
			}
		}
	}
	return false
}

// Strip takes those tokens out of the fields.
func (r *Rule) Strip(h http.Header) {
	for _, kind := range r.Tokens {
		switch kind {
		case KindJWT:
			if strings.HasPrefix(h.Get("Authorization"), bearer) {
				h.Del("Authorization")
			}
		case KindCAT:
			h.Del(HeaderCAT)
			stripCookie(h)
		}
	}
}

// stripCookie leaves the other cookies as they are.
func stripCookie(h http.Header) {
	var lines []string
	for _, line := range h["Cookie"] {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			if name, _, _ := strings.Cut(strings.TrimSpace(pair), "="); name != HeaderCAT {
				kept = append(kept, strings.TrimSpace(pair))
			}
		}
		if len(kept) > 0 {
			lines = append(lines, strings.Join(kept, "; "))
		}
	}
	if h.Del("Cookie"); len(lines) > 0 {
		h["Cookie"] = lines
	}
}
