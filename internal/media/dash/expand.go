package dash

import (
	"time"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// Tracks lists everything. The segments of a representation in one period are
// joined to those in the periods before, when their numbers go on. Now bounds
// those of a dynamic MPD.
func (d *Presentation) Tracks(now time.Time) ([]track.Track, error) {
	w := newWorkspace()
	defer w.release()
	if !d.known {
		return nil, d.Flaw
	}
	type key struct {
		set int
		id  string
	}
	var tracks []track.Track
	known, left := map[key]int{}, track.MaxSegments
	for i := range d.reps.Len() {
		t := track.Track{Format: d.format(i)}
		if err := d.list(w, &t, i, now, &left); err != nil {
			return nil, err
		}
		k := key{t.Format.Set, t.Format.ID}
		if at, ok := known[k]; ok && len(t.Segments) > 0 {
			before := &tracks[at]
			n := len(before.Segments)
			if n == 0 || before.Segments[n-1].Sequence < t.Segments[0].Sequence {
				t.Segments[0].Discontinuity = n > 0
				before.Segments = append(before.Segments, t.Segments...)
				continue
			}
		}
		known[k] = len(tracks)
		tracks = append(tracks, t)
	}
	return tracks, nil
}

// list lists the segments of a representation.
func (d *Presentation) list(w *workspace, t *track.Track, rep int, now time.Time, left *int) error {
	a, period := d.of(rep)
	d.once.Do(d.makeIndex)
	if p, ok := d.pattern(w, 2*rep+1); ok {
		target, _ := d.Origin.Below(p.uri)
		t.Init = string(target)
	}
	if a.kind != byList && a.kind != byTemplate {
		p, ok := d.pattern(w, 2*rep)
		if !ok {
			return nil
		}
		target, _ := d.Origin.Below(p.uri)
		t.Segments = []track.Seg{{Sequence: 1, URI: string(target), Duration: max(0, period.end-period.start), Map: t.Init}}
		return nil
	}
	from, to := d.listed(&a, period, now)
	if to-from > int64(*left) {
		return track.ErrTooMany
	}
	*left -= int(to - from)
	for i := from; i < to; i++ {
		o, ok := d.object(w, rep, &a, period, i)
		if !ok {
			break
		}
		t.Segments = append(t.Segments, track.Seg{Sequence: o.Sequence, URI: o.Target, Duration: o.Duration, Range: o.Range, Map: t.Init})
	}
	return nil
}

// listed are the indexes of the segments that are there: all, or those in the
// window of a dynamic MPD that are complete.
func (d *Presentation) listed(a *addressing, p *period, now time.Time) (from, to int64) {
	if a.numbered && a.runs > 0 {
		from = d.runs.At(int(a.run)).index
	}
	n, known := d.last(a, p)
	to = n + 1
	if a.kind == byList || a.runs > 0 && !a.open || a.duration == 0 && a.runs == 0 {
		return from, to
	}
	if !d.dynamic {
		if !known {
			to = from
		}
		return from, to
	}
	passed := now.Sub(time.Unix(0, d.since)) - p.start
	base, length := int64(0), a.duration
	if a.runs > 0 {
		last := d.runs.At(int(a.run+a.runs) - 1)
		base, length = last.index-(last.at-a.offset)/last.length, last.length
	}
	complete := base + scan.ToUnits(passed, a.scale)/length
	if scan.ToTime((complete-base)*length, a.scale) > max(passed, 0) {
		complete--
	}
	if !known || complete < to {
		to = max(complete, from)
	}
	if d.window > 0 && a.runs == 0 {
		from = max(from, scan.ToUnits(max(passed-d.window, 0), a.scale)/length)
	}
	return max(from, to-track.MaxSegments), to
}

// format is what the tags of a representation and its set say.
func (d *Presentation) format(rep int) track.Format {
	r := d.reps.At(rep)
	set := d.sets.At(int(r.set))
	get := func(name string, tags ...uint32) string {
		for _, tag := range tags {
			at := int(tag) + 1
			for at < len(d.Body) && !scan.IsSpace(d.Body[at]) && d.Body[at] != '>' && d.Body[at] != '/' {
				at++
			}
			for a := (scan.XMLAttributes{Body: d.Body, At: at}); a.Next(); {
				if string(a.Name) == name {
					return d.decoded(a.Value)
				}
			}
		}
		return ""
	}
	number := func(name string) int {
		n, _ := scan.Units([]byte(get(name, r.tag, set.tag)))
		return int(min(n, 1<<30))
	}
	f := track.Format{
		ID: d.decoded(r.id), Set: int(r.set - d.periods.At(int(set.period)).set), Bandwidth: r.bandwidth,
		ContentType: get("contentType", set.tag), Lang: get("lang", set.tag),
		MimeType: get("mimeType", r.tag, set.tag), Codecs: get("codecs", r.tag, set.tag),
		Width: number("width"), Height: number("height"),
		FrameRate: get("frameRate", r.tag, set.tag), AudioSamplingRate: get("audioSamplingRate", r.tag, set.tag),
	}
	if f.ContentType == "" {
		for i := range len(f.MimeType) {
			if f.MimeType[i] == '/' {
				f.ContentType = f.MimeType[:i]
			}
		}
	}
	return f
}
