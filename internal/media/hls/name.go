package hls

import "bytes"

// A segment's name is what its URI has and its neighbours' have not: the last
// component of the path, as a rule. Queries and parameters are none, for they are
// signatures; nor is a component that another version of the list has otherwise for
// the same segment, as long as another one that names it is the same: a signature
// may stand before the name (/hmac=1/seg-5.ts) or behind it (/seg-5.ts/hmac=1).

// sameName tells whether two versions of a list, in which segment i of l and j of
// next have one number, mean the same one.
func sameName(l, next *List, i, j int) bool {
	a, b := pathOf(l.uriAt(i)), pathOf(next.uriAt(j))
	if bytes.Equal(lastOf(a), lastOf(b)) {
		return true
	}
	beside := a
	if n := l.segments.Len(); n > 1 {
		beside = pathOf(l.uriAt(besideOf(i, n)))
	} else if n := next.segments.Len(); n > 1 {
		a, b, beside = b, a, pathOf(next.uriAt(besideOf(j, n)))
	}
	for len(a) > 0 && len(b) > 0 && len(beside) > 0 {
		x, y := lastOf(a), lastOf(b)
		if bytes.Equal(x, y) && !bytes.Equal(x, lastOf(beside)) {
			return true
		}
		a, b, beside = above(a), above(b), above(beside)
	}
	return false
}

// besideOf is a neighbour of i among n.
func besideOf(i, n int) int {
	if i+1 < n {
		return i + 1
	}
	return i - 1
}

func (l *List) uriAt(i int) []byte { return l.entry(i).Of(l.Body) }

// pathOf is a URI without its query.
func pathOf(uri []byte) []byte {
	if i := bytes.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i]
	}
	return uri
}

// lastOf is the last component of a path, without parameters.
func lastOf(path []byte) []byte {
	name, _, _ := bytes.Cut(path[bytes.LastIndexByte(path, '/')+1:], []byte(";"))
	return name
}

// above is a path without its last component.
func above(path []byte) []byte { return path[:max(bytes.LastIndexByte(path, '/'), 0)] }
