package uri

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Origin is what is ours, seen from one manifest: hosts, and the paths at them that
// are the cluster's root. It never changes.
type Origin struct {
	roots  []root         // the first is that of the manifest's own server
	hosts  map[string]int // "host:port", in lower case -> its root
	split  bool           // not all paths of the cluster are of the same upstream
	shared bool           // one host has several roots
	mark   string
}

// Mark tells two origins apart that lead differently, in a few hexadecimal digits.
func (o *Origin) Mark() string { return o.mark }

// root is a path at a host that is the cluster's root, or what lies below a prefix
// of it.
type root struct {
	names  []string // components of the path, in normal form; none: "/"
	path   string   // the same as a path without a slash at its end: "", "/base"
	prefix string   // of targets; "/": all
	any    bool     // of any prefix: the cluster's own names
	hosts  []string // as in Origin.hosts
}

// Root is what New makes roots of.
type Root struct {
	Hosts  []string // "host", "host:port" or URLs: a host without a port is meant with the default ports of http and https
	Path   string   // at these hosts, that is the cluster's root: "", "/base"
	Prefix string   // of the targets that are asked of them, "/news/"; "" or "/": all
	Any    bool     // whatever is asked of them, as of the cluster's own names
}

// ErrHost is returned for a setting that names no host.
var ErrHost = errors.New("no host")

// New makes an origin. The first root is that of the manifest's own server.
func New(roots ...Root) (*Origin, error) {
	o := &Origin{hosts: map[string]int{}}
	for i, r := range roots {
		made := root{prefix: r.Prefix, any: r.Any}
		if made.prefix == "" {
			made.prefix = "/"
		}
		o.split = o.split || made.prefix != "/"
		for name := range strings.SplitSeq(r.Path, "/") {
			if name != "" {
				name = string(AppendNormal(nil, []byte(name)))
				made.names = append(made.names, name)
				made.path += "/" + name
			}
		}
		o.roots = append(o.roots, made)
		for _, host := range r.Hosts {
			if err := o.add(host, i); err != nil {
				return nil, err
			}
		}
	}
	if len(o.roots) == 0 {
		o.roots = []root{{prefix: "/"}}
	}
	sum := fnv.New32a()
	fmt.Fprint(sum, led, roots)
	o.mark = strconv.FormatUint(uint64(sum.Sum32()), 16)
	return o, nil
}

// led counts the ways in which references were led so far: two edges that do it
// differently must not call their answers the same.
const led = 7

// RootOf is the root that a base URL is: its host, and its path.
func RootOf(base string) (Root, error) {
	r := split([]byte(base))
	if r.kind != absolute {
		return Root{}, fmt.Errorf("%w: %q is no http or https URL", ErrHost, base)
	}
	return Root{Hosts: []string{base[:r.path]}, Path: base[r.path:r.end]}, nil
}

// Unnamed is an origin of which no name is known: what is absolute is foreign.
func Unnamed() *Origin { return &Origin{roots: []root{{prefix: "/"}}} }

// of is the root to which the targets of a path belong.
func (o *Origin) of(target []byte) int {
	best := -1
	for i, r := range o.roots {
		if !r.any && strings.HasPrefix(string(target), r.prefix) && (best < 0 || len(r.prefix) > len(o.roots[best].prefix)) {
			best = i
		}
	}
	return best
}

// leads tells whether a target is asked of a root's hosts, at the same path there.
func (o *Origin) leads(target []byte, root int) bool {
	if !o.split || o.roots[root].any {
		return true
	}
	best := o.of(target)
	return best >= 0 && (o.roots[best].prefix == o.roots[root].prefix || o.same(o.roots[best].prefix, &o.roots[root]))
}

// place is the root that a path at a root's hosts lies below: a server may have several.
func (o *Origin) place(at int, path []byte) int {
	if !o.shared {
		return at
	}
	if len(path) > 0 {
		path = path[1:]
	}
	full := appendPath([]byte("/"), 0, path, 0)
	for i, r := range o.roots {
		if i != at && !slices.ContainsFunc(r.hosts, func(h string) bool { return slices.Contains(o.roots[at].hosts, h) }) {
			continue
		}
		if below, ok := under(full, r.path); ok && o.leads(below, i) {
			return i
		}
	}
	return at
}

