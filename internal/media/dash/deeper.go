package dash

import (
	"bytes"
	"strings"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/uri"
)

// What is relative to several BaseURLs leads elsewhere from each, so that no prefix before it
// is right. It is left to climb, and the bases at our origin are made deep enough by
// Origin.Deep, so that it stays in the session. What is rooted below a base of ours and one of
// another host climbs there as well: another host's root is as far as it gets
// (RFC 3986 section 5.2.4). Where the MPD itself is one of the bases it gets a BaseURL that
// says so.

// Bounds of the components that are put into BaseURLs.
const (
	maxClimb  = 16 // level upon level, where something climbs
	maxDeeper = 64 // with what is rooted
)

// climbs tells whether a reference is left to climb.
func climbs(p *reader, ref []byte, from uri.Place, several bool, at int) bool {
	n := uri.Climbs(ref)
	if !several || !p.Origin.Within(from) || n == 0 {
		return false
	}
	more := max(0, n-p.climbed[at])
	if p.deeper+more > maxClimb {
		return false
	}
	p.climbed[at] += more
	p.deeper += more
	return true
}

// rootedUp tells whether a rooted reference may become one that climbs to the root, from
// bases of several hosts (see write).
func rootedUp(p *reader, ref []byte, from uri.Place, at int) bool {
	if !p.Origin.Within(from) || !uri.Rooted(ref) || p.Origin.Depth() > 0 && bytes.Contains(ref, []byte("/.")) {
		return false
	}
	p.rooted[at] = true
	return true
}

// fromRoot is a lead by which a reference is one from the root of whatever host: all of it
// stays where that root is not the session's.
func fromRoot(p *reader, l uri.Lead) uri.Lead {
	if p.Origin.Depth() > 0 {
		l.Cut, l.Bare, l.Double = 0, false, false
	}
	return l
}

// heights are how far what is rooted climbs, and how much deeper BaseURLs have to be for all
// that climbs. 0 components: it is left as it is.
func (p *reader) heights() (up, deeper int) {
	levels := 0
	for _, is := range p.rooted {
		if is {
			levels++
		}
	}
	if levels == 0 {
		return 0, p.deeper
	}
	up = p.Origin.Depth() + uri.Components([]byte(folder(p)))
	for _, n := range p.below {
		up += n
	}
	if deeper = p.deeper + levels*up; deeper > maxDeeper {
		return 0, p.deeper
	}
	return up, deeper
}

// Marks of placed.edit beside what is cut and what follows.
const (
	ofBase  = 1 << 31 // it is a BaseURL's
	ifClimb = 1 << 30 // it is made only where something climbs
	wayUp   = 1 << 29 // it takes no prefix: it climbs to the root of whatever host
	another = 1 << 28 // it is a BaseURL for the MPD's folder, where one is needed
)

// deepen notes a BaseURL that may have to be deeper: its edit, or, where it is below the
// MPD's folder, the place of one.
func deepen(p *reader, raw scan.Span, before int, to uri.Place, first bool) {
	switch {
	case p.edits.Len() > before:
		if e := p.edits.At(before); e.edit&wayUp == 0 {
			e.edit |= ofBase
		}
	case first && p.Origin.Within(to) && p.dependent && (bytes.IndexByte(raw.Of(p.Body), '<') < 0 || !strings.Contains(folder(p), "&")): // in CDATA nothing is escaped
		e, ok := p.edit(raw, uri.Lead{})
		if !ok && p.taken == 0 { // an empty one
			e, ok = placed{at: raw.At, edit: 1}, true
		}
		if ok {
			e.edit |= ofBase | ifClimb
			p.edits.Add(e)
		}
	}
}

// write gives the edits their final form.
func (p *reader) write() {
	up, deeper := p.heights()
	p.deeper = deeper
	behind := int64(0)
	for i := range p.edits.Len() {
		e := p.edits.At(i)
		if escape(p, int(e.at)); e.edit == 0 || int64(e.at) < behind || e.edit&ifClimb > 0 && p.deeper == 0 {
			continue
		}
		if e.edit&wayUp > 0 && up == 0 {
			p.Left++
			continue
		}
		if e.edit&another > 0 {
			if p.unbased && p.deeper > 0 {
				p.Edits.Add(int64(e.at), 0, edit.Instead, "<"+p.words[0]+">")
				p.Edits.Add(int64(e.at), 0, edit.Word, p.Origin.Deep(p.deeper)+folder(p)+"</"+p.words[0]+">")
			}
			continue
		}
		form := e.edit &^ (ofBase | ifClimb | wayUp)
		cut, follows, words := int64(form>>2), int(form&3)-1, ""
		switch follows {
		case edit.Slash:
			words = "/"
		case edit.Word:
			words = p.words[e.n]
		}
		if e.edit&ifClimb > 0 {
			words = folder(p)
		}
		if e.edit&ofBase > 0 && p.deeper > 0 {
			follows, words = edit.Word, p.Origin.Deep(p.deeper)+words
		}
		if e.edit&wayUp > 0 {
			follows, words = edit.Instead, strings.TrimSuffix(strings.Repeat("../", up), "/")+words
		}
		p.Edits.Add(int64(e.at), cut, follows, words)
		behind = int64(e.at) + cut
	}
	escape(p, len(p.Body))
}

// reserve keeps the place of another BaseURL: before what is first in an MPD, behind
// ProgramInformation. It is of the namespace of the MPD, whose name with its prefix this is.
func reserve(p *reader, name []byte) {
	switch {
	case p.reserved || p.inside != levelMPD || string(p.name) == "ProgramInformation":
	case string(p.name) == "MPD":
		p.words = append(p.words[:0], string(name[:len(name)-len(p.name)])+"BaseURL")
	case p.whole:
		p.reserved = true
		p.edits.Add(placed{at: uint32(p.tag), edit: another})
	}
}

// folder is the path of the folder that the MPD stands in, as text of one.
func folder(p *reader) string {
	path, _, _ := strings.Cut(p.Target, "?")
	return escaped.Replace(path[:strings.LastIndexByte(path, '/')+1])
}
