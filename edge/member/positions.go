package member

import (
	"context"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/renewal"
	"tandem/edge/rules"
	"tandem/internal/cachekey"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// Delivery is what was written to a session in full: an object, or a part of it.
type Delivery struct {
	Target      string // with all of its query, as manifests name it
	First, Last int64  // of its bytes
	Size        int64  // of the object
	Inherited   bool   // it was asked for after the session was taken over
	renewed     bool   // its MPD was got anew for it, or its manifest was sought
}

func (d *Delivery) piece(target string) manifest.Piece {
	return manifest.Piece{Target: target, First: d.First, Last: d.Last, Size: d.Size}
}

// Positions are where sessions are in their tracks, by the manifests that they asked
// for.
type Positions struct {
	tables    *tables
	manifests *manifest.Cache
	now       func() time.Time
	late      chan late
	renewals  *renewal.Renewals
	query     cachekey.Query
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
	located, named := m.delivered(pair, slot, &d, func(key string) *media.Manifest {
		kept := m.manifests.Kept(key)
		missing = missing || kept == nil
		return kept
	}, true)
	if !named && !missing && media.KindOf(rules.PathOf(d.Target), "") == media.Segment {
		_, missing = m.tables.seeks(pair, slot, m.now(), false)
	}
	if located || !missing {
		return
	}
	select {
	case m.late <- late{pair, slot, d}:
	default:
	}
}

// delivered looks for what was delivered in the session's manifests. False: none of
// those that could be had names it; or, soon: what its track is has to be read first. Named: one
// names it, but not as media, as the head of a file.
func (m *Positions) delivered(pair wire.PairID, slot int, d *Delivery, get func(key string) *media.Manifest, soon bool) (located, named bool) {
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
		track, ok := m.manifests.Place(list, key, d.piece(d.Target), behind, m.now())
		if named, led := m.manifests.Redirects.Named(d.Target); !ok && led {
			track, ok = m.manifests.Place(list, key, d.piece(named), behind, m.now())
		}
		switch {
		case !ok:
			_, listed := list.Locate(d.Target, d.piece("").Asked())
			if named = named || listed; !listed {
				awaitNewer(m, pair, slot, key, list, d)
			}
			continue
		case track.Target == "":
			return true, true
		case list.Kind() == media.MediaPlaylist:
			kind, known := m.kindOf(pair, slot, key, keys, get)
			if known == unread && soon {
				return false, true
			}
			if known == said {
				track.Kind = wire.TrackKind(kind)
			}
		}
		m.tables.delivered(pair, slot, track, d.Inherited)
		return true, true
	}
	if !soon && !named {
		m.seek(pair, slot, d)
	}
	return false, named
}

// seek has a delivery located by whatever manifest of its stream names it, where the session's
// own are not known: it was taken over before it was told which those are, and a viewer of
// what is stored asks for them once.
func (m *Positions) seek(pair wire.PairID, slot int, d *Delivery) {
	if d.renewed || media.KindOf(rules.PathOf(d.Target), "") != media.Segment {
		return
	}
	stream, ok := m.tables.seeks(pair, slot, m.now(), true)
	if !ok {
		return
	}
	names := func(list *media.Manifest) bool {
		ref, ok := list.Locate(d.Target, d.piece("").Asked())
		return ok && !ref.Init
	}
	m.renewals.Want(stream, func(ctx context.Context) {
		if key, unread := m.manifests.Naming(stream, names); key == "" {
			for _, target := range unread {
				m.renew(ctx, m.query.Apply(target), pair, false)
			}
		}
	}, func() {
		if key, _ := m.manifests.Naming(stream, names); key != "" {
			again := *d
			again.renewed = true
			m.Asked(pair, slot, key)
			m.Delivered(pair, slot, again)
		}
	})
}

// awaitNewer has a delivery located once more when its MPD has been got anew, if that may
// list it by then: its viewer has that by patches.
func awaitNewer(m *Positions, pair wire.PairID, slot int, key string, list *media.Manifest, d *Delivery) {
	if d.renewed || !list.Patched() || !list.Upcoming(d.Target) && media.KindOf(rules.PathOf(d.Target), "") != media.Segment {
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
