package hls

import (
	"sort"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// Locate tells what a target is. R is the range that was asked for, where segments
// are parts of a file. Names are compared in the normal form of RFC 3986 section
// 6.2.2.
func (l *List) Locate(target string, r track.ByteRange) (track.Ref, bool) {
	if l.multivariant {
		return track.Ref{}, false
	}
	w := newWorkspace()
	defer w.release()
	entry, ok := l.find(w, target)
	if !ok {
		return track.Ref{}, false
	}
	return l.ref(w, entry, r), true
}

// ref is the place of an entry of the playlist.
func (l *List) ref(w *workspace, entry int, r track.ByteRange) track.Ref {
	ref := track.Ref{Sequence: -1, Part: -1, Entry: entry, Track: track.KindOfName(w.target)}
	switch segments, parts := l.segments.Len(), l.parts.Len(); {
	case entry < segments:
		i, ok := l.inFile(entry, r)
		if !ok {
			ref.Init = true
			return ref
		}
		ref.Entry = i
		if p, ok := l.partOf(i, r); ok {
			return l.partRef(ref, p)
		}
		ref.Sequence = l.sequence + int64(i)
		ref.Range, _ = l.extent(i)
		ref.Time = l.start(i)
		ref.Duration = l.segments.At(i).end - ref.Time
	case entry < segments+parts:
		p := entry - segments
		for !r.Whole() && p+1 < parts && l.sameFile(p, p+1) && l.parts.At(p+1).First <= r.First {
			p++
		}
		if last := l.parts.At(p); !last.Whole() && r.First >= last.First+last.Length && string(last.ref.Of(l.Body)) == string(l.hint.ref.Of(l.Body)) {
			return l.hintRef(ref) // more of that file is to come
		}
		return l.partRef(ref, p)
	case entry < segments+parts+l.maps.Len():
		ref.Init = true
	default:
		return l.hintRef(ref)
	}
	return ref
}

// hintRef is the place of the part that is to come.
func (l *List) hintRef(ref track.Ref) track.Ref {
	segments := l.segments.Len()
	ref.Sequence, ref.Part, ref.Duration = l.sequence+int64(segments), 0, l.partTarget
	ref.Time = l.start(segments)
	for p := l.parts.Len() - 1; p >= 0 && int(l.parts.At(p).segment) == segments; p-- {
		ref.Time += l.parts.At(p).length
		ref.Part++
	}
	return ref
}

func (l *List) sameFile(p, q int) bool {
	a, b := l.parts.At(p), l.parts.At(q)
	return string(a.ref.Of(l.Body)) == string(b.ref.Of(l.Body))
}

func (l *List) partRef(ref track.Ref, p int) track.Ref {
	part := l.parts.At(p)
	ref.Entry = l.segments.Len() + p
	ref.Sequence, ref.Part = l.sequence+int64(part.segment), int(part.number)
	ref.Duration, ref.Range = part.length, part.ByteRange
	ref.Time = l.start(int(part.segment))
	for p--; p >= 0 && l.parts.At(p).segment == part.segment; p-- {
		ref.Time += l.parts.At(p).length
	}
	return ref
}

// extent is the byte range of segment i.
func (l *List) extent(i int) (track.ByteRange, bool) {
	n := l.rangeAt(i)
	if n == l.ranges.Len() || int(l.ranges.At(n).segment) != i {
		return track.ByteRange{}, false
	}
	return l.ranges.At(n).ByteRange, true
}

func (l *List) rangeAt(i int) int {
	return sort.Search(l.ranges.Len(), func(n int) bool { return int(l.ranges.At(n).segment) >= i })
}

// inFile is the segment that was asked for of a file of which i is the first: the
// last one that is wholly in the range, or the one that the range begins in. False
// when none is, as for the header of the file.
func (l *List) inFile(i int, r track.ByteRange) (int, bool) {
	if _, ok := l.extent(i); !ok || r.Whole() {
		return i, true
	}
	first, file := l.rangeAt(i), l.entry(i).Of(l.Body)
	same := func(n int) bool { return string(l.entry(int(l.ranges.At(n).segment)).Of(l.Body)) == string(file) }
	n := sort.Search(l.ranges.Len()-first, func(n int) bool { return !same(first+n) || l.ranges.At(first+n).First > r.First }) + first - 1
	holds := func(n int) bool {
		e := l.ranges.At(n)
		return same(n) && e.First <= r.First && r.First < e.First+e.Length
	}
	if n < first || !holds(n) {
		// The file may be named again further down, or not be in order.
		n = first
		for ; n < min(l.ranges.Len(), first+scan.MaxMatches) && !holds(n); n++ {
		}
		if n == min(l.ranges.Len(), first+scan.MaxMatches) {
			return 0, false
		}
	}
	if r.Length > 0 {
		for n+1 < l.ranges.Len() && same(n+1) {
			e := l.ranges.At(n + 1)
			if e.First+e.Length > r.First+r.Length || e.First < l.ranges.At(n).First {
				break
			}
			n++
		}
	}
	return int(l.ranges.At(n).segment), true
}

// partOf is the part of segment i that a range of its file is.
func (l *List) partOf(i int, r track.ByteRange) (int, bool) {
	if r.Whole() {
		return 0, false
	}
	p := sort.Search(l.parts.Len(), func(p int) bool { return int(l.parts.At(p).segment) >= i })
	for ; p < l.parts.Len() && int(l.parts.At(p).segment) == i; p++ {
		part := l.parts.At(p)
		if part.ByteRange == r && string(part.ref.Of(l.Body)) == string(l.entry(i).Of(l.Body)) {
			return p, true
		}
	}
	return 0, false
}
