package dash

import (
	"bytes"
	"sort"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
)

// odd notes a URI in which something may have to be percent-encoded: see edit.Draft.Escape.
func odd(p *reader, raw scan.Span) bool {
	text := raw.Of(p.Body)
	if !p.Odd(bytes.TrimSpace(text)) && bytes.IndexByte(text, '&') < 0 || !p.Budget.Hold(8) {
		return false
	}
	p.odds.Add(scan.Trim(p.Body, int(raw.At), raw.End()))
	return true
}

// even takes one back that stays as it is: it leads to another host, or nowhere.
func even(p *reader, raw scan.Span) {
	raw = scan.Trim(p.Body, int(raw.At), raw.End())
	if i := sort.Search(p.odds.Len(), func(i int) bool { return p.odds.At(i).At >= raw.At }); i < p.odds.Len() && p.odds.At(i).At == raw.At {
		p.odds.At(i).N = 0
	}
}

// escape enters what is to be percent-encoded before a place of the body.
func escape(p *reader, before int) {
	for ; p.escaped < p.odds.Len(); p.escaped++ {
		raw := *p.odds.At(p.escaped)
		if raw.End() > before {
			return
		}
		for s, means := range scan.Texts(raw.Of(p.Body), p.entities) {
			s.At += raw.At
			if means == nil {
				s = scan.Trim(p.Body, int(s.At), s.End()) // in CDATA, whose text players trim
				p.Escape(int(s.At), s.End())
			} else if text := edit.Escaped(means); text != string(means) && int(s.At) >= p.Edits.End() && p.Budget.Hold(edit.HeldByEscape+40+int64(len(text))) {
				p.Edits.EscapeAs(int64(s.At), int64(s.N), text)
			}
		}
	}
}
