package hls

import (
	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// rendition reads EXT-X-MEDIA.
func (p *reader) rendition(v scan.Span) {
	kind := track.Other
	switch string(p.attribute(v, "TYPE").Of(p.Body)) {
	case "VIDEO":
		kind = track.Video
	case "AUDIO":
		kind = track.Audio
	case "SUBTITLES":
		kind = track.Subtitles
	}
	p.child(p.attribute(v, "URI"), kind)
}

// variant reads EXT-X-STREAM-INF, which says what the next line is.
func (p *reader) variant(v scan.Span) {
	p.stream, p.multivariant, p.kind = true, true, track.Video
	if p.attribute(v, "RESOLUTION").N == 0 {
		if kind, ok := track.KindOfCodecs(p.attribute(v, "CODECS").Of(p.Body)); ok {
			p.kind = kind
		}
	}
}

// trickPlay reads tags whose playlists nobody watches by themselves.
func (p *reader) trickPlay(v scan.Span) { p.child(p.attribute(v, "URI"), track.Other) }

func (p *reader) child(ref scan.Span, kind track.Kind) {
	p.multivariant = true
	if ref.N > 0 && p.Budget.Hold(24) {
		p.children.Add(child{ref, kind})
	}
}

// Children are the playlists that a multivariant playlist names and that lie at
// our origin, each once, in their order.
func (l *List) Children() []track.Child {
	var out []track.Child
	known := map[string]bool{}
	w := newWorkspace()
	defer w.release()
	for i := range l.children.Len() {
		c := l.children.At(i)
		target, ok := l.called(w, c.ref)
		if ok && !known[string(target)] {
			known[string(target)] = true
			out = append(out, track.Child{Target: string(target), Kind: c.kind})
		}
	}
	return out
}

// Child is the kind of the track whose playlist is target.
func (l *List) Child(target string) (track.Kind, bool) {
	if !l.multivariant {
		return track.Other, false
	}
	w := newWorkspace()
	defer w.release()
	i, ok := l.find(w, target)
	if !ok {
		return track.Other, false
	}
	return l.children.At(i).kind, true
}

// Variable is one that the playlist defines.
func (l *List) Variable(name string) (Variable, bool) {
	v, ok := l.vars[name]
	return v, ok
}
