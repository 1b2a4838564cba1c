package edit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"tandem/internal/media/scan"
	"tandem/internal/media/uri"
)

// Draft is a manifest while it is read: its text, where it stands, and what is
// found out about it on the way.
type Draft struct {
	Body   []byte
	Origin *uri.Origin
	Target string    // of the manifest itself, as the cluster calls it
	Base   []byte    // its path at the origin, in normal form
	Folder uri.Place // that it stands in
	Budget scan.Budget
	Edits  Edits
	wide   bool // there are bytes beyond ASCII, and they are UTF-8 where URIs are

	Foreign int64 // URIs that lead to other hosts
	Left    int64 // URIs that name the origin and stay as they are
	Flaw    error // the first thing that is malformed
}

// NewDraft begins one.
func NewDraft(body []byte, o *uri.Origin, target string) *Draft {
	return &Draft{
		Body: body, Origin: o, Target: target, Base: o.AppendTarget(nil, target), Folder: o.At(target),
		Budget: scan.NewBudget(len(body)), Edits: Edits{size: int64(len(body)), body: body}, wide: wide(body),
	}
}

// Flawed notes a flaw at a place in the body; the first one is told.
func (d *Draft) Flawed(at int, what string) {
	if d.Flaw == nil {
		d.Flaw = fmt.Errorf("line %d: %s", 1+bytes.Count(d.Body[:min(at, len(d.Body))], []byte("\n")), what)
	}
}

// Count enters a reference that stays as it is.
func (d *Draft) Count(c uri.Class) {
	switch c {
	case uri.Foreign:
		d.Foreign++
	case uri.Left:
		d.Left++
	}
}

// Odd tells whether a reference has bytes that no URI may hold and no request's target either:
// those beyond ASCII, and spaces.
func (d *Draft) Odd(ref []byte) bool {
	return bytes.IndexByte(ref, ' ') >= 0 || d.wide && slices.ContainsFunc(ref, beyond)
}

func beyond(c byte) bool { return c >= 0x80 }

// Escaped is a text with such bytes percent-encoded.
func Escaped(text []byte) string {
	var b strings.Builder
	for _, c := range text {
		if c == ' ' || beyond(c) {
			b.WriteString(escape(c))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// HeldByEscape is what one is to the budget, in bytes; what it takes is among what Edits cost.
const HeldByEscape = 4

// Escape has such bytes of a reference go out percent-encoded (RFC 3987 section 3.1), as browsers
// ask for them: some players send them as they are, which is 400 everywhere that is strict. What
// was edited already stays.
func (d *Draft) Escape(from, to int) {
	for at := max(from, d.Edits.End()); at < to; at++ {
		n := at
		for n < to && (d.Body[n] == ' ' || d.wide && beyond(d.Body[n])) {
			n++
		}
		if n > at && d.Budget.Hold(HeldByEscape) {
			d.Edits.Escape(int64(at), int64(n-at))
			at = n
		}
	}
}

// wide tells whether a body has bytes beyond ASCII which are a URI's by RFC 3987: UTF-8, as it is
// where nothing else is declared.
func wide(body []byte) bool {
	const declared = 200 // bytes of an XML declaration
	_, coding, ok := bytes.Cut(body[:min(len(body), declared)], []byte("encoding="))
	if ok && len(coding) > 5 && body[0] == '<' && !bytes.EqualFold(coding[1:6], []byte("utf-8")) {
		return false
	}
	for ; len(body) >= 8; body = body[8:] {
		if binary.LittleEndian.Uint64(body)&0x8080808080808080 != 0 {
			return true
		}
	}
	return slices.ContainsFunc(body, beyond)
}

// Names counts a text that is no URI of media, as far as anybody knows, if it
// names the origin.
func (d *Draft) Names(text []byte) {
	if uri.HasScheme(text) {
		if l, _ := d.Origin.Lead(uri.Place{}, text); l.Class == uri.Moved || l.Class == uri.Left {
			d.Left++
		}
	}
}

// Enter notes what becomes of the reference that stands at a place of the body.
func (d *Draft) Enter(s scan.Span, l uri.Lead) {
	if l.Class == uri.Moved {
		follows, text := Follows(l)
		d.Edits.Add(int64(s.At), int64(l.Cut), follows, text)
	} else {
		d.Count(l.Class)
	}
	if l.Class <= uri.Moved && d.Odd(s.Of(d.Body)) {
		d.Escape(int(s.At), s.End())
	}
}

// Follows is what stands between the prefix and the rest of a reference.
func Follows(l uri.Lead) (follows int, text string) {
	switch {
	case l.Bare:
		return Slash, ""
	case l.Double:
		return Word, "/."
	default:
		return Nothing, ""
	}
}
