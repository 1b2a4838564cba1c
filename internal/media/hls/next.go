package hls

import (
	"sort"
	"strings"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// Next are the at most n objects behind a place, each a request of its own. What
// lies on other hosts, and what is said not to be there, is left out.
func (l *List) Next(ref track.Ref, n int) []track.Object {
	w := newWorkspace()
	defer w.release()
	var out []track.Object
	add := func(s scan.Span, o track.Object) bool {
		if target, ok := l.called(w, s); ok {
			o.Target = string(target)
			out = append(out, o)
		}
		return len(out) < n
	}
	if n <= 0 || !ref.Init && ref.Sequence < 0 {
		return nil
	}
	if ref.Part >= 0 {
		l.nextParts(ref, add)
		return out
	}
	i := max(ref.Sequence-l.sequence+1, 0)
	if ref.Init {
		i = l.behindMap(ref.Entry)
	}
	for ; i < int64(l.segments.Len()); i++ {
		if l.gap(int(i)) {
			continue
		}
		extent, _ := l.extent(int(i))
		o := track.Object{Range: extent, Sequence: l.sequence + i, Duration: l.segments.At(int(i)).end - l.start(int(i))}
		if !add(l.entry(int(i)), o) {
			return out
		}
	}
	if l.coming.N > 0 {
		add(l.coming, track.Object{Sequence: l.sequence + int64(l.segments.Len()), Duration: l.target})
	}
	return out
}

// behindMap is the first segment that an initialisation segment is for.
func (l *List) behindMap(entry int) int64 {
	if n := entry - l.segments.Len() - l.parts.Len(); n >= 0 && n < l.maps.Len() {
		return int64(l.maps.At(n).segment)
	}
	return 0
}

// gap tells that segment i is not there.
func (l *List) gap(i int) bool {
	n := sort.Search(l.gaps.Len(), func(n int) bool { return int(*l.gaps.At(n)) >= i })
	return n < l.gaps.Len() && int(*l.gaps.At(n)) == i
}

// nextParts gives the parts behind one, and the one that is hinted at.
func (l *List) nextParts(ref track.Ref, add func(scan.Span, track.Object) bool) {
	segment := ref.Sequence - l.sequence
	p := sort.Search(l.parts.Len(), func(p int) bool {
		part := l.parts.At(p)
		return int64(part.segment) > segment || int64(part.segment) == segment && int(part.number) > ref.Part
	})
	for ; p < l.parts.Len(); p++ {
		part := l.parts.At(p)
		o := track.Object{Range: part.ByteRange, Sequence: l.sequence + int64(part.segment), Duration: part.length}
		if !add(part.ref, o) {
			return
		}
	}
	if l.hint.ref.N > 0 {
		add(l.hint.ref, track.Object{Range: l.hint.ByteRange, Sequence: l.sequence + int64(l.hint.segment), Duration: l.hint.length})
	}
}

// Upcoming tells whether a target that is not there may be a segment to come: a
// negative answer for it should live no longer than a second.
func (l *List) Upcoming(target string) bool {
	if !l.Live() {
		return false
	}
	w := newWorkspace()
	defer w.release()
	if _, ok := l.find(w, target); ok {
		return true
	}
	asked := string(w.target) // find has made it normal
	if l.coming.N > 0 {
		if path, ok := l.path(w, l.coming); ok && string(path) == asked {
			return true
		}
	}
	for _, last := range []int{l.segments.Len(), l.segments.Len() + l.parts.Len()} {
		if last > 0 && last <= l.entries() {
			if path, ok := l.path(w, l.entry(last-1)); ok && follows(string(path), asked) {
				return true
			}
		}
	}
	return l.signedBehind(w, asked)
}

// signedBehind tells whether a target comes next where something else than the last
// component of a URI is a segment's name.
func (l *List) signedBehind(w *workspace, asked string) bool {
	n := l.segments.Len()
	if n < 2 {
		return false
	}
	stem := func(i int) string {
		path, _ := l.path(w, l.entry(i))
		return string(above(pathOf(path)))
	}
	last := stem(n - 1)
	return follows(stem(n-2), last) && follows(last, string(above(pathOf([]byte(asked)))))
}

// follows tells whether a name is another's with greater numbers in it. Queries
// count where nothing else tells two names apart.
func follows(last, name string) bool {
	a, _, _ := strings.Cut(last, "?")
	b, _, _ := strings.Cut(name, "?")
	if a == b {
		return greater(last, name)
	}
	return greater(a, b)
}

func greater(last, name string) bool {
	more := false
	for last != "" && name != "" {
		if !scan.IsDigit(last[0]) || !scan.IsDigit(name[0]) {
			if last[0] != name[0] {
				return false
			}
			last, name = last[1:], name[1:]
			continue
		}
		i, j := digits(last), digits(name)
		a, b := strings.TrimLeft(last[:i], "0"), strings.TrimLeft(name[:j], "0")
		more = more || len(b) > len(a) || len(b) == len(a) && b > a
		last, name = last[i:], name[j:]
	}
	return more && last == "" && name == ""
}

// digits counts the digits that a text begins with.
func digits(text string) int {
	n := 0
	for n < len(text) && scan.IsDigit(text[n]) {
		n++
	}
	return n
}
