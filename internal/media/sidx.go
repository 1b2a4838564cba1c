package media

import (
	"encoding/binary"
	"errors"
	"math"
	"sort"
	"time"

	"tandem/internal/media/scan"
)

// ErrIndex is returned for bytes that hold no segment index.
var ErrIndex = errors.New("no segment index")

// Index says where the segments of one file are (ISO/IEC 14496-12 8.16.3, the box
// sidx). It never changes.
type Index struct {
	file     string
	segments []indexed
}

type indexed struct {
	end  int64         // its last byte, plus 1
	time time.Duration // where it ends
}

// ParseIndex reads the index in bytes of a file, of which the first stands at
// place at. Target is the file, as the cluster calls it. An index of indexes has
// the first level only.
func ParseIndex(box []byte, at int64, target string) (*Index, error) {
	for len(box) >= 8 {
		size := int64(binary.BigEndian.Uint32(box))
		if size < 8 || size > int64(len(box)) {
			break
		}
		if string(box[4:8]) == "sidx" {
			return parseSidx(box[8:size], at+size, target)
		}
		box, at = box[size:], at+size
	}
	return nil, ErrIndex
}

func parseSidx(b []byte, anchor int64, target string) (*Index, error) {
	short := 24 // version, id, timescale, time, offset, reserved, count
	if len(b) > 0 && b[0] > 0 {
		short += 8
	}
	if len(b) < short {
		return nil, ErrIndex
	}
	scale := int64(binary.BigEndian.Uint32(b[8:]))
	var begin, offset uint64
	if b[0] == 0 {
		begin, offset = uint64(binary.BigEndian.Uint32(b[12:])), uint64(binary.BigEndian.Uint32(b[16:]))
	} else {
		begin, offset = binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[20:])
	}
	count := int(binary.BigEndian.Uint16(b[short-2:]))
	if b = b[short:]; len(b) < 12*count || scale == 0 || begin > scan.MaxUnits || offset > scan.MaxUnits {
		return nil, ErrIndex
	}
	x := &Index{file: target, segments: make([]indexed, 0, count+1)}
	place, when := anchor+int64(offset), int64(begin)
	x.segments = append(x.segments, indexed{place, scan.ToTime(when, scale)})
	for ; count > 0; count, b = count-1, b[12:] {
		place += int64(binary.BigEndian.Uint32(b) & math.MaxInt32)
		when += int64(binary.BigEndian.Uint32(b[4:]))
		x.segments = append(x.segments, indexed{place, scan.ToTime(when, scale)})
	}
	return x, nil
}

// Cost is the memory it holds, in bytes.
func (x *Index) Cost() int64 { return 64 + int64(len(x.file)) + 16*int64(cap(x.segments)) }

// Locate completes a place that Manifest.Locate gave by what was asked of the file:
// the last segment that is wholly in the range, or the one that it begins in. They
// are counted from 1. False when it is none, as for the head of the file.
func (x *Index) Locate(ref Ref, r ByteRange) (Ref, bool) {
	n := len(x.segments) - 1
	i := sort.Search(n, func(i int) bool { return x.segments[i+1].end > r.First })
	if end := r.First + r.Length; r.Length > 0 {
		last := sort.Search(n, func(i int) bool { return x.segments[i+1].end > end }) - 1
		if last >= 0 && x.segments[last].end >= r.First {
			i = last
		}
	}
	if i == n {
		return ref, false
	}
	if i == 0 && r.First < x.segments[0].end && (r.Length == 0 || r.First+r.Length < x.segments[1].end) {
		return ref, false // nothing but the head of the file
	}
	ref.Sequence = int64(i) + 1
	ref.Time += x.segments[i].time
	ref.Duration = x.segments[i+1].time - x.segments[i].time
	ref.Range = ByteRange{First: x.segments[i].end, Length: x.segments[i+1].end - x.segments[i].end}
	return ref, true
}

// Next are the at most n segments behind a place.
func (x *Index) Next(ref Ref, n int) []Object {
	var out []Object
	for i := max(ref.Sequence, 0); i+1 < int64(len(x.segments)) && len(out) < n; i++ {
		a, b := x.segments[i], x.segments[i+1]
		out = append(out, Object{
			Target: x.file, Range: ByteRange{First: a.end, Length: b.end - a.end}, Sequence: i + 1, Duration: b.time - a.time,
		})
	}
	return out
}
