package member

import (
	"context"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/renewal"
	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// Delivery is what was written to a session in full: an object, or a part of it.
type Delivery struct {
	Target      string // with all of its query, as manifests name it
	First, Last int64  // of its bytes
	Size        int64  // of the object
	Inherited   bool   // it was asked for after the session was taken over
	renewed     bool   // its MPD was got anew for it
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
	late      chan late
	renewals  *renewal.Renewals
	renew     func(ctx context.Context, manifest string, pair wire.PairID, anyhow bool) // see segments
}

// late is a delivery whose manifest has to be read first.
type late struct {
	pair wire.PairID
	slot int
	Delivery
}

// maxLate bounds the deliveries that wait for manifests: what does not fit moves no
// position, and the next segment of its track does.
const maxLate = 4096

func newPositions(tables *tables, manifests *manifest.Cache, now func() time.Time) *Positions {
	return &Positions{tables: tables, manifests: manifests, now: now, late: make(chan late, maxLate), renewals: renewal.New(now)}
}

// run locates what could not be located at once, until ctx ends.
func (m *Positions) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-m.late:
			m.Delivered(l.pair, l.slot, l.Delivery)
		}
	}
}

// Asked notes a manifest that a session has asked for: its segments are looked for
// in those.
func (m *Positions) Asked(pair wire.PairID, slot int, key string) { m.tables.asked(pair, slot, key) }

// Tracks are how far a session is, whether this edge delivers it or mirrors it.
func (m *Positions) Tracks(id wire.SessionID) []wire.Track { return m.tables.tracks(id) }

// Played notes that a session has been given media, whatever that is: it has earned its
// slot.
func (m *Positions) Played(pair wire.PairID, slot int) { m.tables.where(pair, slot) }

// Provisional is how many sessions of this edge were given no media yet, and how many
// of those have ended for another viewer since the start.
func (m *Positions) Provisional() (now int, madeWay int64) {
	return len(m.tables.claims()), m.tables.madeWay.Load()
}

// Delivered moves a session's position in one of its tracks.
func (m *Positions) Delivered(pair wire.PairID, slot int, d Delivery) {
	m.delivered(pair, slot, &d, m.manifests.Get, false)
}

// DeliveredSoon is Delivered for who must not wait: manifests that are not kept are
// read elsewhere.
func (m *Positions) DeliveredSoon(pair wire.PairID, slot int, d Delivery) {
	missing := false
	located := m.delivered(pair, slot, &d, func(key string) *media.Manifest {
		kept := m.manifests.Kept(key)
		missing = missing || kept == nil
		return kept
	}, true)
	if located || !missing {
		return
	}
	select {
	case m.late <- late{pair, slot, d}:
	default:
	}
}

// delivered looks for what was delivered in the session's manifests. False: none of
// those that could be had names it; or, soon: what its track is has to be read first.
func (m *Positions) delivered(pair wire.PairID, slot int, d *Delivery, get func(key string) *media.Manifest, soon bool) (located bool) {
	keys := m.tables.where(pair, slot)
	for _, key := range keys {
		list := get(key)
		if list == nil {
			continue
		}
		behind := func() int64 {
			if has, ok := m.tables.trackIn(pair, slot, key); ok {
				return has.Sequence
			}
			return -1
		}
		track, ok := m.locate(list, key, d, behind)
		if named, led := m.manifests.Redirects.Named(d.Target); !ok && led {
			as := *d
			as.Target = named
			track, ok = m.locate(list, key, &as, behind)
		}
		switch {
		case !ok:
			awaitNewer(m, pair, slot, key, list, d)
			continue
		case track.Target == "":
			return true
		case list.Kind() == media.MediaPlaylist:
			kind, known := m.kindOf(pair, slot, key, keys, get)
			if known == unread && soon {
				return false
			}
			if known == said {
				track.Kind = wire.TrackKind(kind)
			}
		}
		m.tables.delivered(pair, slot, track, d.Inherited)
		return true
	}
	return false
}

// awaitNewer has a delivery located once more when its MPD has been got anew, if that may
// list it by then: its viewer has that by patches.
func awaitNewer(m *Positions, pair wire.PairID, slot int, key string, list *media.Manifest, d *Delivery) {
	if d.renewed || !list.Patched() {
		return
	}
	if _, listed := list.Locate(d.Target, d.asked()); listed || !list.Upcoming(d.Target) && media.KindOf(rules.PathOf(d.Target), "") != media.Segment {
		return
	}
	again := *d
	again.renewed = true
	m.renewals.Want(key, func(ctx context.Context) { m.renew(ctx, key, pair, true) }, func() { m.Delivered(pair, slot, again) })
}

// knowledge is what is known of a media playlist's kind.
type knowledge int

const (
	unsaid knowledge = iota // nobody says it
	said
	unread // who may say it can't be had now
)

// kindOf is what the multivariant playlist says that a media playlist is: one that is
// kept, else one that the session has asked for. Between them it is what the session's
// position in it was, which another edge may have told that had the multivariant one.
func (m *Positions) kindOf(pair wire.PairID, slot int, key string, asked []string, get func(key string) *media.Manifest) (kind media.TrackKind, known knowledge) {
	target := rules.TargetOf(key)
	if kind, ok := m.manifests.TrackKind(target); ok {
		return kind, said
	}
	if track, ok := m.tables.trackIn(pair, slot, key); ok {
		return media.TrackKind(track.Kind), said
	}
	for _, other := range asked {
		switch list := get(other); {
		case list == nil:
			known = unread
		case list.Kind() == media.Multivariant:
			if kind, ok := list.Child(target); ok {
				return kind, said
			}
		}
	}
	return kind, known
}

// locate is the track that a delivery is in, by one manifest; false: it is no segment of
// that, as the head of a file, or another rendition's range of it; no Target: it moves nothing,
// as half a segment. Behind is the track's position, where a name stands in the list twice.
func (m *Positions) locate(list *media.Manifest, key string, d *Delivery, behind func() int64) (t wire.Track, ok bool) {
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
			return t, false
		}
	}
	if ref.Init {
		return t, false
	}
	ref = list.Behind(ref, behind)
	if ref.Range.Whole() && !d.whole() || !ref.Range.Whole() && d.Last < ref.Range.First+ref.Range.Length-1 {
		return t, true
	}
	t = wire.Track{
		Kind: wire.TrackKind(ref.Track), Manifest: key, Target: d.Target, Sequence: ref.Sequence,
		Time: ref.Time.Milliseconds(), Duration: ref.Duration.Milliseconds(), At: m.now().UnixMilli(),
	}
	if !ref.Range.Whole() {
		t.First, t.Last = ref.Range.First, ref.Range.First+ref.Range.Length-1
	}
	return t, true
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
	ref = list.Behind(ref, func() int64 { return t.Sequence - 1 })
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
