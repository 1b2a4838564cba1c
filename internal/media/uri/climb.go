package uri

import "strings"

// Deeper stands behind the prefix, any number of times, and means nothing: a base that
// has it leads to the same place, and what climbs out of that by ".." stays in the
// session.
const Deeper = "/_tandem-up"

// As stands before some Deeper and behind it a base path: what follows is a path at the
// origin's host, and that base path, where it begins with it, is the cluster's root.
const as = "/_tandem-at"

// Deep is what stands before the path of a base that has to be n components deeper: the base
// path of the origin, where there is one, as the last thing that is climbed out of.
func (o *Origin) Deep(n int) string {
	if base := o.roots[0].path; base != "" {
		return as + base + strings.Repeat(Deeper, n+1) + base
	}
	return strings.Repeat(Deeper, n)
}

// Climbed is a path below a prefix without what Deep put before it.
func Climbed(path string) string {
	base := ""
	if after, ok := strings.CutPrefix(path, as+"/"); ok {
		end := strings.Index(after, Deeper+"/")
		if end < 0 {
			return path
		}
		base, path = "/"+after[:end], after[end:]
	}
	for strings.HasPrefix(path, Deeper+"/") {
		path = path[len(Deeper):]
	}
	below := path
	for name := range strings.SplitSeq(strings.TrimPrefix(base, "/"), "/") {
		first, _, more := strings.Cut(below[1:], "/")
		if base == "" || !more || !normalEqual([]byte(first), name) {
			return path
		}
		below = below[1+len(first):]
	}
	return below
}
