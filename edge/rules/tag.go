package rules

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/wire"
)

// ownLength is how long the random part makes the validators of edges, in bytes.
const (
	ownPrefix = wire.MadeTag
	ownLength = len(ownPrefix) + 24
	maxWeak   = 256 // of the origin's own one in it
)

// MadeTag is the validator of an object whose origin gives no strong one: made
// once, by whoever fills, and it travels with the copy; so both members of the
// pair agree, and no two fetches are ever taken for the same version. What the
// origin's weak one says is in it, to ask the origin by.
func MadeTag(weak string) string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	tag := ownPrefix + hex.EncodeToString(b[:])
	if text, ok := weakText(weak); ok {
		return tag + "-" + text
	}
	return tag + `"`
}

// weakText is what stands behind the first quotation mark of a weak validator, where it may
// stand in one of ours.
func weakText(weak string) (string, bool) {
	text, ok := strings.CutPrefix(weak, `W/"`)
	return text, ok && text != "" && len(text) <= maxWeak && strings.IndexFunc(text, unfit) == len(text)-1 && text[len(text)-1] == '"'
}

// unfit is true for what ends a validator, and for what may be in one and would
// be taken for something else in a list of them.
func unfit(r rune) bool { return r <= ' ' || r == '"' || r == ',' || r >= 0x7f }

// OwnTag tells a validator of that kind: no other fetch has it.
func OwnTag(etag string) bool { return strings.HasPrefix(etag, ownPrefix) && !dated(etag) }

const (
	datedPrefix = ownPrefix + "at-"
	settled     = time.Minute // how much older than the answer a change has to be (RFC 9110 section 8.8.2.2 wants a second)
)

func dated(etag string) bool { return strings.HasPrefix(etag, datedPrefix) }

// DatedTag is the validator of a part of an object of that length, of which the origin gives
// no strong one but the date of its last change (RFC 9110 section 8.8.2.2): every fetch of
// the same version makes the same one. What its weak one says is in it, too. "": it is none.
func DatedTag(h http.Header, total int64) string {
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	weak, fits := weakText(h.Get("ETag"))
	if made, bad := http.ParseTime(h.Get("Date")); err != nil || bad != nil || made.Sub(changed) < settled || !fits && h.Get("ETag") != "" {
		return ""
	}
	tag := datedPrefix + strconv.FormatInt(changed.Unix(), 16) + "-" + strconv.FormatInt(total, 16)
	if fits {
		return tag + "-" + weak
	}
	return tag + `"`
}

// IfRange is what the origin is asked by whether a validator still holds; "": nothing may be
// (section 13.1.5), and what comes has to show it.
func IfRange(etag string) string {
	text, ok := strings.CutPrefix(etag, datedPrefix)
	if !ok {
		return etag
	}
	date, text, _ := strings.Cut(text, "-")
	changed, err := strconv.ParseInt(date, 16, 64)
	if err != nil || strings.Contains(text, "-") {
		return ""
	}
	return time.Unix(changed, 0).UTC().Format(http.TimeFormat)
}

// ShownTag is the validator that a viewer sees of an edge alone: the origin's own,
// or, where it gives none, the one that was made. Through balancers viewers see
// the strong one, by which a broken answer is finished.
func ShownTag(etag string) string {
	if tag := OriginTag(etag); tag != "" {
		return tag
	}
	return etag
}

// OriginTag is a validator as the origin gave it, "" for none.
func OriginTag(etag string) string {
	switch {
	case dated(etag):
		_, text, _ := strings.Cut(etag[len(datedPrefix):], "-")
		if _, weak, ok := strings.Cut(text, "-"); ok {
			return `W/"` + weak
		}
		return ""
	case !OwnTag(etag):
		return etag
	case len(etag) > ownLength && etag[ownLength] == '-':
		return `W/"` + etag[ownLength+1:]
	}
	return ""
}
