package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// DeltaPlacement is the encoding of a placement as what has changed (RFC 3229): whoever
// polls with A-IM of this name may be answered 226 and a PlacementDelta.
const DeltaPlacement = "tandem-placement"

// ErrDelta is returned for a delta of another placement than the one at hand, or one
// that contradicts it: then the whole has to be asked for.
var ErrDelta = errors.New("the delta does not fit")

// PlacementDelta is what has changed from one version of the placement to another:
// what is in it is as it is now, and takes the place of what was.
type PlacementDelta struct {
	Cluster     string        `json:"cluster,omitempty"`
	From        uint64        `json:"from"`
	To          uint64        `json:"to"`
	Admission   string        `json:"admission"`
	NextPair    PairID        `json:"next_pair"`
	Ring        []string      `json:"ring,omitempty"`  // all names in order, when there are others or in another one
	Edges       []Edge        `json:"edges,omitempty"` // changed or new
	Pairs       []Pair        `json:"pairs,omitempty"` // changed or new
	PairsGone   []PairID      `json:"pairs_gone,omitempty"`
	Streams     []StreamPlace `json:"streams,omitempty"` // changed or new
	StreamsGone []string      `json:"streams_gone,omitempty"`
	Balancers   *[]Balancer   `json:"balancers,omitempty"` // all of them, when one has changed
	Purges      []Purge       `json:"purges,omitempty"`    // new ones
	PurgesFrom  uint64        `json:"purges_from,omitempty"`
	Trust       *Trust        `json:"trust,omitempty"`     // when it has changed
	Upstreams   *[]Upstream   `json:"upstreams,omitempty"` // all of them, when one has changed
	Digest      string        `json:"digest,omitempty"`    // of what it leads to (ring.Digester)
}

// Apply is the placement that the delta leads to. p stays as it is.
func (d *PlacementDelta) Apply(p *Placement) (*Placement, error) {
	if p.Version != d.From {
		return nil, fmt.Errorf("%w: from version %d, here is %d", ErrDelta, d.From, p.Version)
	}
	if p.Cluster != "" && d.Cluster != p.Cluster {
		return nil, fmt.Errorf("%w: of cluster %q, here is %s", ErrDelta, d.Cluster, p.Cluster)
	}
	next := *p
	next.Cluster = d.Cluster
	next.Version, next.Admission, next.NextPair = d.To, d.Admission, d.NextPair
	if d.Balancers != nil {
		next.Balancers = *d.Balancers
	}
	if d.Upstreams != nil {
		next.Upstreams = *d.Upstreams
	}
	if d.Trust != nil {
		next.Trust = d.Trust
	}
	if len(d.Purges) > 0 {
		next.Purges = slices.DeleteFunc(slices.Concat(p.Purges, d.Purges), func(x Purge) bool { return x.Seq < d.PurgesFrom })
	}
	if len(d.Edges) == 0 && d.Ring == nil && len(d.Pairs) == 0 && len(d.PairsGone) == 0 {
		if err := d.applyStreams(&next); err != nil { // the look-up tables are shared, as all that has not changed
			return nil, err
		}
		return &next, nil
	}
	if err := d.applyEdges(&next); err != nil {
		return nil, err
	}
	next.Pairs = slices.DeleteFunc(slices.Clone(p.Pairs), func(q Pair) bool { return slices.Contains(d.PairsGone, q.ID) })
	for _, q := range d.Pairs {
		i, known := slices.BinarySearchFunc(next.Pairs, q.ID, func(have Pair, id PairID) int { return cmp.Compare(have.ID, id) })
		if known {
			next.Pairs[i] = q
		} else {
			next.Pairs = slices.Insert(next.Pairs, i, q)
		}
	}
	next.Index()
	if err := d.applyStreams(&next); err != nil {
		return nil, err
	}
	if err := next.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	return &next, nil
}

// applyStreams places streams on pairs that are there, each under an id of its own.
func (d *PlacementDelta) applyStreams(next *Placement) error {
	for _, name := range d.StreamsGone {
		next.Streams = next.Streams.Without(name)
	}
	for _, s := range d.Streams {
		if other, taken := next.StreamBy(s.ID); taken && s.ID != 0 && other != s.Stream {
			return fmt.Errorf("%w: streams %q and %q have one id", ErrDelta, other, s.Stream)
		}
		for _, id := range s.Pairs {
			if _, ok := next.Pair(id); !ok {
				return fmt.Errorf("%w: stream %q on unknown pair %d", ErrDelta, s.Stream, id)
			}
		}
		next.Streams = next.Streams.With(s)
	}
	return nil
}

// applyEdges gives the placement the edges in their order.
func (d *PlacementDelta) applyEdges(next *Placement) error {
	known := make(map[string]Edge, len(next.Edges))
	order := d.Ring
	for _, e := range next.Edges {
		known[e.Name] = e
		if d.Ring == nil {
			order = append(order, e.Name)
		}
	}
	for _, e := range d.Edges {
		known[e.Name] = e
	}
	next.Edges = make([]Edge, 0, len(order))
	for _, name := range order {
		e, ok := known[name]
		if !ok {
			return fmt.Errorf("%w: edge %q stands in the ring and is nowhere told", ErrDelta, name)
		}
		next.Edges = append(next.Edges, e)
	}
	return nil
}

// DecodeDelta reads a delta.
func DecodeDelta(r io.Reader) (*PlacementDelta, error) {
	d := new(PlacementDelta)
	if err := json.NewDecoder(io.LimitReader(r, MaxPlacement)).Decode(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	return d, nil
}

// Equal tells whether two pairs are the same in everything.
func (q *Pair) Equal(o *Pair) bool {
	return q.ID == o.ID && q.Low == o.Low && q.High == o.High && q.Slots == o.Slots && q.Boundary == o.Boundary && q.Home == o.Home &&
		q.Retiring == o.Retiring && slices.Equal(q.Adopted, o.Adopted)
}
