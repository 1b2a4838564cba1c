package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/wire"
	"tandem/segstore"
)

// Variants is how many answers a key can have beside the first one, by what Vary
// names of the request. They take each other's place: bounded, and all of them
// are found without a list when the key is purged.
const Variants = 32

// VaryOf lists the fields of the request that select an answer, in lower case. Not
// Accept-Encoding: the origin is asked without content coding; nor Origin where CORS
// is the edge's own.
func VaryOf(h http.Header) []string {
	var names []string
	if Credentialed(h) {
		names = append(names, "origin")
	}
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			switch name = strings.ToLower(strings.Trim(name, " \t")); name {
			case "", "accept-encoding", "origin", "access-control-request-headers", "access-control-request-method":
				continue
			case "host", "range", "if-range", "if-none-match", "if-modified-since": // one host is asked, for all of it
				continue
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Credentialed tells whether an origin lets pages of one origin read an answer with
// credentials (Fetch standard, CORS): then its word counts, and not the edge's, which
// lets everybody read without.
func Credentialed(h http.Header) bool {
	return h.Get("Access-Control-Allow-Credentials") == "true" && h.Get("Access-Control-Allow-Origin") != ""
}

// KeptCORS tells whether a copy has its origin's word on credentials.
func KeptCORS(m *segstore.Meta) bool {
	return strings.Contains(m.Fields, "Access-Control-Allow-Credentials: true\r\n") && strings.Contains(m.Fields, "Access-Control-Allow-Origin: ")
}

// byOrigin tells whether what an origin says of CORS may be another thing for
// another page's request, though this one's answer says nothing of credentials: its
// Vary says so, or it has no word for all pages. Servers that look pages up in a list,
// or repeat the Origin of whoever asks, often forget the Vary.
func byOrigin(h http.Header) bool {
	return !Credentialed(h) && (variesByOrigin(h) || h.Get("Access-Control-Allow-Origin") != "*")
}

func variesByOrigin(h http.Header) bool {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(name, " \t"), "origin") {
				return true
			}
		}
	}
	return false
}

// Selectable tells whether what Vary names can be looked at: not "*", nor fields that go no
// further than one connection. What a fill does not carry selects those who don't send it.
func Selectable(h http.Header) bool {
	return !slices.ContainsFunc(VaryOf(h), func(name string) bool {
		return name == "*" || !endToEnd(http.CanonicalHeaderKey(name), nil)
	})
}

// negotiable are types that servers send, in place of what a name stands for, to who says
// that it takes them; many do it without a Vary.
var negotiable = []string{"image/webp", "image/avif", "image/jxl"}

// OwnUp adds to the Vary of an answer what it was chosen by and does not say: the page that
// it lets read with credentials, and Accept, where that got another type than the name's.
func OwnUp(h, request http.Header, target string) {
	if Credentialed(h) && !variesByOrigin(h) {
		h.Add("Vary", "Origin")
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if slices.Contains(negotiable, kind) && !strings.EqualFold(path.Ext(PathOf(target)), "."+kind[len("image/"):]) && strings.Contains(strings.ToLower(request.Get("Accept")), kind) {
		h.Add("Vary", "Accept")
	}
}

// marks of a selection beside the names of Vary.
const (
	withCredentials = "+credentials"
	withoutCookie   = "+anonymous"
	common          = "::" + withCredentials
)

// Common tells that a selection fits everybody but pages that ask with credentials: the
// copy is worth a second one, and a place in an inventory.
func Common(selection string) bool { return selection == "" || selection == common }

// ofRequest tells whether a status may speak of the request, and not of the object (RFC
// 9110 sections 15.5 and 15.6): what one request brought about is no answer to another.
func ofRequest(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusGone, http.StatusRequestedRangeNotSatisfiable, http.StatusTooManyRequests:
		return false
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return true
	}
	return status >= 400 && status < 500
}

// allSent are the fields that go along with what is fetched for all: see fateOf.
var allSent = []string{"accept", "accept-language", "authorization", "origin", "cdn-loop", "via"}

