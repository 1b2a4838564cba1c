package ring

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"

	"tandem/internal/wire"
)

// digestForm says what is in a digest: those of two forms can't be compared. It is another
// one when a field is added that changes who delivers what.
const digestForm = "1-"

// Digester gives the digest of a placement: of all that is reckoned from commands, edges
// and their states, pairs and their boundaries, and where streams are. The version is not
// in it. It remembers the last one, so that the next costs what has changed. The zero value
// is ready; it is not safe for use by several goroutines.
type Digester struct {
	last          *wire.Placement
	ring, streams uint64
}

// Of is the digest of a placement, which is never changed. Two that are equal have the same one.
func (d *Digester) Of(p *wire.Placement) string {
	last := d.last
	if last == nil {
		last = new(wire.Placement)
	}
	if d.last == nil || last.NextPair != p.NextPair || !one(last.Edges, p.Edges) || !one(last.Pairs, p.Pairs) {
		d.ring = digestOfRing(p)
	}
	for _, name := range last.Streams.Changed(p.Streams) {
		d.streams += digestOfStream(p, name) - digestOfStream(last, name)
	}
	d.last = p
	return fmt.Sprintf("%s%016x%016x", digestForm, d.ring, d.streams)
}

// Contradict tells whether two digests are of one form and not the same. Empty: not known.
func Contradict(a, b string) bool {
	return a != b && strings.HasPrefix(a, digestForm) && strings.HasPrefix(b, digestForm)
}

// one tells whether two lists are one in memory.
func one[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func digestOfRing(p *wire.Placement) uint64 {
	var text []byte
	number := func(n uint64) { text = binary.AppendUvarint(text, n) }
	name := func(s string) { number(uint64(len(s))); text = append(text, s...) }
	flag := func(b bool) {
		if b {
			number(1)
		} else {
			number(0)
		}
	}
	number(uint64(p.NextPair))
	number(uint64(len(p.Edges)))
	for i := range p.Edges {
		e := &p.Edges[i]
		name(e.Name)
		name(string(e.State))
		name(e.After)
		number(uint64(e.Capacity))
		number(uint64(e.Asks))
		number(e.Incarnation)
		number(e.Since)
		flag(e.Removing)
	}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		number(uint64(q.ID))
		name(q.Low)
		name(q.High)
		number(uint64(q.Slots))
		number(uint64(q.Boundary))
		number(uint64(q.Home))
		flag(q.Retiring)
		number(uint64(len(q.Adopted)))
		for _, a := range q.Adopted {
			name(a.Edge)
			number(uint64(a.From))
			number(uint64(a.To))
		}
	}
	return hashOf(text)
}

// digestOfStream is 0 for a stream that is not placed.
func digestOfStream(p *wire.Placement, name string) uint64 {
	place, ok := p.Streams.Get(name)
	if !ok {
		return 0
	}
	text := append([]byte(name), 0)
	for _, id := range place.Pairs {
		text = binary.AppendUvarint(text, uint64(id))
	}
	return hashOf(text)
}

func hashOf(text []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(text) // never fails
	return h.Sum64()
}
