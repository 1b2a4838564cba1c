package dash

import (
	"bytes"

	"tandem/internal/media/scan"
)

// change reads what a patch puts in the place of something, or beside it (ISO/IEC
// 23009-1 5.15, RFC 5261): an attribute or a text that is a URI is in the text of
// the change itself. Elements in it are read like any others.
func (p *reader) change() {
	if p.empty {
		return
	}
	path, last := lastStep(p.text("sel"))
	if kind := p.text("type"); bytes.HasPrefix(kind, []byte("@")) {
		path, last = p.text("sel"), kind
	}
	_, parent := lastStep(path)
	if n := bytes.IndexByte(parent, '['); n >= 0 {
		parent = parent[:n]
	}
	name, isAttribute := bytes.CutPrefix(last, []byte("@"))
	e := elements[string(scan.Local(parent))]
	many, one := false, false
	switch {
	case isAttribute && string(scan.Local(parent)) == "UTCTiming":
		many = string(name) == "value"
	case isAttribute:
		one = bytes.HasSuffix(name, []byte(":href"))
		for _, known := range e.uris {
			one = one || string(scan.Local(name)) == known
		}
	case string(last) == "text()":
		one = e.text || string(scan.Local(parent)) == "BaseURL"
	}
	if !one && !many {
		return
	}
	value := scan.Between(p.at, scan.TextEnd(p.Body, p.at))
	p.at = value.End()
	if many {
		p.refers(value)
		return
	}
	p.refer(value, p.Folder, false, false)
}

// lastStep parts the last step of a path from what is before it; a slash in a
// predicate parts nothing.
func lastStep(path []byte) (before, last []byte) {
	at, depth, quote := -1, 0, byte(0)
	for i, c := range path {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '/' && depth == 0:
			at = i
		}
	}
	return path[:max(at, 0)], path[at+1:]
}
