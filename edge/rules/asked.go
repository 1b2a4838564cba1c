package rules

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"tandem/internal/media"
	"tandem/segstore"
)

// What becomes of a field of a viewer's request when an answer is fetched for all.
type fate int

const (
	sent   fate = iota // it goes to the origin, which says in Vary if it matters
	always             // as odd, and it is never left out (RFC 8586 section 2)
	odd                // it goes along, and marks what comes back: see Selects
	own                // it stays behind: the answer to this viewer alone may need it
	stays              // it stays behind, and no answer needs it
)

// fateOf is the list of the fields that may shape what is stored for all: the first
// row. What is on no list is odd.
func fateOf(name string) fate {
	switch name {
	case "Accept", "Accept-Language", "Authorization", "Origin":
		return sent
	case "Cdn-Loop":
		return always
	case "Cookie", "Range", "If-Range", "If-Match", "If-Unmodified-Since",
		"Forwarded", "X-Host", "X-Original-Url", "X-Original-Host", "X-Rewrite-Url", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
		"X-Real-Ip", "True-Client-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip":
		return own // most are known to poison caches: origins make answers of them that name no Vary
	case "User-Agent", "Referer", "Accept-Encoding", "Cache-Control", "Pragma", "If-None-Match", "If-Modified-Since", "Content-Length", "Content-Type", "Host",
		"Dnt", "Priority", "Save-Data", "Upgrade-Insecure-Requests", "X-Requested-With", "X-Request-Id", "X-Correlation-Id", "Traceparent", "Tracestate",
		"Icy-Metadata", "Transfermode.dlna.org", "Getcontentfeatures.dlna.org":
		return stays
	}
	switch {
	case strings.HasPrefix(name, "X-Forwarded-"):
		return own
	case strings.HasPrefix(name, "Sec-"):
		return stays
	}
	return odd
}

// told are those of the fields that stay behind which go along where the origin's Vary names
// them: they say who asks, and many viewers say the same.
func told(name string) bool {
	switch name {
	case "User-Agent", "Referer", "Dnt", "Save-Data", "X-Requested-With":
		return true
	}
	return strings.HasPrefix(name, "Sec-")
}

// StaysBehind tells that a field is left out where an answer is fetched for all.
func StaysBehind(name string) bool { return fateOf(http.CanonicalHeaderKey(name)) > odd }

// maxOdd bounds the names by which an answer is marked, in bytes; a request with
// more is fetched for as if it had none.
const maxOdd = 512

// ForAll copies what of a viewer's fields goes along when an answer is fetched for
// all, of those that Asks.Of has left, and returns the names of those among them that mark the answer, sorted and
// parted by commas. plainly leaves the odd ones out.
func ForAll(to, from http.Header, plainly bool) string {
	var names, kept []string
	length := 0
	listed := listedIn(from)
	for name := range from {
		switch f := fateOf(name); {
		case !endToEnd(name, listed):
		case f == always:
			kept = append(kept, strings.ToLower(name))
		case f == odd:
			names = append(names, strings.ToLower(name))
			length += len(name) + 1
		}
	}
	plainly = plainly || length > maxOdd
	Carry(to, from, func(name string) bool { f := fateOf(name); return f <= always || f == odd && !plainly || told(name) })
	if !plainly {
		kept = append(kept, names...)
	}
	slices.Sort(kept)
	return strings.Join(kept, ",")
}

// Plain tells whether an answer that was fetched for all is the one that a request
// would get by itself, whatever it varies by that was sent. vary are the names of
// the answer's Vary.
func Plain(h http.Header, vary []string) bool {
	for name := range h {
		switch fateOf(name) {
		case own:
			return false
		case stays:
			if slices.Contains(vary, strings.ToLower(name)) {
				return false
			}
		}
	}
	return true
}

// Asks says what of a viewer's fields goes along where an answer is fetched for all, by
// what is there already. The zero value: nothing is.
type Asks struct {
	Plainly bool   // what is there was fetched with odd fields: without them it fits all
	varies  string // the names in the Vary of what is there
}

// Note takes the selection of an answer that is there and does not fit a request.
func (a *Asks) Note(selection string, request Fields) {
	a.Plainly = a.Plainly || Odd(selection, request)
	names, _, _ := strings.Cut(selection, ":")
	a.varies += "," + names
}

// Peer takes a neighbour's request: what it says of its viewer goes along. What Go's client says
// of itself, where an older build asks, is no viewer's.
func (a *Asks) Peer(h http.Header) {
	for name := range h {
		if told(name) && !strings.HasPrefix(h.Get(name), "Go-http-client/") {
			a.varies += "," + strings.ToLower(name)
		}
	}
}

// Alone tells that an answer to this request is for nobody else, by what is known of those that
// are there and of others: some field that stays behind decides. One that may go along does.
func (a *Asks) Alone(h http.Header, known func(field string) bool) (alone bool) {
	for name := range h {
		if fateOf(name) <= odd {
			continue
		}
		switch field := strings.ToLower(name); {
		case a.named(field):
			alone = alone || !told(name)
		case !known(field):
		case told(name):
			a.varies += "," + field
		default:
			alone = true
		}
	}
	return alone
}

// named tells that the Vary of what is there names a field.
func (a *Asks) named(field string) bool {
	return slices.Contains(strings.Split(a.varies, ","), field)
}

// Of is a viewer's request without what says who asks, and without what media is not chosen by:
// every browser sends Accept and Accept-Language, so that no answer can be marked by them, and what
// an origin makes of them without a Vary would be given to all. Where its Vary names them they go along.
func (a *Asks) Of(h http.Header, path string) http.Header {
	h = maps.Clone(h)
	for name := range h {
		if (told(name) || media.KindOf(path, "") != media.Other && slices.Contains(negotiated, name)) && !a.named(strings.ToLower(name)) {
			delete(h, name)
		}
	}
	return h
}

var negotiated = []string{"Accept", "Accept-Language"}

// Chose tells whether what came was chosen by all that its Vary names of a request, or is an error.
func (a *Asks) Chose(m segstore.Meta, h http.Header, path string) bool {
	return ofRequest(m.Status) || !slices.ContainsFunc(Names(m.Vary), func(field string) bool {
		name := http.CanonicalHeaderKey(field)
		return h[name] != nil && (told(name) || media.KindOf(path, "") != media.Other && slices.Contains(negotiated, name)) && !a.named(field)
	})
}
