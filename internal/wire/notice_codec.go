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
	maxName          = 255
	maxPath          = 2048
	noticeVersion    = 1
)

// ErrNotice is returned for bytes that are no notice.
var ErrNotice = errors.New("malformed notice")

const (
	changeGone byte = 1 << iota
	changeFull      // stream, viewer and opened follow
)

// Append writes the notice in its binary form: varints, strings with their
// length before them.
func (n *Notice) Append(b []byte) []byte {
	b = append(b, noticeVersion)
	b = appendText(b, n.Edge)
	for _, v := range []uint64{n.Incarnation, n.Sequence, uint64(n.Pair), uint64(n.Boundary), n.Version, asBit(n.Full), uint64(len(n.Changes))} {
		b = binary.AppendUvarint(b, v)
	}
	for i := range n.Changes {
		b = n.Changes[i].append(b)
	}
	return b
}

func (c *Change) append(b []byte) []byte {
	var flags byte
	if c.Gone {
		flags |= changeGone
	}
	if c.Stream != "" {
		flags |= changeFull
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(c.Slot))
	b = binary.AppendUvarint(b, uint64(c.Generation))
	if c.Gone {
		return b
	}
	if c.Stream != "" {
		b = appendText(b, c.Stream)
		b = appendText(b, c.Viewer)
		b = binary.AppendVarint(b, c.Opened)
	}
	b = binary.AppendVarint(b, c.Seen)
	b = binary.AppendVarint(b, c.Position)
	return appendText(b, c.Path)
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
	n.Pair, n.Boundary = PairID(d.uint(1<<32-1)), int(d.uint(1<<31-1))
	n.Version, n.Full = d.uint(1<<63-1), d.uint(1) == 1
	count := d.uint(MaxNoticeChanges)
	// A change takes at least three bytes: a count can't make us allocate more.
	if d.bad || count > uint64(len(d.left))/3+1 {
		return nil, ErrNotice
	}
	n.Changes = make([]Change, 0, count)
	for range count {
		n.Changes = append(n.Changes, d.change())
	}
	if d.bad || len(d.left) > 0 || n.Edge == "" {
		return nil, ErrNotice
	}
	return n, nil
}

func (d *decoder) change() Change {
	flags := d.byte()
	if flags&^(changeGone|changeFull) != 0 {
		d.bad = true
	}
	c := Change{Slot: int(d.uint(1<<31 - 1)), Generation: uint32(d.uint(1<<32 - 1)), Gone: flags&changeGone != 0}
	if c.Gone {
		return c
	}
	if flags&changeFull != 0 {
		c.Stream, c.Viewer, c.Opened = d.text(maxPath), d.text(maxName), d.int()
		if c.Stream == "" {
			d.bad = true
		}
	}
	c.Seen, c.Position, c.Path = d.int(), d.int(), d.text(maxPath)
	return c
}

// decoder reads varints and strings; once bad, everything it reads is zero.
type decoder struct {
	left []byte
	bad  bool
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
