package uri

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Origin is what is ours: the origin's hosts, those of the cluster, and the path
// of the origin that is the cluster's root. It never changes.
type Origin struct {
	root   []string // components of that path, in normal form; none: "/"
	path   string   // the same as a path without a slash at its end: "", "/base"
	hosts  hosts    // of the origin; a path there begins above root
	public hosts    // of the cluster; a path there begins at root
}

// ErrHost is returned for a setting that names no host.
var ErrHost = errors.New("no host")

// New makes the origin at url ("http://host:port/base"). Alias are further
// names of it, public those of the cluster: "host", "host:port" or a URL. A host
// without a port is meant with the default ports of http and https.
func New(url string, alias, public []string) (*Origin, error) {
	o := &Origin{hosts: hosts{}, public: hosts{}}
	r := split([]byte(url))
	if r.kind != absolute {
		return nil, fmt.Errorf("%w: %q is no http or https URL", ErrHost, url)
	}
	if err := o.hosts.add(url[:r.path]); err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(url[r.path:r.end], "/") {
		if name != "" {
			name = string(AppendNormal(nil, []byte(name)))
			o.root = append(o.root, name)
			o.path += "/" + name
		}
	}
	for _, name := range alias {
		if err := o.hosts.add(name); err != nil {
			return nil, err
		}
	}
	for _, name := range public {
		if err := o.public.add(name); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// hosts is a set of "host:port", in lower case.
type hosts map[string]bool

func (h hosts) add(text string) error {
	text = strings.TrimSpace(text)
	scheme, authority, found := strings.Cut(text, "://")
	if !found {
		scheme, authority = "", text
	}
	authority, _, _ = strings.Cut(authority, "/")
	var buffer [maxHost]byte
	name, port, ok := hostPort(buffer[:0], []byte(authority))
	if !ok || len(name) == 0 {
		return fmt.Errorf("%w: %q", ErrHost, text)
	}
	switch {
	case port != 0:
		h[string(name)+":"+strconv.Itoa(port)] = true
	case scheme == "":
		h[string(name)+":80"], h[string(name)+":443"] = true, true
	default:
		// Which scheme it is spoken to with decides nothing about whose it is.
		h[string(name)+":80"], h[string(name)+":443"] = true, true
	}
	return nil
}

// has tells whether an authority is one of these. Secure: the scheme is https;
// known is false for "//host", whose scheme is that of the viewer.
func (h hosts) has(authority []byte, secure, known bool) bool {
	if len(h) == 0 {
		return false
	}
	var buffer [maxHost + 8]byte
	name, port, ok := hostPort(buffer[:0], authority)
	if !ok {
		return false
	}
	n := len(name)
	name = append(name, ':')
	if port != 0 {
		return h[string(strconv.AppendInt(name, int64(port), 10))]
	}
	return (secure || !known) && h[string(append(name[:n], ":443"...))] || (!secure || !known) && h[string(append(name[:n], ":80"...))]
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
	if n := len(dst); n > 1 && dst[n-1] == '.' {
		dst = dst[:n-1]
	}
	return dst, port, port <= 65535
}

// Unnamed is an origin of which no name is known: what is absolute is foreign.
func Unnamed() *Origin { return &Origin{} }
