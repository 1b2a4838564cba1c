package dash

import (
	"bytes"
	"sort"
	"time"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// Next are the at most n objects behind a place, each a request of its own; from
// one period to the next it goes on with the representation of the same id.
func (d *Presentation) Next(ref track.Ref, n int) []track.Object {
	w := newWorkspace()
	defer w.release()
	rep := ref.Entry / 2
	if n <= 0 || !d.known || rep >= d.reps.Len() || ref.Sequence < 0 && !ref.Init {
		return nil
	}
	var out []track.Object
	for rep >= 0 && len(out) < n {
		a, period := d.of(rep)
		i := int64(0)
		if a.numbered && a.runs > 0 {
			i = d.runs.At(int(a.run)).index
		}
		if len(out) == 0 && rep == ref.Entry/2 && !ref.Init {
			i = d.behind(w, rep, &a, period, ref)
		} else if last, ok := d.last(&a, period); ok && d.dynamic && ref.Init {
			i = max(i, last-2) // where players begin
		}
		for ; len(out) < n; i++ {
			o, ok := d.object(w, rep, &a, period, i)
			if !ok {
				break
			}
			out = append(out, o)
		}
		if last, ok := d.last(&a, period); !ok || i <= last {
			break // it has no end, or what is next lies elsewhere
		}
		rep = d.goesOn(rep)
	}
	return out
}

// behind is the index of the segment behind a place.
func (d *Presentation) behind(w *workspace, rep int, a *addressing, period *period, ref track.Ref) int64 {
	p, ok := d.pattern(w, 2*rep)
	if !ok || a.kind != byTemplate || bytes.Contains(p.uri, []byte{markNumber}) || !bytes.Contains(p.uri, []byte{markTime}) {
		return a.indexOf(ref.Sequence) + 1
	}
	// By its time; one that has left the window is before the first.
	if a.runs > 0 {
		n := d.runOf(a, func(r *run) bool { return r.at > ref.Sequence })
		if n < 0 {
			return d.runs.At(int(a.run)).index
		}
		r := d.runs.At(int(a.run) + n)
		i := r.index + (ref.Sequence-r.at)/r.length + 1
		if n+1 < int(a.runs) { // in a gap between two
			i = min(i, d.runs.At(int(a.run)+n+1).index)
		}
		return i
	}
	return max(ref.Sequence-a.offset, 0)/max(a.duration, 1) + 1
}

// object is segment i of a representation.
func (d *Presentation) object(w *workspace, rep int, a *addressing, period *period, i int64) (track.Object, bool) {
	begin, length, ok := d.when(a, period, i)
	if !ok {
		return track.Object{}, false
	}
	entry := 2 * rep
	o := track.Object{Sequence: a.number(i), Duration: scan.ToTime(length, a.scale)}
	if a.kind == byList {
		d.once.Do(d.makeIndex)
		url := uint32(a.url) + uint32(i)
		n := sort.Search(len(d.lists), func(n int) bool {
			l := d.lists[n]
			return l.rep > uint32(rep) || l.rep == uint32(rep) && l.url >= url
		})
		if n == len(d.lists) || d.lists[n] != (listed{uint32(rep), url}) {
			return track.Object{}, false
		}
		entry = 2*d.reps.Len() + n
		o.Range, _ = byteSpan(d.urlOf(int(url), "mediaRange").Of(d.Body))
	}
	p, ok := d.pattern(w, entry)
	if !ok || a.kind != byList && a.kind != byTemplate {
		return track.Object{}, false
	}
	v := values{markNumber: a.number(i), markTime: begin, markPart: 1}
	if _, fixed := p.fixed(); !fixed && !bytes.Contains(p.uri, []byte{markNumber}) {
		o.Sequence = begin
	}
	w.target = p.fill(w.target[:0], &v)
	target, ok := d.Origin.Below(w.target)
	if d.dynamic {
		o.Available = time.Unix(0, d.since).Add(period.start + scan.ToTime(begin+length-a.offset, a.scale) - a.early)
	}
	o.Target = string(target)
	return o, ok
}

// goesOn is the representation of the next period that goes on with this one, -1
// when there is none.
func (d *Presentation) goesOn(rep int) int {
	r := d.reps.At(rep)
	next := d.sets.At(int(r.set)).period + 1
	id := r.id.Of(d.Body)
	for i := rep + 1; i < d.reps.Len(); i++ {
		other := d.reps.At(i)
		period := d.sets.At(int(other.set)).period
		if period > next {
			break
		}
		if period == next && other.kind == r.kind && bytes.Equal(other.id.Of(d.Body), id) {
			return i
		}
	}
	return -1
}

// Upcoming tells whether a target that is not there may be a segment to come: a
// negative answer for it should live no longer than a second.
func (d *Presentation) Upcoming(target string) (ok bool) {
	if !d.dynamic {
		return false
	}
	if _, ok := d.Locate(target, track.ByteRange{}); ok {
		return true
	}
	w := newWorkspace()
	defer w.release()
	d.candidates(w, target, func(entry int, p *pattern) bool {
		_, all := p.fixed()
		if all || entry >= 2*d.reps.Len() {
			return false
		}
		v, fits := p.match(w.target)
		if !fits {
			return false
		}
		a, period := d.of(entry / 2)
		i, known := d.last(&a, period)
		if !known {
			ok = true
			return true
		}
		begin, _, _ := d.when(&a, period, i)
		ok = v[markNumber] > a.number(i) || v[markNumber] < 0 && v[markTime] > begin
		return ok
	})
	return ok
}
