package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxPlacement bounds a placement on the wire, in bytes.
const MaxPlacement = 64 << 20

// ErrPlacement is returned for a placement that contradicts itself.
var ErrPlacement = errors.New("malformed placement")

// DecodePlacement reads, checks and indexes a placement.
func DecodePlacement(r io.Reader) (*Placement, error) {
	p := new(Placement)
	if err := json.NewDecoder(io.LimitReader(r, MaxPlacement)).Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlacement, err)
	}
	p.Index()
	return p, p.Check()
}

// Check walks what is always true of a placement: names and ids are there once,
// pairs are of known edges, boundaries lie in their tables.
func (p *Placement) Check() error {
	if len(p.edges) != len(p.Edges) || len(p.pairs) != len(p.Pairs) {
		return fmt.Errorf("%w: a name or an id stands twice", ErrPlacement)
	}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, name := range []string{q.Low, q.High} {
			if _, ok := p.edges[name]; !ok && (name != "" || q.Low == "") {
				return fmt.Errorf("%w: pair %d: unknown edge %q", ErrPlacement, q.ID, name)
			}
		}
		if q.Slots < 0 || q.Boundary < 0 || q.Boundary > q.Slots || q.Home < 0 || q.Home > q.Slots {
			return fmt.Errorf("%w: pair %d: boundary %d and home %d in %d slots", ErrPlacement, q.ID, q.Boundary, q.Home, q.Slots)
		}
	}
	for s := range p.Streams.All() {
		for _, id := range s.Pairs {
			if _, ok := p.pairs[id]; !ok {
				return fmt.Errorf("%w: stream %q on unknown pair %d", ErrPlacement, s.Stream, id)
			}
		}
	}
	return nil
}
