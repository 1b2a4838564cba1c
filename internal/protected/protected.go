package protected

import (
	"errors"
	"fmt"
	"strings"

	"tandem/internal/wire"
)

// Limits of what is protected: every node is told of all of it.
const (
	maxPrefixes = 1000
	maxBytes    = 64 << 10 // of all prefixes together
)

// Paths are the prefixes. A nil one protects nothing.
type Paths struct {
	open map[string]bool // by prefix as Canonical reads it: whether it is open
}

// New is for a list that Check takes.
func New(list []wire.Protected) *Paths {
	if len(list) == 0 {
		return nil
	}
	p := &Paths{open: make(map[string]bool, len(list))}
	for _, one := range list {
		p.open[Canonical(one.Prefix)] = one.Open
	}
	return p
}

// Check names the first thing that is wrong with a list.
func Check(list []wire.Protected) error {
	bytes, seen := 0, make(map[string]bool, len(list))
	for _, one := range list {
		bytes += len(one.Prefix)
		canonical := Canonical(one.Prefix)
		switch {
		case !strings.HasPrefix(one.Prefix, "/") || !strings.HasSuffix(one.Prefix, "/") || strings.ContainsAny(one.Prefix, "?#"):
			return fmt.Errorf("prefix %q: want a folder, from '/' to '/', like /premium/", one.Prefix)
		case seen[canonical]:
			return fmt.Errorf("prefix %q: there is another rule of this prefix", one.Prefix)
		}
		seen[canonical] = true
	}
	if len(list) > maxPrefixes || bytes > maxBytes {
		return errors.New("at most 1000 prefixes, of 64 KB together")
	}
	return nil
}

// Of is the prefix that decides about a target, and whether it protects it.
func (p *Paths) Of(target string) (prefix string, protected bool) {
	if p == nil {
		return "", false
	}
	return p.of(Canonical(target))
}

func (p *Paths) of(path string) (prefix string, protected bool) {
	for end := strings.LastIndexByte(path, '/'); end >= 0; end = strings.LastIndexByte(path[:end], '/') {
		if open, ok := p.open[path[:end+1]]; ok {
			return path[:end+1], !open
		}
	}
	return "", false
}

// Reaches tells whether a session of a stream may have a target. scope is what it was
// let into: one more than the number of folders of the stream's name that it has all
// below of; 0: nothing that is protected.
func (p *Paths) Reaches(stream string, scope uint8, target string) bool {
	if p == nil {
		return true
	}
	path := Canonical(target)
	prefix, protected := p.of(path)
	if !protected {
		return true
	}
	entry := Canonical(stream)
	own, _ := p.of(entry)
	return scope > 0 && own == prefix && strings.HasPrefix(path, Folders(entry, int(scope)-1))
}

// Folders are the first n folders of a path, with the slash behind them: of
// "/a/b/c" one is "/a/", none "/". Of a path with fewer it is the path.
func Folders(path string, n int) string {
	for i := range len(path) {
		if path[i] == '/' {
			if n == 0 {
				return path[:i+1]
			}
			n--
		}
	}
	return path
}
