package uri

import "strings"

// Class is what a reference is to a session.
type Class uint8

// Classes.
const (
	Inside  Class = iota // relative, and stays below the session's root: nothing is to be done
	Moved                // ours, and led back into the session
	Foreign              // on another host
	Opaque               // data:, skd:, urn: and the like, which nobody fetches here
	Left                 // names the origin, and can't be led into the session
)

// Forms of a reference (RFC 3986 section 4.2).
const (
	relative = iota
	rooted   // "/path"
	network  // "//host/path"
	absolute // "http://host/path"
	opaque   // another scheme
)

// reference is a URI reference taken apart, by offsets.
type reference struct {
	kind      int
	secure    bool // https
	host      int  // where the authority begins
	path, end int  // where the path begins and ends
}

// isSlash takes a backslash for a slash, as browsers do: no URI holds one.
func isSlash(c byte) bool { return c == '/' || c == '\\' }

func split(ref []byte) reference {
	r := reference{end: len(ref)}
	switch n := scheme(ref); {
	case n > 0:
		secure := n == 6 && equalFold(ref[:n], "https:")
		if !secure && !(n == 5 && equalFold(ref[:n], "http:")) || len(ref) < n+2 || !isSlash(ref[n]) || !isSlash(ref[n+1]) {
			r.kind = opaque
			return r
		}
		r.kind, r.secure, r.host = absolute, secure, n+2
	case len(ref) >= 2 && isSlash(ref[0]) && isSlash(ref[1]):
		r.kind, r.host = network, 2
	case len(ref) >= 1 && isSlash(ref[0]):
		r.kind = rooted
	}
	r.path = r.host
	if r.host > 0 {
		for r.path < len(ref) && !isSlash(ref[r.path]) && ref[r.path] != '?' && ref[r.path] != '#' {
			r.path++
		}
	}
	for i := r.path; i < len(ref); i++ {
		if ref[i] == '?' || ref[i] == '#' {
			r.end = i
			break
		}
	}
	return r
}

// HasScheme tells that a reference has one, whichever it is.
func HasScheme(ref []byte) bool { return scheme(ref) > 0 }

// Dependent tells that whose a reference is depends on what it is relative to.
func Dependent(ref []byte) bool { return split(ref).kind <= rooted }

// Rooted tells that a reference is a path from the root of whatever host.
func Rooted(ref []byte) bool { return split(ref).kind == rooted }

// Components is how many components the path of a reference has at most, its last one aside.
func Components(ref []byte) (n int) {
	r := split(ref)
	for _, c := range ref[r.path:r.end] {
		if isSlash(c) {
			n++
		}
	}
	return n
}

// Climbs is how many components a relative reference climbs, at most; 0: it does not,
// or is none.
func Climbs(ref []byte) (n int) {
	r := split(ref)
	if r.kind != relative {
		return 0
	}
	for i := r.path; i < r.end; {
		j := i
		for j < r.end && !isSlash(ref[j]) {
			j++
		}
		if dotted(ref[i:j]) == 2 {
			n++
		}
		i = j + 1
	}
	return n
}

