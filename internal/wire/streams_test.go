package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestStreamsAgreeWithAModel: any sequence of changes, by a map beside it; values of
// before stay as they were.
func TestStreamsAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[string]StreamPlace{}
		var s Streams
		for i := range rapid.IntRange(0, 3*mostInPart).Draw(t, "at first") {
			p := StreamPlace{Stream: fmt.Sprintf("/%04d/", i*7919%5000), ID: uint64(1 + i*104729%9973), Pairs: []PairID{1}}
			s, model[p.Stream] = s.With(p), p
		}
		before, shown := s, fmt.Sprint(slices.Collect(s.All()))
		changed := map[string]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "changes") {
			p := StreamPlace{Stream: fmt.Sprintf("/%04d/", rapid.IntRange(0, 4999).Draw(t, "name")), Pairs: []PairID{PairID(rapid.IntRange(1, 9).Draw(t, "pair"))}}
			p.ID = 10_000 + uint64(rapid.IntRange(0, 1).Draw(t, "id"))*uint64(p.Stream[1])*1000 + uint64(p.Stream[4])
			if old := ""; rapid.Bool().Draw(t, "out") {
				s = s.Without(p.Stream)
				delete(model, p.Stream)
			} else if old, _ = s.byID.get(p.ID); old == "" || old == p.Stream { // ids are unique
				s, model[p.Stream] = s.With(p), p
			}
			changed[p.Stream] = true
		}
		want := make([]StreamPlace, 0, len(model))
		for _, p := range model {
			want = append(want, p)
		}
		slices.SortFunc(want, func(a, b StreamPlace) int { return strings.Compare(a.Stream, b.Stream) })
		if got := fmt.Sprint(slices.Collect(s.All())); got != fmt.Sprint(want) || s.Len() != len(want) {
			t.Fatalf("%d streams %s\nwant %d %v", s.Len(), got, len(want), want)
		}
		p := Placement{Streams: s}
		for _, one := range want {
			name, ok := p.StreamBy(one.ID)
			if fmt.Sprint(p.Stream(one.Stream)) != fmt.Sprint(one.Pairs) || p.StreamID(one.Stream) != one.ID || !ok || name != one.Stream {
				t.Fatalf("%v is %v, by its id %q", one, p.Stream(one.Stream), name)
			}
		}
		if s.byID.count != len(want) {
			t.Fatalf("%d ids of %d streams", s.byID.count, len(want))
		}
		if fmt.Sprint(slices.Collect(before.All())) != shown {
			t.Fatal("a value changed by what was made from it")
		}
		changes(t, before, s, changed)
		text, err := json.Marshal(s)
		var read Streams
		if err == nil {
			err = json.Unmarshal(text, &read)
		}
		if err != nil || fmt.Sprint(slices.Collect(read.All())) != fmt.Sprint(want) {
			t.Fatalf("%v: %s", err, text)
		}
	})
}

// changes: Changed tells what differs and nothing else, of the names that were touched.
func changes(t *rapid.T, before, after Streams, touched map[string]bool) {
	differs := func(name string) bool {
		was, _ := before.Get(name)
		now, _ := after.Get(name)
		return fmt.Sprint(was) != fmt.Sprint(now)
	}
	for _, name := range before.Changed(after) {
		if !touched[name] || !differs(name) {
			t.Fatalf("%s has not changed", name)
		}
		delete(touched, name)
	}
	for name := range touched {
		if differs(name) {
			t.Fatalf("%s has changed unnoticed", name)
		}
	}
}

func TestStreamsThatStandTwiceAreRefused(t *testing.T) {
	for _, text := range []string{
		`[{"stream":"/a/","pairs":[1]},{"stream":"/a/","pairs":[2]}]`,
		`[{"stream":"/a/","id":7,"pairs":[1]},{"stream":"/b/","id":7,"pairs":[2]}]`,
	} {
		var s Streams
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s is %v", text, slices.Collect(s.All()))
		}
	}
}

// many are so many streams with names as long as real ones.
func many(n int) Streams {
	var places []StreamPlace
	for i := range n {
		places = append(places, StreamPlace{Stream: fmt.Sprintf("/vod/library-%03d/title-%07d/", i%100, i), ID: uint64(i)*0x9E3779B97F4A7C15 + 1, Pairs: []PairID{PairID(i % 64)}})
	}
	return StreamsOf(places...)
}

// TestPlacingOneOfManyCostsWhatOneCosts: far under a millisecond and without copying
// the others, however many there are.
func TestPlacingOneOfManyCostsWhatOneCosts(t *testing.T) {
	s := many(100_000)
	place := StreamPlace{Stream: "/vod/library-050/new/", ID: 12345, Pairs: []PairID{1}}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			s.With(place)
		}
	})
	if took := time.Duration(r.NsPerOp()); took > time.Millisecond || r.AllocedBytesPerOp() > 128<<10 {
		t.Errorf("%v and %d bytes", took, r.AllocedBytesPerOp())
	}
	t.Logf("%v", r)
}

func BenchmarkStreamByID(b *testing.B) {
	s := many(100_000)
	p := Placement{Streams: s}
	for i := range b.N {
		if _, ok := p.StreamBy(uint64(i%100_000)*0x9E3779B97F4A7C15 + 1); !ok {
			b.Fatal(i)
		}
	}
}

func BenchmarkStreamByName(b *testing.B) {
	p := Placement{Streams: many(100_000)}
	for range b.N {
		if p.Stream("/vod/library-077/title-0012377/") == nil {
			b.Fatal()
		}
	}
}