// same tells whether what lies below a prefix of the cluster is asked of a root's place.
func (o *Origin) same(prefix string, as *root) bool {
	return slices.ContainsFunc(o.roots, func(r root) bool {
		return !r.any && r.prefix == prefix && r.path == as.path && slices.ContainsFunc(r.hosts, func(h string) bool { return slices.Contains(as.hosts, h) })
	})
}

// add notes a host of a root.
func (o *Origin) add(text string, root int) error {
	text = strings.TrimSpace(text)
	_, authority, found := strings.Cut(text, "://")
	if !found {
		authority = text
	}
	authority, _, _ = strings.Cut(authority, "/")
	var buffer [maxHost]byte
	name, port, ok := hostPort(buffer[:0], []byte(authority))
	if !ok || len(name) == 0 {
		return fmt.Errorf("%w: %q", ErrHost, text)
	}
	ports := []int{port}
	if port == 0 { // which scheme it is spoken to with decides nothing about whose it is
		ports = []int{80, 443}
	}
	for _, port := range ports {
		of := string(name) + ":" + strconv.Itoa(port)
		o.roots[root].hosts = append(o.roots[root].hosts, of)
		if first, known := o.hosts[of]; !known {
			o.hosts[of] = root
		} else if first != root {
			o.shared = true
		}
	}
	return nil
}

// host is the root of an authority. Secure: the scheme is https; known is false for
// "//host", whose scheme is that of the viewer.
func (o *Origin) host(authority []byte, secure, known bool) (root int, ok bool) {
	if len(o.hosts) == 0 {
		return 0, false
	}
	var buffer [maxHost + 8]byte
	name, port, ok := hostPort(buffer[:0], authority)
	if !ok {
		return 0, false
	}
	n := len(name)
	name = append(name, ':')
	if port != 0 {
		root, ok = o.hosts[string(strconv.AppendInt(name, int64(port), 10))]
		return root, ok
	}
	if ok = false; secure || !known {
		root, ok = o.hosts[string(append(name[:n], ":443"...))]
	}
	if !ok && (!secure || !known) {
		root, ok = o.hosts[string(append(name[:n], ":80"...))]
	}
	return root, ok
}

// maxHost is the longest name of a host (RFC 1035).
const maxHost = 255

// hostPort appends the host of an authority in lower case, without userinfo and
// the dot of the root, and gives its port, 0 for none.
func hostPort(dst, authority []byte) (host []byte, port int, ok bool) {
	for i := len(authority) - 1; i >= 0; i-- {
		if authority[i] == '@' {
			authority = authority[i+1:]
			break
		}
	}
	end := len(authority)
	for i := len(authority) - 1; i >= 0 && authority[i] != ']'; i-- {
		if authority[i] == ':' {
			end = i
			break
		}
	}
	if end < len(authority) {
		for _, c := range authority[end+1:] {
			if c < '0' || c > '9' || port > 65535 {
				return nil, 0, false
			}
			port = port*10 + int(c-'0')
		}
	}
	name := authority[:end]
	for i := 0; i < len(name); i++ {
		c := name[i]
		if v, ok := Unescape(name, i); ok {
			c, i = v, i+2
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if len(dst) == maxHost {
			return nil, 0, false
		}
		dst = append(dst, c)
	}
	n := len(dst)
	switch {
	case n > 2 && dst[0] == '[' && dst[n-1] == ']': // the zeros of an IPv6 address may be left out (RFC 5952)
		if addr, err := netip.ParseAddr(string(dst[1 : n-1])); err == nil {
			dst = append(addr.AppendTo(append(dst[:0], '[')), ']')
		}
	case n > 1 && dst[n-1] == '.':
		dst = dst[:n-1]
	}
	return dst, port, port <= 65535
}
