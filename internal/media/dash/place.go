package dash

import (
	"bytes"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/uri"
)

// level is an element that is open, with the folder that its BaseURLs lead to.
type level struct {
	at         uri.Place // of the first at our origin
	low        uri.Place // the one of all of them that is least deep
	based      bool      // it has a BaseURL
	under      bool      // it or one above has
	mixed      bool      // it has some at our origin and some elsewhere, above or here
	several    bool      // it has some at our origin that differ, above or here
	base       scan.Span
	addressing int32

	// Of the representations in it that are closed: where segments lie.
	ours, abroad int
	varied       bool              // they differ
	unbased      bool              // one has no BaseURL at all
	nearest      uri.Place         // of ours, the one that is least deep
	waiting      scan.List[uint32] // places of the body whose folder is not known yet
}

// placed is a URI of the body and what becomes of it.
type placed struct {
	at, n uint32 // n: then what words the prefix is followed by
	edit  uint32 // what is cut out, and in the lowest two bits what follows, plus 1; 0: nothing is to be done
}

// refer takes a URI that is relative to a folder, and tells which one it leads to
// itself. Several: it is relative to others as well, less deep by none.
func (p *reader) refer(raw scan.Span, from uri.Place, mixed, several bool) uri.Place {
	text := raw.Of(p.Body)
	ref, ok := scan.Decode(p.scratch[:0], text, p.entities)
	p.scratch, p.taken = ref[:0], len(ref)
	if p.dependent = true; !ok || len(ref) == 0 {
		p.taken = 0
		return from
	}
	l, to := p.Origin.Lead(from, ref)
	p.dependent = uri.Dependent(ref)
	switch {
	case l.Class != uri.Moved || !p.dependent:
	case climbs(p, ref, from, mixed || several, p.inside):
		l.Class = uri.Inside
	case mixed && !rootedUp(p, ref, from, p.inside):
		l.Class = uri.Left
	}
	if l.Class <= uri.Moved {
		odd(p, raw)
	}
	if l.Class != uri.Moved {
		p.Count(l.Class)
		return to
	}
	if mixed && p.dependent {
		l = fromRoot(p, l)
	}
	p.abroad = p.abroad || !p.dependent && (mixed || from.Foreign() || !p.whole)
	if e, ok := p.edit(raw, l); ok {
		if mixed && p.dependent {
			e.edit |= wayUp
		}
		p.edits.Add(e)
	} else {
		p.Left++
	}
	return to
}

// edit is how the prefix gets into the text of a URI.
func (p *reader) edit(raw scan.Span, l uri.Lead) (placed, bool) {
	from, to, rest, ok := scan.RawCut(raw.Of(p.Body), p.entities, l.Cut)
	if !ok {
		return placed{}, false
	}
	follows, text := edit.Follows(l)
	if rest != "" {
		if follows == edit.Slash {
			text = "/"
		}
		follows, text = edit.Word, text+rest
	}
	e := placed{at: raw.At + uint32(from), edit: uint32(to-from)<<2 | uint32(follows+1)}
	if follows == edit.Word {
		e.n = uint32(len(p.words))
		p.words = append(p.words, text)
	}
	return e, true
}

// wait takes a URI that is relative to the BaseURLs of the representations in the
// element in hand. Most lead down, whatever those are.
func (p *reader) wait(raw scan.Span) {
	text := raw.Of(p.Body)
	if c := text[0]; !odd(p, raw) && c != '/' && c != '\\' && c != '.' && !scan.IsSpace(c) && bytes.IndexByte(text, ':') < 0 && bytes.IndexByte(text, '&') < 0 &&
		!bytes.Contains(text, []byte("..")) && !bytes.Contains(text, []byte("%2")) && bytes.IndexByte(text, '\\') < 0 {
		return
	}
	l := &p.levels[p.inside]
	l.waiting.Add(uint32(p.edits.Len()))
	p.edits.Add(placed{at: raw.At, n: raw.N})
}

