package hls

import (
	"bytes"
	"strings"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/uri"
)

// Variable is one of EXT-X-DEFINE.
type Variable struct {
	Value string
	Moved bool // the prefix is put in where it is defined, and so a player has it
	led   bool // the prefix is in it elsewhere than at its beginning
}

// lead takes a URI at a place of the body: what leads out of the session is led
// back into it.
func (p *reader) lead(s scan.Span) {
	ref := s.Of(p.Body)
	if len(ref) == 0 {
		return
	}
	if p.vars != nil && bytes.Contains(ref, []byte("{$")) {
		if p.leadExpanded(s) && p.Odd(ref) {
			p.Escape(int(s.At), s.End())
		}
		return
	}
	// The fast way out: nearly every URI is relative, and goes down.
	if c := ref[0]; c != '/' && c != '\\' && c != '.' && !p.Folder.Foreign() && bytes.IndexByte(ref, ':') < 0 &&
		!bytes.Contains(ref, []byte("..")) && bytes.IndexByte(ref, '%') < 0 && bytes.IndexByte(ref, '\\') < 0 && !p.Odd(ref) {
		return
	}
	l, _ := p.Origin.Lead(p.Folder, ref)
	p.Enter(s, l)
}

// piece is a part of a URI with its variables put in.
type piece struct {
	out, raw int // where it begins there, and in the text
	n        int // its length there
	variable *Variable
}

// Bounds of variables.
const (
	maxReferences = 32
	maxVariables  = 1000
	wordsAByte    = 4 // bytes of variables that edits may put in, a byte of the playlist
)

// expand puts the variables into a URI; false when one is not known, or it
// becomes too long.
func (l *List) expand(dst []byte, pieces []piece, ref []byte) ([]byte, []piece, bool) {
	start := len(dst)
	for at := 0; at < len(ref); {
		n := bytes.Index(ref[at:], []byte("{$"))
		end := -1
		if n >= 0 {
			end = bytes.IndexByte(ref[at+n:], '}')
		}
		if end < 0 {
			n = len(ref) - at
		}
		if n > 0 {
			pieces = append(pieces, piece{out: len(dst) - start, raw: at, n: n})
			dst = append(dst, ref[at:at+n]...)
			at += n
		}
		if end < 0 {
			break
		}
		v, ok := l.vars[string(ref[at+2:at+end])]
		if !ok || len(pieces) >= maxReferences || len(dst)-start+len(v.Value) > scan.MaxURI {
			return dst, pieces, false
		}
		pieces = append(pieces, piece{out: len(dst) - start, raw: at, n: len(v.Value), variable: &v})
		dst = append(dst, v.Value...)
		at += end + 1
	}
	return dst, pieces, true
}

// leadExpanded is lead for a URI with variables. Where the prefix takes the
// place of a part of a variable, the rest of it is put in behind the prefix. Ours: it is in
// the session then.
func (p *reader) leadExpanded(s scan.Span) (ours bool) {
	ref := s.Of(p.Body)
	if p.Budget.Work < 0 {
		p.Left++
		return false
	}
	var ok bool
	p.expanded, p.pieces, ok = p.expand(p.expanded[:0], p.pieces[:0], ref)
	if !ok {
		return false // a player that does not know the variable gives up as well
	}
	if !p.Budget.Do(int64(len(p.expanded))) {
		p.Left++
		return false
	}
	l, _ := p.Origin.Lead(p.Folder, p.expanded)
	if holdsPrefix(p.pieces) && p.leadWhole(s, l) {
		return false // all of it is new
	}
	if l.Class != uri.Moved {
		p.Count(l.Class)
		return l.Class == uri.Inside
	}
	follows, text := edit.Follows(l)
	cut := len(ref)
	for _, q := range p.pieces {
		if l.Cut < q.out || l.Cut >= q.out+q.n {
			continue
		}
		cut = q.raw + l.Cut - q.out
		if q.variable != nil && l.Cut > q.out {
			rest := q.variable.Value[l.Cut-q.out:]
			cut = q.raw + bytes.IndexByte(ref[q.raw:], '}') + 1
			if follows == edit.Slash {
				text = "/"
			}
			follows, text = edit.Word, text+rest
		}
		break
	}
	if first := p.pieces[0]; first.variable == nil || !first.variable.Moved { // else a player puts in what has the prefix already
		p.put(s, cut, follows, text)
	}
	return true
}

// put has the prefix, and what follows it, take the place of so much of a URI.
func (p *reader) put(s scan.Span, cut, follows int, text string) {
	if p.words += int64(len(text)); p.words > scan.Least+wordsAByte*int64(len(p.Body)) {
		p.Left++
		return
	}
	p.Edits.Add(int64(s.At), int64(cut), follows, text)
}

// holdsPrefix tells whether a player would put the prefix into a URI behind its beginning,
// by a variable: into a query, say, where the session's token is the origin's to read.
func holdsPrefix(pieces []piece) bool {
	for i, q := range pieces {
		if v := q.variable; v != nil && (v.led || v.Moved && i > 0) {
			return true
		}
	}
	return false
}

