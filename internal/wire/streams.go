package wire

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// StreamPlace says which pairs hold a stream.
type StreamPlace struct {
	Stream string   `json:"stream"`
	ID     uint64   `json:"id,omitempty"` // its name in tokens: a hash under the cluster's stream key, unique
	Pairs  []PairID `json:"pairs"`
}

// Streams are the placed streams in the order of their names. A value never changes:
// With and Without give another one, at a cost that does not grow with the number of
// streams. The zero value holds none.
type Streams struct {
	byName sorted[string, StreamPlace]
	byID   sorted[uint64, string]
}

// StreamsOf are these streams. Of two of one name the last counts.
func StreamsOf(places ...StreamPlace) Streams {
	var named []StreamPlace
	byName := collect(places, func(s StreamPlace) string { return s.Stream })
	for _, s := range byName.all() {
		if s.ID != 0 {
			named = append(named, s)
		}
	}
	ids := collect(named, func(s StreamPlace) uint64 { return s.ID })
	byID := sorted[uint64, string]{count: ids.count}
	for _, p := range ids.parts {
		names := make([]string, len(p.values))
		for i := range p.values {
			names[i] = p.values[i].Stream
		}
		byID.parts = append(byID.parts, &part[uint64, string]{p.keys, names})
	}
	return Streams{byName: byName, byID: byID}
}

// Len counts the streams.
func (s Streams) Len() int { return s.byName.count }

// Get is the place of the stream of that name.
func (s Streams) Get(name string) (StreamPlace, bool) { return s.byName.get(name) }

// All are the streams in the order of their names.
func (s Streams) All() iter.Seq[StreamPlace] {
	return func(yield func(StreamPlace) bool) {
		for _, one := range s.byName.all() {
			if !yield(one) {
				return
			}
		}
	}
}

// With has the stream at this place.
func (s Streams) With(place StreamPlace) Streams {
	old, known := s.byName.get(place.Stream)
	if known && old.ID != place.ID {
		s.byID = s.byID.without(old.ID)
	}
	if place.ID != 0 && (!known || old.ID != place.ID) {
		s.byID = s.byID.with(place.ID, place.Stream)
	}
	s.byName = s.byName.with(place.Stream, place)
	return s
}

// Without has no stream of that name.
func (s Streams) Without(name string) Streams {
	old, _ := s.byName.get(name)
	s.byID = s.byID.without(old.ID)
	s.byName = s.byName.without(name)
	return s
}

// Changed are the names whose places differ between two values, in order. It costs
// what differs, where one was made from the other.
func (s Streams) Changed(o Streams) []string {
	names := map[string]bool{}
	for name := range s.byName.differ(o.byName) {
		a, here := s.Get(name)
		b, there := o.Get(name)
		if here != there || a.ID != b.ID || !slices.Equal(a.Pairs, b.Pairs) {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// MarshalJSON writes a list.
func (s Streams) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.AppendSeq(make([]StreamPlace, 0, s.Len()), s.All()))
}

// UnmarshalJSON reads a list in which no name and no id stands twice.
func (s *Streams) UnmarshalJSON(text []byte) error {
	var places []StreamPlace
	if err := json.Unmarshal(text, &places); err != nil {
		return err
	}
	*s = StreamsOf(places...)
	named := 0
	for _, p := range places {
		if p.ID != 0 {
			named++
		}
	}
	if s.Len() != len(places) || s.byID.count != named {
		return fmt.Errorf("%w: a stream or its id stands twice", ErrPlacement)
	}
	return nil
}