// scheme is the length of a scheme with its colon, 0 when there is none.
func scheme(ref []byte) int {
	for i, c := range ref {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Place is a folder at the origin, as far as the way out of the session's root
// is concerned. The zero value is the root of the host.
type Place struct {
	in      int  // components of the root's path that it lies in
	below   int  // components beneath those
	foreign bool // it is on another host, and the rest says nothing
	lost    bool // it is ours and has no way into the session: what is relative to it stays at that host, and the rest says nothing
}

// Elsewhere is any folder on another host.
var Elsewhere = Place{foreign: true}

// Foreign tells that it is on another host.
func (p Place) Foreign() bool { return p.foreign }

// Above tells that from here less leads out of the session's root than from q.
func (p Place) Above(q Place) bool { return p.in < q.in || p.in == q.in && p.below < q.below }

// Within tells that a place is ours and lies in the base path, or that there is none.
func (o *Origin) Within(p Place) bool {
	return p.in == len(o.roots[0].names) && !p.foreign && !p.lost
}

// Depth is of how many components the base path is.
func (o *Origin) Depth() int { return len(o.roots[0].names) }

// At is the folder of a path below the cluster's root.
func (o *Origin) At(target string) Place {
	names := o.roots[0].names
	w := walker{root: names, Place: Place{in: len(names)}, floor: len(names)}
	end := strings.IndexAny(target, "?#")
	if end < 0 {
		end = len(target)
	}
	w.path([]byte(target), 0, end, true)
	return w.Place
}

// Lead is what becomes of a reference: the first Cut bytes are replaced by the
// prefix, with a slash behind it when Bare.
type Lead struct {
	Class  Class
	Cut    int
	Bare   bool // nothing of the path is left: the prefix needs a slash
	Double bool // what is left begins with two slashes, which must not become a host
}

// Lead tells what becomes of a reference that stands in a folder, and which
// folder it leads to itself (for BaseURL).
func (o *Origin) Lead(from Place, ref []byte) (Lead, Place) {
	r, at := split(ref), 0
	switch {
	case r.kind == opaque:
		return Lead{Class: Opaque}, Elsewhere
	case r.kind <= rooted && from.foreign:
		return Lead{Class: Foreign}, from
	case r.kind <= rooted && from.lost:
		return Lead{Class: Left}, from
	case r.kind > rooted:
		var ours bool
		if at, ours = o.host(ref[r.host:r.path], r.secure, r.kind == absolute); !ours {
			return Lead{Class: Foreign}, Elsewhere
		}
	}
	if r.kind != relative {
		at = o.place(at, ref[r.path:r.end])
	}
	names := o.roots[at].names
	w := follow(names, from, ref, &r)
	if at == 0 && w.in < len(names) && r.kind <= rooted && (r.kind == rooted || from.in == len(names) || from.below == 0) && !w.upon(ref[:r.end]) { // what has a base path works as if that were the root
		w = walker{out: r.kind == rooted || from.in < len(names)}
		if names = nil; r.kind == relative {
			w.below = from.below
		}
		w.follow(ref, &r)
	}
	switch {
	case w.in < len(names):
		if at != 0 || r.kind > rooted {
			w.Place = Place{lost: true}
		}
		return Lead{Class: Left}, w.Place
	case !w.must:
		return Lead{Class: Inside}, w.Place
	}
	w.in = len(o.roots[0].names) // whichever root it is below
	l := Lead{Class: Moved, Cut: w.cut, Bare: w.bare}
	l.Double = !l.Bare && l.Cut+1 < r.end && isSlash(ref[l.Cut+1])
	if o.split && !o.leads(o.rest(ref[l.Cut:r.end]), at) {
		return Lead{Class: Left}, Place{lost: true}
	}
	return l, w.Place
}

// follow follows a reference that stands in a folder.
func follow(root []string, from Place, ref []byte, r *reference) walker {
	w := walker{root: root}
	if w.out = true; r.kind == relative {
		w.Place, w.out = from, from.in < len(root)
	}
	w.follow(ref, r)
	return w
}

// follow goes on from where the walker stands.
func (w *walker) follow(ref []byte, r *reference) {
	if w.must = w.out; r.kind == relative {
		w.mark(r.path, false)
	}
	w.path(ref, r.path, r.end, r.kind != relative)
}

// upon tells that a reference is the base path itself, or above it on the same way: what
// follows it may lead there, as behind a variable or a BaseURL.
func (w *walker) upon(ref []byte) bool {
	i := len(ref)
	for i > 0 && !isSlash(ref[i-1]) {
		i--
	}
	return w.below == 0 && (i == len(ref) || dotted(ref[i:]) > 0 || normalEqual(ref[i:], w.root[w.in]))
}

// rest is the target that a reference means whose beginning is the root.
func (o *Origin) rest(ref []byte) []byte {
	for len(ref) > 0 && isSlash(ref[0]) {
		ref = ref[1:]
	}
	return appendPath([]byte("/"), 0, ref, 0)
}

// walker follows a path, component by component (RFC 3986 section 5.2.4).
type walker struct {
	Place
	root  []string
	floor int  // components of the root that nothing climbs above
	out   bool // outside the root since the last cut
	must  bool // it was outside at some time: the reference has to be changed
	cut   int  // what stands behind it begins at the root
	bare  bool
}

func (w *walker) path(ref []byte, i, end int, begun bool) {
	if begun {
		if i < end {
			i++ // its first slash
		}
		w.mark(i, i <= end && i > 0 && isSlash(ref[i-1]))
	}
	for i < end {
		j := i
		for j < end && !isSlash(ref[j]) {
			j++
		}
		dots := dotted(ref[i:j])
		switch {
		case dots == 2:
			w.pop()
		case dots == 0 && j < end:
			w.push(ref[i:j])
		}
		switch {
		case j < end:
			w.mark(j+1, true)
		case dots > 0:
			w.mark(j, false)
		}
		i = j + 1
	}
}

// mark notes that what stands at i begins at the root, if it does.
func (w *walker) mark(i int, slash bool) {
	if w.out && w.in == len(w.root) && w.below == 0 {
		w.out = false
		w.cut, w.bare = i, true
		if slash {
			w.cut, w.bare = i-1, false
		}
	}
}

func (w *walker) pop() {
	switch {
	case w.below > 0:
		w.below--
		return
	case w.in > w.floor:
		w.in--
	}
	w.out, w.must = true, true
}

func (w *walker) push(name []byte) {
	if w.below == 0 && w.in < len(w.root) && normalEqual(name, w.root[w.in]) {
		w.in++
		return
	}
	w.below++
}

// dotted is 1 for ".", 2 for "..", in any of their spellings.
func dotted(name []byte) int {
	n := 0
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '.':
		case i+2 < len(name) && name[i] == '%' && name[i+1] == '2' && name[i+2]|0x20 == 'e':
			i += 2
		default:
			return 0
		}
		n++
	}
	if n > 2 {
		return 0
	}
	return n
}

// Led is a reference that stands in an answer for a target, with a prefix put in;
// false: it stays as it is.
func (o *Origin) Led(target, ref, prefix string) (string, bool) {
	l, _ := o.Lead(o.At(target), []byte(ref))
	switch {
	case l.Class != Moved:
		return ref, false
	case l.Bare:
		prefix += "/"
	case l.Double:
		prefix += "/."
	}
	return prefix + ref[l.Cut:], true
}