// leadWhole is leadExpanded for such a URI: it is written out, with the values that the
// origin gave, behind the prefix; without it where it is at another host, or is not led.
// False: nothing is to be written.
func (p *reader) leadWhole(s scan.Span, l uri.Lead) bool {
	text, follows := string(p.expanded), edit.Word
	switch {
	case l.Class >= uri.Foreign:
		p.Count(l.Class)
		follows = edit.Instead
	case l.Class == uri.Moved:
		_, before := edit.Follows(l)
		if text = before + text[l.Cut:]; l.Bare {
			text = "/" + text
		}
	case l.Class == uri.Inside && text != "" && text[0] != '#':
		path, _, _ := strings.Cut(p.Target, "?")
		if text[0] != '?' {
			path = path[:strings.LastIndexByte(path, '/')+1]
		}
		if text = path + text; strings.HasPrefix(text, "//") {
			text = "/." + text
		}
	default:
		return false
	}
	if l.Class < uri.Foreign {
		text = edit.Escaped([]byte(text))
	}
	p.put(s, int(s.N), follows, text)
	return true
}

// define reads EXT-X-DEFINE.
func (p *reader) define(v scan.Span) {
	body := p.Body
	if name := p.attribute(v, "NAME"); name.N > 0 {
		p.assign(name, p.attribute(v, "VALUE"))
		return
	}
	if name := p.attribute(v, "IMPORT"); name.N > 0 && p.imported != nil {
		if got, ok := p.imported(string(name.Of(body))); ok {
			p.know(string(name.Of(body)), got)
		}
		return
	}
	if name := p.attribute(v, "QUERYPARAM"); name.N > 0 {
		p.know(string(name.Of(body)), Variable{Value: queryValue(p.Target, string(name.Of(body)))})
	}
}

func (p *reader) know(name string, v Variable) {
	if p.vars == nil {
		p.vars = map[string]Variable{}
	}
	if _, again := p.vars[name]; again || len(p.vars) == maxVariables || len(v.Value) > scan.MaxURI || !p.Budget.Hold(int64(len(name)+len(v.Value)+64)) {
		return
	}
	p.vars[name] = v
}

// assign is a variable with a value of its own. One that begins the URIs it is
// used in, and leads out of the session, gets the prefix where it is defined: a
// media playlist that imports it needs nothing then.
func (p *reader) assign(name, value scan.Span) {
	text := value.Of(p.Body)
	v := Variable{Value: string(text)}
	if bytes.Contains(text, []byte("{$")) {
		expanded, pieces, ok := p.expand(nil, nil, text)
		if !ok {
			return
		}
		v.Value = string(expanded)
		v.Moved = pieces[0].variable != nil && pieces[0].variable.Moved
		v.led = holdsPrefix(pieces)
	} else if l, _ := p.Origin.Lead(p.Folder, text); l.Class == uri.Moved && (text[0] == '/' || uri.HasScheme(text)) {
		leads, used := p.begins(name, l.Bare)
		if leads && (used || text[0] != '/' || !p.absolutes()) {
			v.Moved = true
			l.Bare = false // a slash follows where it is used
			p.Enter(value, l)
		}
	}
	p.know(string(name.Of(p.Body)), v)
}

// begins tells whether a variable stands at the beginning wherever it is used, with a
// slash behind it where it is bare, and whether it is used at all. One that other
// playlists use is taken to be used so: no URI goes on behind a host in another way but
// by its query.
func (p *reader) begins(name scan.Span, bare bool) (all, used bool) {
	rest := p.Body[name.End():]
	if !p.Budget.Do(int64(len(rest))) {
		return false, true
	}
	reference := append(append([]byte("{$"), name.Of(p.Body)...), '}')
	for {
		n := bytes.Index(rest, reference)
		if n < 0 {
			return true, used
		}
		used = true
		if n == 0 || rest[n-1] != '"' && rest[n-1] != '\n' && rest[n-1] != '\r' {
			return false, true
		}
		rest = rest[n+len(reference):]
		if bare && (len(rest) == 0 || rest[0] != '/') {
			return false, true
		}
	}
}

// absolutes tells whether some variable is the beginning of an absolute URI, and
// another one may be meant to follow it.
func (p *reader) absolutes() bool {
	return bytes.Contains(p.Body, []byte(`VALUE="http`)) || bytes.Contains(p.Body, []byte(`VALUE="//`))
}

// queryValue is a parameter of a target's query, with its escapes undone.
func queryValue(target, name string) string {
	_, query, _ := bytes.Cut([]byte(target), []byte("?"))
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		key, value, _ := bytes.Cut(pair, []byte("="))
		if string(unescaped(key)) == name {
			return string(unescaped(value))
		}
	}
	return ""
}

func unescaped(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if v, ok := uri.Unescape(text, i); ok {
			c, i = v, i+2
		} else if c == '+' {
			c = ' '
		}
		out = append(out, c)
	}
	return out
}
