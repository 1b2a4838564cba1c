package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Variants is how many answers a key can have beside the first one, by what Vary
// names of the request. They take each other's place: bounded, and all of them
// are found without a list when the key is purged.
const Variants = 8

// ungoverned are names in Vary by which no answer is selected here: the origin is
// asked without content coding, and CORS is the edge's own.
func ungoverned(name string) bool {
	switch name {
	case "", "accept-encoding", "origin", "access-control-request-headers", "access-control-request-method":
		return true
	}
	return false
}

// VaryOf lists the fields of the request that select an answer, in lower case.
func VaryOf(h http.Header) []string {
	var names []string
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.Trim(name, " \t")); !ungoverned(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// selectable tells whether what Vary names can be looked at: not "*", nor fields
// that a fill does not carry; without the viewer's own fields, none at all.
func selectable(h http.Header, selective bool) bool {
	names := VaryOf(h)
	return len(names) == 0 || selective && !slices.ContainsFunc(names, func(name string) bool {
		return name == "*" || Withheld(http.CanonicalHeaderKey(name)) || !endToEnd(http.CanonicalHeaderKey(name), nil)
	})
}

// SelectionOf says by what an answer to a request was selected: the names and a
// hash of their values, since a value can be a secret. "" for all requests.
func SelectionOf(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	list := strings.Join(names, ",")
	return list + ":" + hashOf(names, request)
}

// Selects tells whether a stored answer's selection fits a request.
func Selects(selection string, request http.Header) bool {
	if selection == "" {
		return true
	}
	list, hash, _ := strings.Cut(selection, ":")
	return hash == hashOf(strings.Split(list, ","), request)
}

func hashOf(names []string, request http.Header) string {
	sum := sha256.New()
	for _, name := range names {
		values, there := request[http.CanonicalHeaderKey(name)]
		sum.Write([]byte(name + ":" + strconv.FormatBool(there) + ":" + normalised(name, values) + "\n"))
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
func VariantKey(key, selection string, request http.Header) string {
	list, _, _ := strings.Cut(selection, ":")
	hash := hashOf(strings.Split(list, ","), request)
	n, _ := strconv.ParseUint(hash[:4], 16, 16)
	return key + VariantMark + strconv.Itoa(int(n%Variants))
}
