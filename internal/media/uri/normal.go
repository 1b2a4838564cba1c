package uri

import (
	"bytes"
	"strings"
)

// AppendNormal appends text in the normal form of RFC 3986 section 6.2.2: escapes
// in upper case, and none of what needs no escape; what no URI may hold is
// escaped, as players do it.
func AppendNormal(dst, text []byte) []byte { return appendMarked(dst, text, 0) }

// appendMarked is AppendNormal for what has marks (see template.go): bytes below
// marks stay.
func appendMarked(dst, text []byte, marks byte) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case class[c]&plain != 0 || c < marks:
			dst = append(dst, c)
		case c == '%':
			v, ok := Unescape(text, i)
			switch {
			case !ok:
				dst = append(dst, c)
				continue
			case class[v]&unreserved != 0:
				dst = append(dst, v)
			default:
				dst = append(dst, '%', hex[v>>4], hex[v&15])
			}
			i += 2
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// Unescape reads the escape that begins at i.
func Unescape(b []byte, i int) (byte, bool) {
	if i+2 >= len(b) || b[i] != '%' || class[b[i+1]]&hexDigit == 0 || class[b[i+2]]&hexDigit == 0 {
		return 0, false
	}
	return nibble(b[i+1])<<4 | nibble(b[i+2]), true
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// Properties of a byte in a URI.
const (
	unreserved = 1 << iota
	plain      // may stand in a path or query as it is
	hexDigit
)

var class = func() (table [256]byte) {
	for c := range table {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			table[c] = unreserved | plain
		}
	}
	for _, c := range []byte("!$&'()*+,;=:@/?[]|") {
		table[c] |= plain
	}
	for _, c := range []byte("0123456789abcdefABCDEF") {
		table[c] |= hexDigit
	}
	return table
}()

func normalEqual(name []byte, normal string) bool {
	var buffer [128]byte
	return string(AppendNormal(buffer[:0], name)) == normal
}

// Resolve appends what a reference in a document at path base means: a path with
// its query at the origin, in normal form. It is not appended where it leads to
// another host or is nothing that is fetched.
func (o *Origin) Resolve(dst, base, ref []byte) ([]byte, Class) {
	return o.ResolveMarked(dst, base, ref, 0)
}

// ResolveMarked is Resolve for a reference with marks.
func (o *Origin) ResolveMarked(dst, base, ref []byte, marks byte) ([]byte, Class) {
	r, at := split(ref), 0
	switch r.kind {
	case opaque:
		return dst, Opaque
	case absolute, network:
		var ours bool
		if at, ours = o.host(ref[r.host:r.path], r.secure, r.kind == absolute); !ours {
			return dst, Foreign
		}
	}
	if r.kind != relative {
		at = o.place(at, ref[r.path:r.end])
	}
	if at != 0 { // by the name that it has at the manifest's own server
		dst = append(dst, o.roots[0].path...)
	}
	start, query := len(dst), ref[r.end:]
	if i := bytes.IndexByte(query, '#'); i >= 0 {
		query = query[:i]
	}
	if r.kind == relative {
		path, asked := base, []byte(nil)
		if i := bytes.IndexByte(base, '?'); i >= 0 {
			path, asked = base[:i], base[i:]
		}
		if r.path == r.end {
			if len(query) == 0 {
				query = asked
			}
			return appendMarked(append(dst, path...), query, marks), Inside
		}
		dst = append(dst, path[:bytes.LastIndexByte(path, '/')+1]...)
	} else if r.path < r.end {
		r.path++
	}
	if len(dst) == start {
		dst = append(dst, '/')
	}
	dst = appendPath(dst, start, ref[r.path:r.end], marks)
	if root := o.roots[0].path; at == 0 && r.kind <= rooted && root != "" {
		if _, ok := under(dst[start:], root); !ok && !upon(dst[start:], root) {
			dst = o.clamped(dst, start, base, ref, &r, marks)
		}
	}
	if at != 0 {
		below, ok := under(dst[start:], o.roots[at].path)
		if !ok {
			return dst[:start], Left
		}
		dst = append(dst[:start], below...)
	}
	return appendMarked(dst, query, marks), Inside
}

// upon tells that a path is a root, or above it on the same way.
func upon(path []byte, root string) bool {
	at := strings.TrimSuffix(string(path), "/")
	return root == at || strings.HasPrefix(root, at+"/")
}

// clamped is what a reference that leads out of the base path means as if that were the
// root, see Lead.
func (o *Origin) clamped(dst []byte, start int, base, ref []byte, r *reference, marks byte) []byte {
	root := o.roots[0].path
	folder := []byte("/")
	if r.kind == relative {
		path, _, _ := bytes.Cut(base, []byte("?"))
		path = path[:bytes.LastIndexByte(path, '/')+1]
		below, ok := under(path, root)
		switch {
		case ok:
			folder = below
		case !upon(path, root):
			return dst // it stands outside already
		}
	}
	dst = append(append(dst[:start], root...), folder...)
	return appendPath(dst, start+len(root), ref[r.path:r.end], marks)
}

// appendPath appends the components of a path to the folder at dst[start:], which
// ends with a slash.
func appendPath(dst []byte, start int, path []byte, marks byte) []byte {
	for i := 0; i <= len(path); {
		j := i
		for j < len(path) && !isSlash(path[j]) {
			j++
		}
		switch dotted(path[i:j]) {
		case 0:
			dst = appendMarked(dst, path[i:j], marks)
			if j < len(path) {
				dst = append(dst, '/')
			}
		case 2:
			if n := len(dst) - 1; n > start {
				for n > start && dst[n-1] != '/' {
					n--
				}
				dst = dst[:n]
			}
		}
		i = j + 1
	}
	return dst
}

// Below is a path at the origin as the cluster calls it.
func (o *Origin) Below(path []byte) ([]byte, bool) { return under(path, o.roots[0].path) }

// under is what of a path lies below a root.
func under(path []byte, root string) ([]byte, bool) {
	n := len(root)
	if len(path) <= n || string(path[:n]) != root || path[n] != '/' {
		return nil, false
	}
	return path[n:], true
}

// AppendTarget appends a request's target as a path at the origin, in normal
// form.
func (o *Origin) AppendTarget(dst []byte, target string) []byte {
	dst = append(dst, o.roots[0].path...)
	path, query := []byte(target), []byte(nil)
	for i, c := range path {
		if c == '#' {
			path = path[:i]
			break
		}
		if c == '?' && query == nil {
			path, query = path[:i], path[i:]
			break
		}
	}
	start := len(dst)
	if len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	dst = append(dst, '/')
	return AppendNormal(appendPath(dst, start, path, 0), query)
}

// Normal is a target in the normal form of RFC 3986 section 6.2.2, without dot
// segments.
func Normal(target string) string { return string(Unnamed().AppendTarget(nil, target)) }