// close ends a level and those within it: what waited gets its prefix.
func (p *reader) close(k int) {
	for ; p.inside >= k; p.inside-- {
		l := &p.levels[p.inside]
		if l.ours+l.abroad == 0 {
			p.counted(l, l.low, l.mixed)
			l.varied, l.unbased = l.several, !l.under
		}
		from, mixed := l.nearest, l.ours > 0 && l.abroad > 0
		if l.ours == 0 {
			from = uri.Elsewhere
		}
		for i := range l.waiting.Len() {
			p.settle(p.edits.At(int(*l.waiting.At(i))), from, mixed, l)
		}
		l.waiting = scan.List[uint32]{}
		if p.inside == levelMPD {
			p.base = l.base
			return
		}
		above := &p.levels[p.inside-1]
		if l.ours > 0 {
			p.counted(above, l.nearest, l.abroad > 0)
		} else {
			p.counted(above, uri.Elsewhere, false)
		}
		above.varied, above.unbased = above.varied || l.varied, above.unbased || l.unbased
		p.store(l)
	}
	p.current, p.timeline = nil, false
}

// store enters what a level that ends has said.
func (p *reader) store(l *level) {
	d := p.Presentation
	if p.Budget.Broke {
		return
	}
	switch p.inside {
	case levelPeriod:
		e := d.periods.At(d.periods.Len() - 1)
		e.base, e.addressing = l.base, l.addressing
	case levelSet:
		e := d.sets.At(d.sets.Len() - 1)
		e.base, e.addressing = l.base, l.addressing
	case levelRep:
		e := d.reps.At(d.reps.Len() - 1)
		e.base, e.addressing = l.base, l.addressing
	}
}

// counted enters where the segments of a representation lie.
func (p *reader) counted(l *level, at uri.Place, mixed bool) {
	if at.Foreign() || mixed {
		l.abroad++
	}
	if at.Foreign() {
		return
	}
	l.varied = l.varied || l.ours > 0 && at != l.nearest
	if l.ours == 0 || at.Above(l.nearest) {
		l.nearest = at
	}
	l.ours++
}

// settle is refer for a place that waited in a level.
func (p *reader) settle(e *placed, from uri.Place, mixed bool, in *level) {
	several := (mixed || in.varied) && (!in.unbased || p.whole)
	raw := scan.Span{At: e.at, N: e.n}
	ref, ok := scan.Decode(p.scratch[:0], raw.Of(p.Body), p.entities)
	p.scratch = ref[:0]
	if !ok || len(ref) == 0 {
		return
	}
	l, _ := p.Origin.Lead(from, ref)
	switch {
	case l.Class != uri.Moved || !uri.Dependent(ref):
	case climbs(p, ref, from, several, len(p.levels)):
		p.unbased = p.unbased || in.unbased
		return
	case mixed && (!several || !rootedUp(p, ref, from, len(p.levels))):
		l.Class = uri.Left
	}
	if l.Class == uri.Moved {
		way := mixed && uri.Dependent(ref)
		if way {
			l = fromRoot(p, l)
			p.unbased = p.unbased || in.unbased
		}
		p.abroad = p.abroad || !uri.Dependent(ref) && (mixed || from.Foreign() || !p.whole)
		if made, ok := p.edit(raw, l); ok {
			if *e = made; way {
				e.edit |= wayUp
			}
			return
		}
		l.Class = uri.Left
	}
	if l.Class > uri.Moved {
		even(p, raw)
	}
	p.Count(l.Class)
}

// open begins a level in the one above.
func (p *reader) open(k int) {
	if p.inside >= k {
		p.close(k)
	}
	above := p.levels[p.inside]
	for p.inside < k { // what is missing in between is as if it were there
		p.inside++
		p.levels[p.inside] = level{at: above.at, low: above.low, under: above.under, mixed: above.mixed, several: above.several, addressing: -1}
		p.enter()
	}
	p.current, p.timeline = nil, false
}

