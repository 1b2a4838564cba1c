package cachekey

import (
	"fmt"
	"slices"
	"strings"
)

// Query says what of a query is part of an object's name. The zero value: all of
// it, as it came.
type Query struct {
	Keep []string // only parameters of these names; none: all
	Drop []string // parameters of these names don't count
	Sort bool     // parameters count in any order
}

// ParseQuery reads a setting: all, drop:NAME,NAME or keep:NAME,NAME.
func ParseQuery(text string, sort bool) (Query, error) {
	q := Query{Sort: sort}
	how, list, _ := strings.Cut(text, ":")
	names := slices.DeleteFunc(strings.Split(list, ","), func(name string) bool { return name == "" })
	switch {
	case text == "" || text == "all":
	case how == "drop" && len(names) > 0:
		q.Drop = names
	case how == "keep" && len(names) > 0:
		q.Keep = names
	default:
		return Query{}, fmt.Errorf("%q is none of all, drop:NAME,NAME, keep:NAME,NAME", text)
	}
	return q, nil
}

// Apply is a key without the part of its query that does not count.
func (q *Query) Apply(key string) string {
	path, query, ok := strings.Cut(key, "?")
	if !ok || len(q.Keep) == 0 && len(q.Drop) == 0 && !q.Sort {
		return key
	}
	parts := strings.Split(query, "&")
	all := len(parts)
	parts = slices.DeleteFunc(parts, func(part string) bool {
		name, _, _ := strings.Cut(part, "=")
		return slices.Contains(q.Drop, name) || len(q.Keep) > 0 && !slices.Contains(q.Keep, name)
	})
	if q.Sort {
		slices.SortStableFunc(parts, func(a, b string) int {
			a, _, _ = strings.Cut(a, "=")
			b, _, _ = strings.Cut(b, "=")
			return strings.Compare(a, b)
		})
	} else if len(parts) == all {
		return key
	}
	if len(parts) == 0 {
		return path
	}
	return path + "?" + strings.Join(parts, "&")
}
