package hls

import (
	"sync"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
	"tandem/internal/media/uri"
)

// workspace is where URIs are put together.
type workspace struct {
	target, uri, text []byte
	pieces            []piece
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func newWorkspace() *workspace { return workspaces.Get().(*workspace) }

func (w *workspace) release() {
	if cap(w.target)+cap(w.uri)+cap(w.text) < 4*scan.MaxURI {
		workspaces.Put(w)
	}
}

// entries counts what has a URI: segments, then parts, headers and children, and
// the hint.
func (l *List) entries() int {
	n := l.segments.Len() + l.parts.Len() + l.maps.Len() + l.children.Len()
	if l.hint.ref.N > 0 {
		n++
	}
	return n
}

func (l *List) entry(i int) scan.Span {
	if i < l.segments.Len() {
		return l.segments.At(i).ref
	}
	if i -= l.segments.Len(); i < l.parts.Len() {
		return l.parts.At(i).ref
	}
	if i -= l.parts.Len(); i < l.maps.Len() {
		return l.maps.At(i).ref
	}
	if i -= l.maps.Len(); i < l.children.Len() {
		return l.children.At(i).ref
	}
	return l.hint.ref
}

// path is a URI of the playlist as a path at the origin, in the workspace; false
// when it leads elsewhere.
func (l *List) path(w *workspace, s scan.Span) ([]byte, bool) {
	ref := s.Of(l.Body)
	if l.vars != nil {
		var ok bool
		if w.text, w.pieces, ok = l.expand(w.text[:0], w.pieces[:0], ref); !ok {
			return nil, false
		}
		ref = w.text
	}
	path, class := l.Origin.Resolve(w.uri[:0], l.Base, ref)
	w.uri = path
	return path, class == uri.Inside
}

// called is a URI of the playlist as the cluster calls it.
func (l *List) called(w *workspace, s scan.Span) ([]byte, bool) {
	path, ok := l.path(w, s)
	if !ok {
		return nil, false
	}
	return l.Origin.Below(path)
}

// is tells whether an entry is the target in the workspace.
func (l *List) is(w *workspace, entry int) bool {
	path, ok := l.path(w, l.entry(entry))
	return ok && string(path) == string(w.target)
}

// find is the entry whose URI is the target; of several the first. The target is
// in the workspace then, in normal form.
func (l *List) find(w *workspace, target string) (int, bool) {
	w.target = l.Origin.AppendTarget(w.target[:0], target)
	l.once.Do(l.makeIndex)
	if l.index.Empty() {
		return 0, false
	}
	entry, _, ok := l.index.Find(scan.Hash(w.target), func(entry int) bool { return l.is(w, entry) })
	return entry, ok
}

func (l *List) makeIndex() {
	n := l.entries()
	if !l.known || n == 0 || n > scan.MaxEntries {
		return
	}
	l.index = scan.NewTable(n)
	w := newWorkspace()
	defer w.release()
	var before scan.Span
	for i := range n {
		s := l.entry(i)
		if before.N > 0 && string(s.Of(l.Body)) == string(before.Of(l.Body)) {
			l.repeats = l.repeats || i < l.segments.Len()
			continue // a file in pieces is found by its first
		}
		before = s
		path, ok := l.path(w, s)
		if !ok {
			continue
		}
		w.target = append(w.target[:0], path...)
		hash := scan.Hash(w.target)
		if _, place, known := l.index.Find(hash, func(entry int) bool { return l.is(w, entry) }); !known {
			l.index.Put(place, hash, i)
		} else if i < l.segments.Len() {
			l.repeats = true
		}
	}
}

// Repeats tells that a name stands in a list more than once.
func Repeats(l *List) bool {
	l.once.Do(l.makeIndex)
	return l.repeats
}

// maxBehind bounds how far a name is looked for behind a position, in segments.
const maxBehind = 4096

// Behind is the place of the same name that comes next behind a number, if there is one;
// at the number itself only where the next one has another name. Ranges of a file tell
// themselves apart.
func Behind(l *List, ref track.Ref, number int64) track.Ref {
	segments, at := int64(l.segments.Len()), number-l.sequence
	if ref.Init || ref.Part >= 0 || !ref.Range.Whole() || ref.Sequence < 0 || int64(ref.Entry) >= segments || at < int64(ref.Entry) {
		return ref
	}
	name := l.entry(ref.Entry).Of(l.Body)
	same := func(i int64) bool { return i < segments && string(l.entry(int(i)).Of(l.Body)) == string(name) }
	i := at + 1
	if !same(i) && same(at) {
		i = at
	}
	for ; i < min(segments, at+maxBehind) && !same(i); i++ {
	}
	if !same(i) {
		return ref
	}
	ref.Entry, ref.Sequence, ref.Time = int(i), l.sequence+i, l.start(int(i))
	ref.Duration = l.segments.At(int(i)).end - ref.Time
	return ref
}