// enter begins the entry of the level that was opened.
func (p *reader) enter() {
	d := p.Presentation
	switch p.inside {
	case levelPeriod:
		if p.Budget.Hold(72) {
			d.periods.Add(period{set: int32(d.sets.Len()), addressing: -1})
		}
	case levelSet:
		if p.Budget.Hold(28) {
			d.sets.Add(set{tag: uint32(p.tag), period: int32(d.periods.Len() - 1), addressing: -1})
		}
	case levelRep:
		if p.Budget.Hold(60) {
			d.reps.Add(representation{tag: uint32(p.tag), set: int32(d.sets.Len() - 1), addressing: -1})
		}
	}
}

// baseURL takes one of the BaseURLs of a level; of several the first at our origin
// is what positions are reckoned by.
func (p *reader) baseURL() {
	if p.empty {
		return
	}
	end := scan.TextEnd(p.Body, p.at)
	raw := scan.Between(p.at, end)
	p.at = end
	above := level{at: p.Folder, low: p.Folder}
	if p.inside > 0 {
		above = p.levels[p.inside-1]
	}
	before := p.edits.Len()
	low := p.refer(raw, above.low, above.mixed, above.several)
	at := low
	p.below[p.inside] = max(p.below[p.inside], uri.Components(p.scratch[:p.taken]))
	if above.at != above.low {
		_, at = p.Origin.Lead(above.at, p.scratch[:p.taken])
	}
	deepen(p, raw, before, low, !above.under)
	l := &p.levels[p.inside]
	switch {
	case !l.based:
		l.based, l.under, l.at, l.low, l.base = true, true, at, low, raw
		l.mixed, l.several = above.mixed && p.dependent, above.several && p.dependent
		return
	case l.at.Foreign() != at.Foreign():
		l.mixed = true
		if l.at.Foreign() {
			l.at, l.low, l.base = at, low, raw
		}
	case low != l.low:
		l.several = true
		if low.Above(l.low) {
			l.low = low
		}
	}
	l.mixed, l.several = l.mixed || above.mixed && p.dependent, l.several || above.several && p.dependent
}

// clock reads UTCTiming, whose value is a list of URLs in some schemes.
func (p *reader) clock() {
	value, ok := p.get("value")
	if !ok || !bytes.Contains(p.text("schemeIdUri"), []byte("http")) {
		return
	}
	p.refers(value)
}

// refers takes a list of URIs that are relative to the MPD.
func (p *reader) refers(list scan.Span) {
	body := p.Body
	for at, end := int(list.At), list.End(); at < end; {
		for at < end && scan.IsSpace(body[at]) {
			at++
		}
		from := at
		for at < end && !scan.IsSpace(body[at]) {
			at++
		}
		if from < at {
			p.refer(scan.Between(from, at), p.Folder, false, false)
		}
	}
}

// eventKind is what the events of a stream hold.
type eventKind int

const (
	told      eventKind = iota // something that is left as it is
	callback                   // a URI that a player asks for (ISO/IEC 23009-1 5.10.4.5)
	presented                  // elements that name another MPD
)

func (p *reader) eventStream() {
	switch scheme := p.text("schemeIdUri"); {
	case bytes.Contains(scheme, []byte("urn:mpeg:dash:event:callback:")):
		p.events = callback
	case bytes.Contains(scheme, []byte("urn:mpeg:dash:event:alternativeMPD:")):
		p.events = presented
	default:
		p.events = told
	}
}

func (p *reader) event() {
	switch p.events {
	case told:
		p.passOver()
	case callback:
		if s, ok := p.get("messageData"); ok {
			p.refer(s, p.Folder, false, false)
		}
		if !p.empty {
			end := scan.TextEnd(p.Body, p.at)
			p.refer(scan.Between(p.at, end), p.Folder, false, false)
			p.at = end
		}
	}
}
