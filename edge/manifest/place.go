package manifest

import (
	"strings"
	"time"

	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// Piece is an object that was delivered, or a part of it.
type Piece struct {
	Target      string // with all of its query, as manifests name it
	First, Last int64  // of its bytes
	Size        int64  // of the object
}

// whole tells that the last byte of the object was among them.
func (d Piece) whole() bool { return d.Last == d.Size-1 }

// Asked is the byte range, the zero value for all of it.
func (d Piece) Asked() media.ByteRange {
	if d.First == 0 && d.whole() {
		return media.ByteRange{}
	}
	return media.ByteRange{First: d.First, Length: d.Last + 1 - d.First}
}

// Place is the track that a delivery is in, by one manifest; false: it is no segment of
// that, as the head of a file, or another rendition's range of it; no Target: it moves nothing,
// as half a segment. Behind is the track's position, where a name stands in the list twice.
func (c *Cache) Place(list *media.Manifest, key string, d Piece, behind func() int64, now time.Time) (t wire.Track, ok bool) {
	ref, ok := list.Locate(d.Target, d.Asked())
	if !ok {
		return t, false
	}
	if ref.Index.Target != "" {
		x := c.Index(ref.Index)
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
		Time: ref.Time.Milliseconds(), Duration: ref.Duration.Milliseconds(), At: now.UnixMilli(),
	}
	if !ref.Range.Whole() {
		t.First, t.Last = ref.Range.First, ref.Range.First+ref.Range.Length-1
	}
	return t, true
}

// Behind are the at most n objects behind a track's position, as its manifest says
// now.
func (c *Cache) Behind(t *wire.Track, n int) []media.Object {
	list := c.Get(t.Manifest)
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
	if x := c.Index(ref.Index); x != nil {
		if ref, ok = x.Locate(ref, r); ok {
			return x.Next(ref, n)
		}
	}
	return nil
}

// mostUnread bounds the media playlists that are read to find one that names something.
const mostUnread = 16

// Naming is the key of the manifest of a stream that names something, the one that was asked
// for last where several do; "": none that is kept does. Unread are targets of media playlists
// of that stream, 16 at most, that a multivariant one names and that are not kept.
func (c *Cache) Naming(stream string, names func(*media.Manifest) bool) (key string, unread []string) {
	var of []*Entry
	c.mu.Lock()
	for at := c.order.Front(); at != nil; at = at.Next() {
		e := at.Value.(*Entry)
		if e.Manifest == nil || !strings.HasPrefix(e.key, stream) && !strings.HasPrefix(c.parents[rules.TargetOf(e.key)], stream) {
			continue
		}
		of = append(of, e)
		for _, child := range e.Children() {
			if c.entries[child.Target] == nil && len(unread) < mostUnread {
				unread = append(unread, child.Target)
			}
		}
	}
	c.mu.Unlock()
	for _, e := range of {
		if e.Kind() != media.Multivariant && names(e.Manifest) {
			return e.key, nil
		}
	}
	return "", unread
}
