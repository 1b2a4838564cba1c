package dash

import (
	"bytes"
	"math"
	"sort"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
	"tandem/internal/media/uri"
)

// Locate tells what a target is. R is the range that was asked for, where segments
// are parts of a file. Names are compared in the normal form of RFC 3986 section
// 6.2.2.
func (d *Presentation) Locate(target string, r track.ByteRange) (ref track.Ref, ok bool) {
	w := newWorkspace()
	defer w.release()
	d.candidates(w, target, func(entry int, p *pattern) bool {
		ref, ok = d.segment(w, entry, p, r)
		return ok
	})
	return ref, ok
}

// of is a representation's addressing and its period.
func (d *Presentation) of(rep int) (addressing, *period) {
	r := d.reps.At(rep)
	a, _ := d.over(r)
	return a, d.periods.At(int(d.sets.At(int(r.set)).period))
}

// segment is the place of the target in the workspace, if it fits an entry.
func (d *Presentation) segment(w *workspace, entry int, p *pattern, asked track.ByteRange) (track.Ref, bool) {
	ref := track.Ref{Sequence: -1, Part: -1, Entry: entry}
	rep, url := entry/2, -1
	if n := entry - 2*d.reps.Len(); n >= 0 {
		rep, url = int(d.lists[n].rep), int(d.lists[n].url)
	}
	v, ok := p.match(w.target)
	if !ok {
		return ref, false
	}
	r := d.reps.At(rep)
	ref.Track, ref.Representation = r.kind, d.decoded(r.id)
	a, period := d.of(rep)
	switch {
	case url >= 0:
		i, ok := d.inList(w, entry, &a, asked)
		if !ok {
			return ref, false
		}
		d.set(&ref, &a, period, i)
		ref.Range, _ = byteSpan(d.urlOf(int(a.url)+int(i), "mediaRange").Of(d.Body))
		ref.Entry = 2 * rep
		return ref, true
	case entry%2 == 1:
		ref.Init = true
		return ref, true
	case a.kind != byTemplate:
		ref.Time, ref.Duration = period.start-scan.ToTime(a.offset, a.scale), max(period.end-period.start, 0)
		ref.Index = d.indexOf(w, r, &a, string(w.target))
		return ref, true
	}
	i := int64(0)
	switch {
	case v[markNumber] >= 0:
		i = a.indexOf(v[markNumber])
	case v[markTime] >= 0:
		if i, ok = d.at(&a, period, v[markTime]); !ok {
			return ref, false
		}
	}
	if _, _, ok := d.when(&a, period, i); !ok {
		return ref, false
	}
	d.set(&ref, &a, period, i)
	if v[markNumber] < 0 && v[markTime] >= 0 {
		ref.Sequence = v[markTime]
	}
	if v[markPart] >= 0 {
		ref.Part = int(min(v[markPart], math.MaxInt32))
	}
	return ref, true
}

// set enters where segment i is.
func (d *Presentation) set(ref *track.Ref, a *addressing, period *period, i int64) {
	begin, length, _ := d.when(a, period, i)
	ref.Sequence = a.number(i)
	ref.Time = period.start + scan.ToTime(begin-a.offset, a.scale)
	ref.Duration = scan.ToTime(length, a.scale)
	if a.runs == 0 && a.duration == 0 {
		ref.Duration = max(period.end-period.start, 0)
	}
}

func (d *Presentation) decoded(s scan.Span) string {
	text, _ := scan.Decode(nil, s.Of(d.Body), d.entities)
	return string(text)
}

// inList is which segment of a SegmentList was asked for, of those in one file.
func (d *Presentation) inList(w *workspace, entry int, a *addressing, asked track.ByteRange) (int64, bool) {
	first := d.lists[entry-2*d.reps.Len()].url
	extent := func(url int) track.ByteRange {
		r, _ := byteSpan(d.urlOf(url, "mediaRange").Of(d.Body))
		return r
	}
	i := int(first)
	if extent(i).Whole() || asked.Whole() {
		return int64(i) - int64(a.url), true
	}
	end := int(a.url + a.urls)
	file := d.urlOf(i, "media").Of(d.Body)
	n := sort.Search(end-i, func(n int) bool {
		return extent(i+n).First > asked.First || !bytes.Equal(d.urlOf(i+n, "media").Of(d.Body), file)
	}) + i - 1
	if n < i || asked.First >= extent(n).First+extent(n).Length {
		return 0, false
	}
	for n+1 < end && asked.Length > 0 && bytes.Equal(d.urlOf(n+1, "media").Of(d.Body), file) {
		if e := extent(n + 1); e.First < asked.First || e.First+e.Length > asked.First+asked.Length {
			break
		}
		n++
	}
	return int64(n) - int64(a.url), true
}

// byteSpan reads "first-last".
func byteSpan(text []byte) (track.ByteRange, bool) {
	a, b, _ := bytes.Cut(bytes.TrimSpace(text), []byte("-"))
	first, ok := scan.Units(a)
	last, good := scan.Units(b)
	if !ok || !good || last < first {
		return track.ByteRange{}, false
	}
	return track.ByteRange{First: first, Length: last - first + 1}, true
}

// indexOf is where the index of a file lies.
func (d *Presentation) indexOf(w *workspace, r *representation, a *addressing, file string) (o track.Object) {
	extent, ok := byteSpan(a.indexRange.Of(d.Body))
	if !ok && a.index.N == 0 {
		return o
	}
	path := []byte(file)
	if a.index.N > 0 {
		var c uri.Class
		if !d.repBase(w, r) {
			return o
		}
		if w.text, ok = scan.Decode(w.text[:0], a.index.Of(d.Body), d.entities); !ok {
			return o
		}
		if path, c = d.Origin.Resolve(nil, w.base, w.text); c != uri.Inside {
			return o
		}
	}
	target, ok := d.Origin.Below(path)
	if !ok {
		return o
	}
	return track.Object{Target: string(target), Range: extent}
}
