package companion

import (
	"bytes"
	"time"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/track"
	"tandem/internal/media/uri"
)

// Sniffed is how much of a body tells what it is, in bytes: nobody waits longer
// for a document that is about something else.
const Sniffed = 512

// members are those that one of the documents has and no other JSON, as far as
// anybody knows.
var members = [...]string{`"ASSETS"`, `"RELOAD-URI"`, `"PATHWAY-PRIORITY"`, `"PATHWAY-CLONES"`}

// ofChapters is what each chapter of a list has, which is an array.
var ofChapters = [...]string{`"start-time"`}

// Begins tells whether a body may be one, by its first byte.
func Begins(c byte) bool { return c == '{' || c == '[' }

// Is tells whether a body is a companion by how it begins, white space aside.
func Is(head []byte) bool {
	if len(head) == 0 || !Begins(head[0]) {
		return false
	}
	names := members[:]
	if head[0] == '[' {
		names = ofChapters[:]
	}
	head = head[:min(len(head), Sniffed)]
	for _, name := range names {
		for rest := head; ; {
			_, behind, found := bytes.Cut(rest, []byte(name))
			if !found {
				break
			}
			if rest = bytes.TrimLeft(behind, " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				return true
			}
		}
	}
	return false
}

// Document is one of them. It says nothing of segments.
type Document struct{ *edit.Draft }

// reader goes through a document.
type reader struct {
	*edit.Draft
	at    int
	depth int
	named int    // the depth whose members' names are anything and whose values are URIs; 0: none
	clone int    // the depth of what a pathway clone replaces; 0: none
	image string // what the URI of a chapter's picture is called; "": there are no chapters
	name  []byte
	begin int // of the name in the body
	text  []byte
}

// Parse reads one.
func Parse(d *edit.Draft) *Document {
	p := reader{Draft: d}
	if bytes.HasPrefix(bytes.TrimLeft(d.Body, "\xef\xbb\xbf \t\r\n"), []byte("[")) {
		p.image = "url"
	}
	for body := d.Body; p.at < len(body); p.at++ {
		switch body[p.at] {
		case '{':
			if p.depth++; p.named == 0 && (string(p.name) == "PER-VARIANT-URIS" || string(p.name) == "PER-RENDITION-URIS") {
				p.named = p.depth
			}
			if string(p.name) == "URI-REPLACEMENT" {
				p.clone = p.depth
			}
			p.name = nil
		case '[':
			p.depth++
		case '}', ']':
			if p.depth == p.named {
				p.named = 0
			}
			if p.depth == p.clone {
				p.clone = 0
			}
			p.depth--
			p.name = nil
		case ',':
			p.name = nil
		case '"':
			p.string()
		}
	}
	return &Document{d}
}

// string takes a string: the name of a member, or a value.
func (p *reader) string() {
	body, from := p.Body, p.at+1
	for p.at++; p.at < len(body) && body[p.at] != '"'; p.at++ {
		if body[p.at] == '\\' {
			p.at++
		}
	}
	if p.at >= len(body) {
		return // it does not end
	}
	end, next := p.at, p.at+1
	for next < len(body) && scan.IsSpace(body[next]) {
		next++
	}
	if next < len(body) && body[next] == ':' {
		p.name, p.begin = body[from:end], from
		p.at = next
		return
	}
	switch name := string(p.name); {
	case name == "URI", name == "RELOAD-URI", name != "" && name == p.image, p.named == p.depth && p.named > 0:
		p.lead(scan.Between(from, end))
	case name == "HOST":
		p.host(scan.Between(from, end))
	}
}

// host takes a host. One of ours in a pathway clone would take the place of the
// cluster's, where players find its session: the clone is given none, so that what
// else it replaces holds here. A member that is called as the prefix takes its place,
// which players don't know. Servers that steer MPDs name a host with its scheme.
func (p *reader) host(raw scan.Span) {
	if p.text, _ = appendDecoded(p.text[:0], raw.Of(p.Body)); !bytes.Contains(p.text, []byte("://")) {
		p.text = append([]byte("http://"), p.text...)
	}
	l, _ := p.Origin.Lead(uri.Place{}, p.text)
	if p.clone == p.depth && p.clone > 0 && (l.Class == uri.Moved || l.Class == uri.Left) {
		p.Edits.Add(int64(p.begin), int64(raw.End()-p.begin), edit.Word, `":"`)
		return
	}
	p.Names(p.text)
}

// lead takes a URI.
func (p *reader) lead(raw scan.Span) {
	var ok bool
	if p.text, ok = appendDecoded(p.text[:0], raw.Of(p.Body)); !ok || len(p.text) == 0 || len(p.text) > scan.MaxURI {
		return
	}
	l, _ := p.Origin.Lead(p.Folder, p.text)
	if l.Class == uri.Moved {
		cut, ok := rawCut(raw.Of(p.Body), l.Cut)
		if !ok {
			l.Class = uri.Left
		}
		l.Cut = cut
	}
	p.Enter(raw, l)
}

// Live tells that it changes: nobody waits for the next one as for a segment.
func (d *Document) Live() bool { return false }

// Interval is 0.
func (d *Document) Interval() time.Duration { return 0 }

// Window is 0.
func (d *Document) Window() time.Duration { return 0 }

// Ahead is 0.
func (d *Document) Ahead() time.Duration { return 0 }

// Locate knows no segment.
func (d *Document) Locate(string, track.ByteRange) (track.Ref, bool) { return track.Ref{}, false }

// Next knows none.
func (d *Document) Next(track.Ref, int) []track.Object { return nil }

// Upcoming knows none.
func (d *Document) Upcoming(string) bool { return false }

// Children are none.
func (d *Document) Children() []track.Child { return nil }
