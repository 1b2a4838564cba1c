package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

// two is a placement of two edges, two pairs and two streams.
func two() *Placement {
	p := &Placement{Version: 5, Admission: "failsafe", NextPair: 3, Streams: StreamsOf(StreamPlace{Stream: "/a/", ID: 7, Pairs: []PairID{1}}, StreamPlace{Stream: "/b/", ID: 8, Pairs: []PairID{2}})}
	p.Edges = []Edge{{Name: "e1", Capacity: 8, State: EdgeUp}, {Name: "e2", Capacity: 8, State: EdgeUp}}
	p.Pairs = []Pair{{ID: 1, Low: "e1", High: "e2", Slots: 8, Boundary: 4, Home: 4}, {ID: 2, Low: "e2", High: "e1", Slots: 8, Boundary: 4, Home: 4}}
	return p.Index()
}

func TestADeltaThatDoesNotFitIsRefused(t *testing.T) {
	for name, d := range map[string]PlacementDelta{
		"another version":           {From: 4, To: 6},
		"a stream on no pair":       {From: 5, To: 6, Streams: []StreamPlace{{Stream: "/c/", Pairs: []PairID{9}}}},
		"an id that is taken":       {From: 5, To: 6, Streams: []StreamPlace{{Stream: "/c/", ID: 7, Pairs: []PairID{1}}}},
		"an edge that is told of":   {From: 5, To: 6, Ring: []string{"e1", "e2", "e3"}},
		"a pair of an unknown edge": {From: 5, To: 6, Pairs: []Pair{{ID: 1, Low: "e9", High: "e2", Slots: 8}}},
		"a boundary out of it":      {From: 5, To: 6, Pairs: []Pair{{ID: 1, Low: "e1", High: "e2", Slots: 8, Boundary: 9}}},
		"a pair gone with streams":  {From: 5, To: 6, PairsGone: []PairID{1}},
	} {
		if p, err := d.Apply(two()); !errors.Is(err, ErrDelta) || p != nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	d := PlacementDelta{From: 5, To: 6, StreamsGone: []string{"/a/"}, Streams: []StreamPlace{{Stream: "/c/", ID: 7, Pairs: []PairID{1}}}}
	if p, err := d.Apply(two()); err != nil || p.Version != 6 || p.Streams.Len() != 2 || p.Stream("/a/") != nil {
		t.Errorf("an id that has become free: %v", err)
	}
}

// FuzzDelta: whatever comes, what is taken in makes a valid placement, and the one that
// it was applied to stays as it was.
func FuzzDelta(f *testing.F) {
	for _, d := range []PlacementDelta{
		{From: 5, To: 6, Streams: []StreamPlace{{Stream: "/c/", ID: 9, Pairs: []PairID{1, 2}}}, StreamsGone: []string{"/a/"}},
		{From: 5, To: 9, Ring: []string{"e2", "e1", "e3"}, Edges: []Edge{{Name: "e3", Capacity: 1}}, Pairs: []Pair{{ID: 3, Low: "e3", High: "e2", Slots: 1}}, PairsGone: []PairID{2}, StreamsGone: []string{"/b/"}},
		{From: 5, To: 6, Purges: []Purge{{Seq: 6, Prefix: "/"}}, PurgesFrom: 6, Trust: &Trust{Keys: 1}, Balancers: &[]Balancer{{Name: "lb-1"}}},
	} {
		text, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := DecodeDelta(bytes.NewReader(text))
		if err != nil {
			return
		}
		base := two()
		before, _ := json.Marshal(base)
		p, err := d.Apply(base)
		if after, _ := json.Marshal(base); !bytes.Equal(before, after) {
			t.Fatalf("the placement that it was applied to has changed: %s", after)
		}
		if err != nil {
			return
		}
		whole, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodePlacement(bytes.NewReader(whole)); err != nil {
			t.Fatalf("%s makes %s: %v", text, whole, err)
		}
	})
}
