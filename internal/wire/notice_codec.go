package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of a notice. An edge that has more to say sends several.
const (
	MaxNotice        = 1 << 20 // bytes
	MaxNoticeChanges = 16384
	MaxManifests     = 8    // of a session
	MaxTrackKey      = 4096 // bytes of a key; a longer one has no position
	maxName          = 255
	maxPath          = 2048 // of a datagram's key
	maxStream        = 16 << 10
	maxRuns          = 4096
	noticeVersion    = 2
)

// ErrNotice is returned for bytes that are no notice.
var ErrNotice = errors.New("malformed notice")

const (
	changeGone  byte = 1 << iota
	changeFull       // stream, viewer and opened follow
	changeAlias      // and then what the token says
)

// noticeWriter writes varints, and strings with their length before them. A key that
// was written before is told by its number: viewers of one stream are at the same
// few segments.
type noticeWriter struct {
	b     []byte
	known map[string]uint64
}

func (w *noticeWriter) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *noticeWriter) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *noticeWriter) text(s string) { w.b = appendText(w.b, s) }

// key writes 0 and the text, or the number of one that was written before.
func (w *noticeWriter) key(s string) {
	if n, ok := w.known[s]; ok {
		w.uint(n)
		return
	}
	w.known[s] = uint64(len(w.known) + 1)
	w.uint(0)
	w.text(s)
}

// Append writes the notice in its binary form.
func (n *Notice) Append(b []byte) []byte {
	w := noticeWriter{b: append(b, noticeVersion), known: map[string]uint64{}}
	w.text(n.Edge)
	for _, v := range []uint64{
		n.Incarnation, n.Sequence, uint64(n.Pair), uint64(n.Boundary), n.Version, uint64(n.Slots), uint64(n.Covers.From), uint64(n.Covers.To), asBit(n.More), asBit(n.Whole), uint64(len(n.Own)),
	} {
		w.uint(v)
	}
	for _, r := range n.Own {
		w.uint(uint64(r.From))
		w.uint(uint64(r.To))
	}
	w.uint(uint64(len(n.Changes)))
	for i := range n.Changes {
		w.change(&n.Changes[i])
	}
	return w.b
}

func (w *noticeWriter) change(c *Change) {
	var flags byte
	if c.Gone {
		flags |= changeGone
	}
	if c.Stream != "" {
		flags |= changeFull
		if c.Token.Generation != 0 {
			flags |= changeAlias
		}
	}
	w.b = append(w.b, flags)
	w.uint(uint64(c.Slot))
	w.uint(uint64(c.Generation))
	if c.Gone {
		return
	}
	if c.Stream != "" {
		w.key(c.Stream)
		w.text(c.Viewer)
		w.int(c.Opened)
		if c.Token.Generation != 0 {
			w.uint(uint64(c.Token.Slot))
			w.uint(uint64(c.Token.Generation))
		}
	}
	w.int(c.Seen)
	w.uint(uint64(len(c.Manifests)))
	for _, m := range c.Manifests {
		w.key(m)
	}
	w.uint(uint64(len(c.Tracks)))
	for i := range c.Tracks {
		t := &c.Tracks[i]
		w.b = append(w.b, byte(t.Kind))
		w.key(t.Manifest)
		w.key(t.Target)
		for _, v := range []int64{t.First, t.Last, t.Sequence, t.Time, t.Duration, t.At} {
			w.int(v)
		}
	}
}

