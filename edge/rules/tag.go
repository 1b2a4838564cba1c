package rules

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

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
	if text, ok := strings.CutPrefix(weak, `W/"`); ok && text != "" && len(text) <= maxWeak && strings.IndexFunc(text, unfit) == len(text)-1 && text[len(text)-1] == '"' {
		return tag + "-" + text
	}
	return tag + `"`
}

// unfit is true for what ends a validator, and for what may be in one and would
// be taken for something else in a list of them.
func unfit(r rune) bool { return r <= ' ' || r == '"' || r == ',' || r >= 0x7f }

func OwnTag(etag string) bool { return strings.HasPrefix(etag, ownPrefix) }

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
	case !OwnTag(etag):
		return etag
	case len(etag) > ownLength && etag[ownLength] == '-':
		return `W/"` + etag[ownLength+1:]
	}
	return ""
}
