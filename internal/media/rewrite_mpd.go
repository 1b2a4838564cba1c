package media

import "bytes"

// uriAttributes are the attributes of an MPD that hold URIs of media.
var uriAttributes = map[string]bool{"media": true, "initialization": true, "sourceURL": true, "index": true, "bitstreamSwitching": true}

// mpd rewrites BaseURL, Location and the URI attributes of a manifest. The text
// is scanned, not parsed and written anew: what is not touched stays as it is.
func (r *rewriter) mpd() {
	r.foreign = r.foreignBase()
	for t := range r.tags() {
		switch string(t.name) {
		case "BaseURL":
			r.uri(t.end, r.textEnd(t.end))
		case "Location", "PatchLocation":
			r.location(t)
		case "SegmentTemplate", "SegmentList", "SegmentURL", "Initialization", "RepresentationIndex", "BitstreamSwitching":
			r.attributes(t)
		}
	}
}

// foreignBase tells whether any BaseURL leads to another host.
func (r *rewriter) foreignBase() bool {
	if !bytes.Contains(r.body, []byte("BaseURL")) {
		return false
	}
	for t := range r.tags() {
		if string(t.name) == "BaseURL" && r.abroad(string(r.body[t.end:r.textEnd(t.end)])) {
			return true
		}
	}
	return false
}

// location rewrites where the manifest is to be asked for again; one that leads
// to another host would take the viewer out of the cluster: it is dropped.
func (r *rewriter) location(t tag) {
	end := r.textEnd(t.end)
	if !r.abroad(string(r.body[t.end:end])) {
		r.uri(t.end, end)
		return
	}
	closing := bytes.IndexByte(r.body[end:], '>')
	if closing < 0 || t.empty {
		return
	}
	r.edits = append(r.edits, edit{t.start, end + closing + 1, ""})
}

// textEnd is where the text that begins at from ends.
func (r *rewriter) textEnd(from int) int {
	n := bytes.IndexByte(r.body[from:], '<')
	if n < 0 {
		return from
	}
	return from + n
}

// tag is an opening tag: body[start:end] with its '<' and '>'.
type tag struct {
	name       []byte // without a namespace prefix
	start, end int
	empty      bool // <x/>
}

// tags yields the opening tags in order; comments, CDATA and processing
// instructions are passed over.
func (r *rewriter) tags() func(yield func(tag) bool) {
	return func(yield func(tag) bool) {
		b := r.body
		for at := 0; ; {
			n := bytes.IndexByte(b[at:], '<')
			if n < 0 {
				return
			}
			at += n
			if skip := passOver(b[at:]); skip != 0 {
				if skip < 0 {
					return
				}
				at += skip
				continue
			}
			end := tagEnd(b, at)
			if end < 0 {
				return
			}
			if b[at+1] != '/' && !yield(tag{tagName(b[at+1 : end-1]), at, end, b[end-2] == '/'}) {
				return
			}
			at = end
		}
	}
}

// passOver is the length of what begins here and is no tag: 0 for a tag, -1 for
// something that does not end.
func passOver(b []byte) int {
	for _, form := range [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}} {
		if bytes.HasPrefix(b, []byte(form[0])) {
			n := bytes.Index(b, []byte(form[1]))
			if n < 0 {
				return -1
			}
			return n + len(form[1])
		}
	}
	return 0
}

// tagEnd is the place after the '>' of the tag at from; -1: it has none.
func tagEnd(b []byte, from int) int {
	quote := byte(0)
	for i := from + 1; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

func tagName(b []byte) []byte {
	end := bytes.IndexAny(b, " \t\r\n/")
	if end < 0 {
		end = len(b)
	}
	name := b[:end]
	if colon := bytes.IndexByte(name, ':'); colon >= 0 {
		name = name[colon+1:]
	}
	return name
}

// attributes rewrites the URI attributes of a tag.
func (r *rewriter) attributes(t tag) {
	b := r.body
	for at := t.start + 1 + len(t.name); at < t.end; {
		equals := bytes.IndexByte(b[at:t.end], '=')
		if equals < 0 {
			return
		}
		name := bytes.TrimSpace(b[at : at+equals])
		if i := bytes.LastIndexAny(name, " \t\r\n"); i >= 0 {
			name = name[i+1:]
		}
		at += equals + 1
		for at < t.end && isSpace(b[at]) {
			at++
		}
		if at == t.end || b[at] != '"' && b[at] != '\'' {
			return
		}
		length := bytes.IndexByte(b[at+1:t.end], b[at])
		if length < 0 {
			return
		}
		if uriAttributes[string(name)] {
			r.uri(at+1, at+1+length)
		}
		at += length + 2
	}
}
