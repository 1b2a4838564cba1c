package member

import (
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// Delivery is what was written to a session in full: an object, or a part of it.
type Delivery struct {
	Target      string // with all of its query, as manifests name it
	First, Last int64  // of its bytes
	Size        int64  // of the object
}

// whole tells that the last byte of the object was among them.
func (d *Delivery) whole() bool { return d.Last == d.Size-1 }

// asked is the byte range, the zero value for all of it.
func (d *Delivery) asked() media.ByteRange {
	if d.First == 0 && d.whole() {
		return media.ByteRange{}
	}
	return media.ByteRange{First: d.First, Length: d.Last + 1 - d.First}
}

// Positions are where sessions are in their tracks, by the manifests that they asked
// for.
type Positions struct {
	tables    *tables
	manifests *manifest.Cache
	now       func() time.Time
}

// Asked notes a manifest that a session has asked for: its segments are looked for
// in those.
func (m *Positions) Asked(pair wire.PairID, slot int, key string) { m.tables.asked(pair, slot, key) }

// Delivered moves a session's position in one of its tracks.
func (m *Positions) Delivered(pair wire.PairID, slot int, d Delivery) {
	m.delivered(pair, slot, &d, m.manifests.Get)
}

// DeliveredSoon is Delivered for who must not wait: manifests that are not kept are
// read elsewhere.
func (m *Positions) DeliveredSoon(pair wire.PairID, slot int, d Delivery) {
	missing := false
	m.delivered(pair, slot, &d, func(key string) *media.Manifest {
		kept := m.manifests.Kept(key)
		missing = missing || kept == nil
		return kept
	})
	if missing {
		go m.Delivered(pair, slot, d)
	}
}

func (m *Positions) delivered(pair wire.PairID, slot int, d *Delivery, get func(key string) *media.Manifest) {
	for _, key := range m.tables.where(pair, slot) {
		list := get(key)
		if list == nil {
			continue
		}
		track, ok := m.locate(list, key, d)
		if !ok {
			continue
		}
		if track.Target != "" {
			m.tables.delivered(pair, slot, track)
		}
		return
	}
}

// locate is the track that a delivery is in, by one manifest; no Target: it moves
// nothing, as the head of a file or half a segment.
func (m *Positions) locate(list *media.Manifest, key string, d *Delivery) (t wire.Track, ok bool) {
	ref, ok := list.Locate(d.Target, d.asked())
	if !ok {
		return t, false
	}
	if ref.Index.Target != "" {
		x := m.manifests.Index(ref.Index)
		if x == nil {
			return t, true
		}
		if ref, ok = x.Locate(ref, media.ByteRange{First: d.First, Length: d.Last + 1 - d.First}); !ok {
			return t, true
		}
	}
	if ref.Init || ref.Range.Whole() && !d.whole() || !ref.Range.Whole() && d.Last < ref.Range.First+ref.Range.Length-1 {
		return t, true
	}
	t = wire.Track{
		Kind: wire.TrackKind(m.kindOf(list, key, ref)), Manifest: key, Target: d.Target, Sequence: ref.Sequence,
		Time: ref.Time.Milliseconds(), Duration: ref.Duration.Milliseconds(), At: m.now().UnixMilli(),
	}
	if !ref.Range.Whole() {
		t.First, t.Last = ref.Range.First, ref.Range.First+ref.Range.Length-1
	}
	return t, true
}

// kindOf is what a track is: as an MPD says, or the multivariant playlist that
// names the media playlist.
func (m *Positions) kindOf(list *media.Manifest, key string, ref media.Ref) media.TrackKind {
	if list.Kind() == media.MediaPlaylist {
		if kind, ok := m.manifests.TrackKind(rules.TargetOf(key)); ok {
			return kind
		}
	}
	return ref.Track
}

// behind are the at most n objects behind a track's position, as its manifest says
// now.
func (m *Positions) behind(t *wire.Track, n int) []media.Object {
	list := m.manifests.Get(t.Manifest)
	if list == nil {
		return nil
	}
	r := media.ByteRange{}
	if t.Last > 0 {
		r = media.ByteRange{First: t.First, Length: t.Last + 1 - t.First}
	}
	ref, ok := list.Locate(t.Target, r)
	if !ok { // it has left the window
		if list.Kind() != media.MediaPlaylist || t.Sequence < 0 {
			return nil
		}
		ref = media.Ref{Sequence: t.Sequence, Part: -1}
	}
	if ref.Index.Target == "" {
		return list.Next(ref, n)
	}
	if x := m.manifests.Index(ref.Index); x != nil {
		if ref, ok = x.Locate(ref, r); ok {
			return x.Next(ref, n)
		}
	}
	return nil
}
