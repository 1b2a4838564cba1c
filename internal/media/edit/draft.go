package edit

import (
	"bytes"
	"fmt"

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

	Foreign int64 // URIs that lead to other hosts
	Left    int64 // URIs that name the origin and stay as they are
	Flaw    error // the first thing that is malformed
}

// NewDraft begins one.
func NewDraft(body []byte, o *uri.Origin, target string) *Draft {
	return &Draft{
		Body: body, Origin: o, Target: target, Base: o.AppendTarget(nil, target), Folder: o.At(target),
		Budget: scan.NewBudget(len(body)), Edits: Edits{size: int64(len(body))},
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
	if l.Class != uri.Moved {
		d.Count(l.Class)
		return
	}
	follows, text := Follows(l)
	d.Edits.Add(int64(s.At), int64(l.Cut), follows, text)
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
