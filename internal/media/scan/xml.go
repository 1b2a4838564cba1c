package scan

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf8"
)

// XMLAttributes goes through the attributes of a tag, and finds its end. It never
// goes back, whatever is malformed.
type XMLAttributes struct {
	Body  []byte
	At    int    // where it goes on; behind the tag when there are no more
	Name  []byte // of the last one, with its namespace prefix
	Value Span
	Empty bool // <x/>
}

// Next reads one more attribute; false when there are no more.
func (a *XMLAttributes) Next() bool {
	b := a.Body
	for {
		for a.At < len(b) && IsSpace(b[a.At]) {
			a.At++
		}
		if a.At == len(b) {
			return false
		}
		if b[a.At] == '>' {
			a.At++
			return false
		}
		if b[a.At] == '/' || b[a.At] == '=' || b[a.At] == '"' || b[a.At] == '\'' {
			a.Empty = b[a.At] == '/' && a.At+1 < len(b) && b[a.At+1] == '>'
			a.At++
			continue
		}
		begin := a.At
		for a.At < len(b) && !IsSpace(b[a.At]) && b[a.At] != '=' && b[a.At] != '>' && b[a.At] != '/' {
			a.At++
		}
		a.Name = b[begin:a.At]
		for a.At < len(b) && IsSpace(b[a.At]) {
			a.At++
		}
		if a.At == len(b) || b[a.At] != '=' {
			continue
		}
		for a.At++; a.At < len(b) && IsSpace(b[a.At]); a.At++ {
		}
		if a.At == len(b) || b[a.At] != '"' && b[a.At] != '\'' {
			continue
		}
		n := bytes.IndexByte(b[a.At+1:], b[a.At])
		if n < 0 {
			a.At = len(b)
			return false
		}
		a.Value = Span{uint32(a.At + 1), uint32(n)}
		a.At += n + 2
		return true
	}
}

// Local is a name without its namespace prefix.
func Local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// MarkupEnd is the end of what begins at from with "<!" or "<?" and is no tag.
func MarkupEnd(b []byte, from int) int {
	for _, form := range [...][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!DOCTYPE", ""}, {"<!", ">"}} {
		if !bytes.HasPrefix(b[from:], []byte(form[0])) {
			continue
		}
		if form[1] == "" {
			return doctypeEnd(b, from)
		}
		n := bytes.Index(b[from+len(form[0]):], []byte(form[1]))
		if n < 0 {
			return len(b)
		}
		return from + len(form[0]) + n + len(form[1])
	}
	return from + 1
}

func doctypeEnd(b []byte, from int) int {
	inside, quote := false, byte(0)
	for i := from; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case c == '>' && !inside:
			return i + 1
		}
	}
	return len(b)
}

// TextEnd is where the text that begins at from ends: at the next tag.
func TextEnd(b []byte, from int) int {
	for i := from; ; {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			return len(b)
		}
		i += n
		if i+1 == len(b) || b[i+1] != '!' && b[i+1] != '?' {
			return i
		}
		i = MarkupEnd(b, i)
	}
}

// Entities are those that the document declares, by name, with what they refer to
// put in. One refers to those before it: what multiplies itself beyond the longest
// one is not read.
type Entities map[string]string

// Bounds of what a document declares.
const (
	maxEntities = 64
	maxEntity   = 4096
)

// Declare reads the general Entities of a document type.
func (e *Entities) Declare(b []byte) {
	for {
		n := bytes.Index(b, []byte("<!ENTITY"))
		if n < 0 || len(*e) == maxEntities {
			return
		}
		b = bytes.TrimLeft(b[n+len("<!ENTITY"):], " \t\r\n")
		name := b[:max(0, bytes.IndexAny(b, " \t\r\n"))]
		rest := bytes.TrimLeft(b[len(name):], " \t\r\n")
		if len(name) == 0 || len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			continue
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return
		}
		value := rest[1 : 1+end]
		if bytes.IndexByte(value, '&') >= 0 && len(value) <= maxEntity {
			value, _ = Decode(nil, value, *e)
		}
		if len(value) <= maxEntity && !bytes.ContainsAny(value, `&<%"'`) {
			if *e == nil {
				*e = Entities{}
			}
			if _, known := (*e)[string(name)]; !known {
				(*e)[string(name)] = string(value)
			}
		}
		b = rest[1+end:]
	}
}

// xmlText goes through a text or a value: pieces as they stand, and references.
type xmlText struct {
	raw      []byte
	at       int
	entities Entities
	cdata    bool
}

// textPiece is what raw[from:to] means.
type textPiece struct {
	text     []byte
	from, to int
	whole    bool // it stands for its text only as a whole
	markup   bool // it is no text: a comment, or the beginning or end of CDATA
}

