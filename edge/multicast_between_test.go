package edge

import (
	"bytes"
	"testing"
)

// A man in the network between the origin and its group flips bits, plays back what he
// heard, lets datagrams overtake each other and puts the head of one before another's
// body: the members hold the origin's bytes, and count him.
func TestAManInTheGroupChangesNothing(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(int) Config { return o.config(nil) })
	hears(t, edges...)
	var heard [][]byte // owned by the one object's sender
	o.between = func(b []byte) [][]byte {
		heard = append(heard, b)
		n := len(heard)
		flipped := bytes.Clone(b)
		flipped[(37*n)%len(b)] ^= 1 << (n % 8)
		switch n % 4 {
		case 0:
			before := heard[n-2]
			swapped := append(bytes.Clone(before[:21]), b[21:]...)
			return [][]byte{b, before, swapped, flipped} // the one before comes late, and once more
		case 3:
			return [][]byte{flipped}
		}
		return [][]byte{flipped, b, b}
	}
	path := "/v/x/1.m4s"
	filler, other := fillerOf(edges, path)
	if _, body := get(t, filler.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
		t.Fatalf("%d bytes", len(body))
	}
	for _, e := range []*testEdge{filler, other} {
		eventually(t, e.cfg.Name+" holds it", func() bool { return holds(t, e, path) })
		eventually(t, e.cfg.Name+" counts him", func() bool { return e.group.Counts.Foreign.Load() > 0 && e.group.Counts.Replayed.Load() > 0 })
	}
}
