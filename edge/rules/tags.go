package rules

import (
	"net/http"
	"slices"
	"strings"

	"tandem/segstore"
)

// MaxTags bounds the tags of an object, in bytes: one with more is not kept, since it
// could not be purged by all of them.
const MaxTags = 4 << 10

// tagFields are the fields by which origins name what goes together: Surrogate-Key
// and Xkey part names by spaces, Cache-Tag and Edge-Cache-Tag by commas. Viewers are
// not told.
var tagFields = []string{"Surrogate-Key", "Xkey", "Cache-Tag", "Edge-Cache-Tag"}

// IsTag tells whether a field is one of them.
func IsTag(name string) bool { return slices.Contains(tagFields, name) }

// TagsOf are the tags of an answer. False: there are too many.
func TagsOf(h http.Header) (segstore.Tags, bool) {
	var all []string
	length := 2
	for _, name := range tagFields {
		for _, line := range h[name] {
			for tag := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
				if slices.Contains(all, tag) {
					continue
				}
				if length += len(tag) + 1; length > MaxTags {
					return "", false
				}
				all = append(all, tag)
			}
		}
	}
	if len(all) == 0 {
		return "", true
	}
	return segstore.Tags(" " + strings.Join(all, " ") + " "), true
}
