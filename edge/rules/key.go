package rules

import (
	"strings"

	"tandem/internal/cachekey"
)

// TargetOf is the target of a key: what it is asked for by.
func TargetOf(key string) string {
	key, _, _ = strings.Cut(key, VariantMark)
	return key
}

// PathOf is the path in a key.
func PathOf(key string) string { return cachekey.Path(TargetOf(key)) }
