package dash

import (
	"sync"

	"tandem/internal/media/scan"
	"tandem/internal/media/uri"
)

// workspace is where URIs are put together.
type workspace struct{ target, uri, other, text, base []byte }

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func newWorkspace() *workspace { return workspaces.Get().(*workspace) }

func (w *workspace) release() {
	if cap(w.target)+cap(w.uri)+cap(w.other)+cap(w.text)+cap(w.base) < 4*scan.MaxURI {
		workspaces.Put(w)
	}
}

// Entries of an MPD's index: two for each representation, of its segments and of
// its initialisation segment, then one for each SegmentURL of each representation
// that has a list.
type listed struct{ rep, url uint32 }

// pattern is the URI of an entry's objects, in the workspace; false when it leads
// elsewhere, or there is none.
func (d *Presentation) pattern(w *workspace, entry int) (p pattern, ok bool) {
	rep, init, url := entry/2, entry%2 == 1, -1
	if n := entry - 2*d.reps.Len(); n >= 0 {
		rep, init, url = int(d.lists[n].rep), false, int(d.lists[n].url)
	}
	r := d.reps.At(rep)
	a, _ := d.over(r)
	var source scan.Span
	template := a.kind == byTemplate
	switch {
	case init && a.init.N == 0, url < 0 && !init && a.kind == byList:
		return p, false
	case init:
		source, template = a.init, template && !a.initURL
	case url >= 0:
		source = d.urlOf(url, "media")
	case a.kind == byTemplate:
		if source = a.media; source.N == 0 {
			return p, false
		}
	}
	if !d.repBase(w, r) {
		return p, false
	}
	if source.N == 0 {
		w.uri = append(w.uri[:0], w.base...)
		if n := len(w.uri); n == 0 || w.uri[n-1] == '/' {
			return p, false
		}
		p.uri = w.uri
		return p, true
	}
	if w.text, ok = scan.Decode(w.text[:0], source.Of(d.Body), d.entities); !ok {
		return p, false
	}
	ref, kept := w.text, byte(0)
	if template {
		id, ok := scan.Decode(w.other[:0], r.id.Of(d.Body), d.entities)
		w.other = id
		if !ok {
			return p, false
		}
		n := len(w.other)
		w.other, ok = appendTemplate(w.other, w.text, id, r.bandwidth, &p.widths)
		if !ok || len(w.other)-n > scan.MaxURI {
			return p, false
		}
		ref, kept = w.other[n:], marks
	}
	var c uri.Class
	w.uri, c = d.Origin.ResolveMarked(w.uri[:0], w.base, ref, kept)
	p.uri = w.uri
	return p, c == uri.Inside
}

// repBase finds what a representation's URIs are relative to.
func (d *Presentation) repBase(w *workspace, r *representation) bool {
	set := d.sets.At(int(r.set))
	w.base = append(w.base[:0], d.Base...)
	for _, s := range [...]scan.Span{d.base, d.periods.At(int(set.period)).base, set.base, r.base} {
		if s.N == 0 {
			continue
		}
		ref, ok := scan.Decode(w.text[:0], s.Of(d.Body), d.entities)
		w.text = ref
		if !ok {
			return false
		}
		to, c := d.Origin.Resolve(w.uri[:0], w.base, ref)
		w.base, w.uri = to, w.base
		if c != uri.Inside {
			return false
		}
	}
	return true
}

// urlOf is an attribute of a SegmentURL.
func (d *Presentation) urlOf(url int, name string) scan.Span {
	at := int(*d.urls.At(url)) + 1
	for at < len(d.Body) && !scan.IsSpace(d.Body[at]) && d.Body[at] != '>' && d.Body[at] != '/' {
		at++
	}
	for a := (scan.XMLAttributes{Body: d.Body, At: at}); a.Next(); {
		if string(scan.Local(a.Name)) == name {
			return a.Value
		}
	}
	return scan.Span{}
}

// makeIndex makes the index: entries by what their URIs begin with. It stops when
// that costs more than the MPD is long.
func (d *Presentation) makeIndex() {
	b := scan.NewBudget(len(d.Body))
	d.makeLists(int64(d.urls.Len()) + max(d.Budget.Memory, 0)/24)
	n := 2*d.reps.Len() + len(d.lists)
	if !d.known || n == 0 || n > scan.MaxEntries {
		return
	}
	d.index, d.next = scan.NewTable(n), make([]uint32, n)
	w := newWorkspace()
	defer w.release()
	for i := range n {
		p, ok := d.pattern(w, i)
		if !b.Do(int64(len(p.uri)) + 100) {
			return
		}
		if !ok {
			continue
		}
		begin, _ := p.fixed()
		w.target = append(w.target[:0], begin...)
		hash := scan.NewRolling()
		for _, c := range begin {
			hash = hash.On(c)
		}
		alike, place, known := d.index.Find(hash.Sum(), func(entry int) bool {
			b.Do(int64(len(w.target)) + 100)
			return d.begins(w, entry, w.target)
		})
		// The last periods come first: that is where live viewers are.
		if known {
			d.next[i] = uint32(alike + 1)
		}
		d.index.Put(place, hash.Sum(), i)
	}
}

// makeLists enters the SegmentURLs of the representations that have some, at most
// so many.
func (d *Presentation) makeLists(most int64) {
	count := int64(0)
	each := func(do func(rep, url int32)) {
		for i := range d.reps.Len() {
			a, _ := d.over(d.reps.At(i))
			for url := a.url; a.kind == byList && url < a.url+a.urls && count < most; url++ {
				do(int32(i), url)
				count++
			}
		}
	}
	each(func(int32, int32) {})
	d.lists, count = make([]listed, 0, count), 0
	each(func(rep, url int32) { d.lists = append(d.lists, listed{uint32(rep), uint32(url)}) })
}

// begins tells whether what is fixed of an entry is this.
func (d *Presentation) begins(w *workspace, entry int, with []byte) bool {
	p, _ := d.pattern(w, entry)
	begin, _ := p.fixed()
	return string(begin) == string(with)
}

// candidates gives the entries that a target may be of, until one is taken.
func (d *Presentation) candidates(w *workspace, target string, take func(entry int, p *pattern) bool) {
	d.once.Do(d.makeIndex)
	if d.index.Empty() {
		return
	}
	w.target = d.Origin.AppendTarget(w.target[:0], target)
	hash, left := scan.NewRolling(), scan.MaxMatches
	for i := 0; i <= len(w.target); i++ {
		// What differs from segment to segment is a number.
		if i == len(w.target) || scan.IsDigit(w.target[i]) {
			entry, _, ok := d.index.Find(hash.Sum(), func(entry int) bool {
				left--
				return left < 0 || d.begins(w, entry, w.target[:i])
			})
			for ; ok && entry >= 0 && left > 0; left-- {
				if p, ok := d.pattern(w, entry); ok && take(entry, &p) {
					return
				}
				entry = int(d.next[entry]) - 1
			}
		}
		if i < len(w.target) {
			hash = hash.On(w.target[i])
		}
	}
}