// Size is at least the number of bytes that the change takes in a notice.
func (c *Change) Size() int {
	size := 80 + len(c.Stream) + len(c.Viewer)
	for _, m := range c.Manifests {
		size += 8 + len(m)
	}
	for i := range c.Tracks {
		size += 72 + len(c.Tracks[i].Manifest) + len(c.Tracks[i].Target)
	}
	return size
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func asBit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// DecodeNotice reads a notice; what it allocates is bounded by len(b).
func DecodeNotice(b []byte) (*Notice, error) {
	if len(b) > MaxNotice {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrNotice, len(b), MaxNotice)
	}
	d := decoder{left: b}
	if d.byte() != noticeVersion {
		return nil, fmt.Errorf("%w: unknown version", ErrNotice)
	}
	n := &Notice{Edge: d.text(maxName), Incarnation: d.uint(1<<63 - 1), Sequence: d.uint(1<<63 - 1)}
	n.Pair, n.Boundary, n.Version, n.Slots = PairID(d.uint(1<<32-1)), d.slot(), d.uint(1<<63-1), d.slot()
	n.Covers, n.More, n.Whole = d.run(), d.uint(1) == 1, d.uint(1) == 1
	for range d.count(maxRuns, 2) {
		n.Own = append(n.Own, d.run())
	}
	count := d.count(MaxNoticeChanges, 3)
	n.Changes = make([]Change, 0, count)
	for range count {
		n.Changes = append(n.Changes, d.change())
	}
	if d.bad || len(d.left) > 0 || n.Edge == "" || n.Boundary > n.Slots || n.Covers.To > n.Slots {
		return nil, ErrNotice
	}
	return n, nil
}

func (d *decoder) change() Change {
	flags := d.byte()
	if flags&^(changeGone|changeFull|changeAlias) != 0 || flags&changeAlias != 0 && flags&changeFull == 0 || flags&changeGone != 0 && flags&^changeGone != 0 {
		d.bad = true
	}
	c := Change{Slot: d.slot(), Generation: uint32(d.uint(1<<32 - 1)), Gone: flags&changeGone != 0}
	if c.Gone {
		return c
	}
	if flags&changeFull != 0 {
		c.Stream, c.Viewer, c.Opened = d.key(maxStream), d.text(maxName), d.int()
		if flags&changeAlias != 0 {
			c.Token = Alias{d.slot(), uint32(d.uint(1<<32 - 1))}
			d.bad = d.bad || c.Token.Generation == 0
		}
		d.bad = d.bad || c.Stream == ""
	}
	c.Seen = d.int()
	for range d.count(MaxManifests, 1) {
		c.Manifests = append(c.Manifests, d.key(MaxTrackKey))
	}
	for range d.count(MaxTracks, 9) {
		t := Track{Kind: TrackKind(d.byte()), Manifest: d.key(MaxTrackKey), Target: d.key(MaxTrackKey)}
		t.First, t.Last, t.Sequence, t.Time, t.Duration, t.At = d.int(), d.int(), d.int(), d.int(), d.int(), d.int()
		if t.Kind >= MaxTracks || t.Target == "" {
			d.bad = true
		}
		c.Tracks = append(c.Tracks, t)
	}
	return c
}

// decoder reads varints and strings; once bad, everything it reads is zero.
type decoder struct {
	left  []byte
	bad   bool
	known []string
}

// key reads a text that later ones may name by its number.
func (d *decoder) key(longest uint64) string {
	n := d.uint(uint64(len(d.known)))
	switch {
	case d.bad:
		return ""
	case n == 0:
		s := d.text(longest)
		d.known = append(d.known, s)
		return s
	case uint64(len(d.known[n-1])) > longest:
		d.bad = true
		return ""
	}
	return d.known[n-1]
}

// count reads how many things follow, each of at least so many bytes: it can't make
// us allocate more than was sent.
func (d *decoder) count(most uint64, least int) int {
	n := d.uint(most)
	if n > uint64(len(d.left)/least) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) slot() int { return int(d.uint(1<<31 - 1)) }

func (d *decoder) run() Run {
	r := Run{From: d.slot(), To: d.slot()}
	if r.From > r.To {
		d.bad = true
	}
	return r
}

func (d *decoder) byte() byte {
	if d.bad || len(d.left) == 0 {
		d.bad = true
		return 0
	}
	v := d.left[0]
	d.left = d.left[1:]
	return v
}

func (d *decoder) uint(highest uint64) uint64 {
	v, n := binary.Uvarint(d.left)
	if d.bad || n <= 0 || v > highest {
		d.bad = true
		return 0
	}
	d.left = d.left[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.left)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.left = d.left[n:]
	return v
}

func (d *decoder) text(longest uint64) string {
	n := d.uint(longest)
	if d.bad || n > uint64(len(d.left)) {
		d.bad = true
		return ""
	}
	s := string(d.left[:n])
	d.left = d.left[n:]
	return s
}