// SelectionOf says by what an answer to a request was selected: the names of its
// Vary and a hash of their values, since a value can be a secret; and the names of
// the odd fields that went along, which the origin may have made something of without
// a Vary. credentials tells whether the viewer's request has some (HasCredentials).
// An error that may be the request's own is selected by all that went along, and is none
// for who shows a cookie. "" for all requests.
func SelectionOf(status int, h, request http.Header, odd string, credentials bool) string {
	names := VaryOf(h)
	for _, name := range slices.Sorted(maps.Keys(request)) { // whoever says who he is decides for nobody else, whether the answer says so or not
		if field := strings.ToLower(name); told(name) && !slices.Contains(names, field) {
			names = append(names, field)
		}
	}
	switch {
	case ofRequest(status):
		for _, name := range allSent {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		odd = strings.TrimPrefix(odd+","+withoutCookie, ",")
	case !byOrigin(h):
	case credentials: // others' may be allowed, this one's are not
		names = append(names, "origin")
	default:
		odd = strings.TrimPrefix(odd+","+withCredentials, ",")
	}
	if len(names) == 0 && odd == "" {
		return ""
	}
	return strings.Join(names, ",") + ":" + hashOf(names, request) + ":" + odd
}

// Selects tells whether a stored answer's selection fits a request. An answer with
// odd fields in its request is given only to those that have fields of these names,
// too: whoever sends one that nobody knows decides for nobody else.
func Selects(selection string, request Fields) bool {
	switch selection {
	case "":
		return true
	case common: // most are
		return !HasCredentials(request)
	}
	list, rest, _ := strings.Cut(selection, ":")
	hash, odd, _ := strings.Cut(rest, ":")
	if hash != hashOf(namesIn(list), request) {
		return false
	}
	for name := range strings.SplitSeq(odd, ",") {
		switch {
		case name == "":
		case name == withoutCookie:
			if request.Get("Cookie") != "" {
				return false
			}
		case name == withCredentials: // the answer to this one may allow them
			if HasCredentials(request) {
				return false
			}
		case request.Values(http.CanonicalHeaderKey(name)) == nil:
			return false
		}
	}
	return true
}

// HasCredentials tells whether a page's request came with them. A neighbour that
// asks for its viewer says so, since cookies stay with the one who has the viewer.
func HasCredentials(request Fields) bool {
	return request.Get("Origin") != "" && (request.Get("Cookie") != "" || request.Get("Authorization") != "" || request.Get(wire.HeaderCredentials) != "")
}

// Odd tells whether a selection does not fit a request by odd fields alone: then
// what is fetched plainly fits.
func Odd(selection string, request Fields) bool {
	list, rest, _ := strings.Cut(selection, ":")
	hash, _, _ := strings.Cut(rest, ":")
	return selection != "" && hash == hashOf(namesIn(list), request)
}

// Names are those of the fields by which an answer was selected.
func Names(selection string) []string {
	list, _, _ := strings.Cut(selection, ":")
	return namesIn(list)
}

func namesIn(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func hashOf(names []string, request Fields) string {
	if len(names) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, name := range names {
		values := request.Values(http.CanonicalHeaderKey(name))
		sum.Write([]byte(name + ":" + strconv.FormatBool(values != nil) + ":" + normalised(name, values) + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// normalised makes values that mean the same the same (RFC 9111 section 4.1):
// lines are joined, white space around commas does not count, nor in
// Accept-Language, whose members say their own weight, order and case.
func normalised(name string, values []string) string {
	var parts []string
	for _, line := range values {
		for part := range strings.SplitSeq(line, ",") {
			parts = append(parts, strings.Trim(part, " \t"))
		}
	}
	if name == "accept-language" {
		for i, part := range parts {
			parts[i] = strings.ToLower(strings.ReplaceAll(part, " ", ""))
		}
		slices.Sort(parts)
	}
	return strings.Join(parts, ",")
}

// VariantMark ends the key's own part in the key of a variant.
const VariantMark = "\x00"

// VariantKey is where the answer is kept for requests that the first one does
// not fit.
func VariantKey(key, selection string, request Fields) string {
	list, _, _ := strings.Cut(selection, ":")
	n, _ := strconv.ParseUint(hashOf(append(namesIn(list), ""), request)[:4], 16, 16)
	own := TargetOf(key)
	if r, ok := RangeOf(key); ok {
		own = RangeKey(key, r)
	}
	return own + VariantMark + strconv.Itoa(int(n%Variants))
}

// UnfitFor names the requests that would get an answer of their own where this one did,
// because what is fetched for all was neither for the store nor for it: all for a key, or
// those that have fields which a fill leaves behind. They are asked for once, and not twice.
func UnfitFor(r *http.Request, key string) string {
	if Plain(r.Header, nil) {
		return key
	}
	return key + " for its fields" // no key has a space
}

// Siblings names what lies in a folder and has the same extension: an origin that varies by
// what a fill does not carry, as by User-Agent, does so for all of them.
func Siblings(key string) string {
	p := PathOf(key)
	if path.Ext(p) == "" {
		return key
	}
	return path.Dir(p) + " *" + path.Ext(p)
}