func (t *xmlText) next() (p textPiece, ok bool) {
	if t.at >= len(t.raw) {
		return p, false
	}
	p.from = t.at
	rest := t.raw[t.at:]
	switch {
	case t.cdata && bytes.HasPrefix(rest, []byte("]]>")):
		t.cdata, t.at, p.markup = false, t.at+3, true
	case t.cdata:
		n := bytes.Index(rest, []byte("]]>"))
		if n < 0 {
			n = len(rest)
		}
		p.text, t.at = rest[:n], t.at+n
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		t.cdata, t.at, p.markup = true, t.at+len("<![CDATA["), true
	case rest[0] == '<':
		t.at, p.markup = MarkupEnd(t.raw, t.at), true
	case rest[0] == '&':
		p.text, p.whole = t.reference(rest)
		t.at += max(1, bytes.IndexByte(rest, ';')+1)
		if !p.whole {
			p.text, t.at = rest[:1], p.from+1
		}
	default:
		n := bytes.IndexAny(rest, "&<")
		if n < 0 {
			n = len(rest)
		}
		p.text, t.at = rest[:n], t.at+n
	}
	p.to = t.at
	return p, true
}

// reference is what a reference at the beginning of b means.
func (t *xmlText) reference(b []byte) ([]byte, bool) {
	end := bytes.IndexByte(b[:min(len(b), 64)], ';')
	if end < 0 {
		return nil, false
	}
	switch name := string(b[1:end]); name {
	case "amp":
		return []byte("&"), true
	case "lt":
		return []byte("<"), true
	case "gt":
		return []byte(">"), true
	case "quot":
		return []byte(`"`), true
	case "apos":
		return []byte("'"), true
	default:
		if value, ok := t.entities[name]; ok {
			return []byte(value), true
		}
		base := 10
		if len(name) > 1 && name[0] == '#' {
			name = name[1:]
			if name[0] == 'x' || name[0] == 'X' {
				name, base = name[1:], 16
			}
			if n, err := strconv.ParseUint(name, base, 21); err == nil {
				return utf8.AppendRune(nil, rune(n)), true
			}
		}
		return nil, false
	}
}

// Decode appends a text as it is meant, without the white space around it; false
// when it is too long for a URI.
func Decode(dst, raw []byte, known Entities) ([]byte, bool) {
	start := len(dst)
	if bytes.IndexByte(raw, '&') < 0 && bytes.IndexByte(raw, '<') < 0 {
		raw = bytes.TrimSpace(raw)
		return append(dst, raw[:min(len(raw), MaxURI)]...), len(raw) <= MaxURI
	}
	t := xmlText{raw: raw, entities: known}
	for p, ok := t.next(); ok; p, ok = t.next() {
		text := p.text
		if len(dst) == start {
			text = bytes.TrimLeft(text, " \t\r\n")
		}
		if len(dst)-start+len(text) > MaxURI {
			return dst, false
		}
		dst = append(dst, text...)
	}
	for len(dst) > start && IsSpace(dst[len(dst)-1]) {
		dst = dst[:len(dst)-1]
	}
	return dst, true
}

// Texts are the pieces of a text and where they stand in it: nil for what means itself, else
// what a reference means.
func Texts(raw []byte, known Entities) iter.Seq2[Span, []byte] {
	return func(yield func(Span, []byte) bool) {
		t := xmlText{raw: raw, entities: known}
		for p, ok := t.next(); ok; p, ok = t.next() {
			if !p.whole {
				p.text = nil
			}
			if !p.markup && !yield(Between(p.from, p.to), p.text) {
				return
			}
		}
	}
}

// RawCut finds the first cut bytes of a decoded text in what it was decoded from:
// raw[from:to]. Where they end within a reference, rest is what is left of it.
// False when they can't be taken out without breaking the markup.
func RawCut(raw []byte, known Entities, cut int) (from, to int, rest string, ok bool) {
	t := xmlText{raw: raw, entities: known}
	from = -1
	for p, more := t.next(); more; p, more = t.next() {
		if p.markup {
			if from >= 0 && cut > 0 {
				return 0, 0, "", false
			}
			continue
		}
		text := p.text
		if from < 0 {
			text = bytes.TrimLeft(text, " \t\r\n")
			if len(text) == 0 {
				continue
			}
			if from = p.from; !p.whole {
				from += len(p.text) - len(text)
			}
			if cut == 0 {
				return from, from, "", true
			}
		}
		if cut <= len(text) {
			if p.whole {
				return from, p.to, string(text[cut:]), true
			}
			return from, p.to - len(text) + cut, "", true
		}
		cut -= len(text)
	}
	return 0, 0, "", false
}
