package placement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestWhatHasChangedMakesTheOldOneTheNewOne: whatever was carried out since, a placement
// of any time before and what has changed since, over the wire, are the present one.
func TestWhatHasChangedMakesTheOldOneTheNewOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
		state := NewState()
		var c Changes
		c.Follow(state.Placement(), "")
		var past []*wire.Placement
		for i := range rapid.IntRange(1, 60).Draw(t, "commands") {
			past = append(past, state.Placement())
			b, err := func() ([]byte, error) { c := random(state, draw); return c.Encode() }()
			if err != nil {
				t.Fatal(err)
			}
			state.Apply(uint64(i+1), b)
			c.Follow(state.Placement(), "")
			old := past[draw("since", len(past))]
			was := text(t, old)
			d := overTheWire(t, c.Since(old.Version))
			next, err := d.Apply(old)
			if err != nil {
				t.Fatalf("%s: %v", b, err)
			}
			if next.Version != state.Placement().Version || text(t, next) != text(t, state.Placement()) {
				t.Fatalf("%s: by what has changed since %d\n%s\nis\n%s", b, old.Version, text(t, next), text(t, state.Placement()))
			}
			if text(t, old) != was {
				t.Fatal("the old one has changed by it")
			}
			if i > 0 && old != past[0] {
				if _, err := d.Apply(past[0]); err == nil {
					t.Fatal("it was applied to another version")
				}
			}
		}
	})
}

// TestWhatIsGoneIsToldToo: streams, pairs and edges that are no more, purges and balancers,
// from every version on.
func TestWhatIsGoneIsToldToo(t *testing.T) {
	s := four(t)
	var c Changes
	c.Follow(s.state.Placement(), "")
	past := []*wire.Placement{s.state.Placement()}
	for _, command := range []Command{
		{Kind: Place, Stream: "/a/", Pair: 1},
		{Kind: Place, Stream: "/b/", Pair: 2},
		{Kind: Unplace, Stream: "/a/"},
		{Kind: Purge, Purge: &wire.Purge{Prefix: "/a/"}},
		{Kind: Purge, Purge: &wire.Purge{Prefix: "/b/"}},
		{Kind: Balancer, Balancer: &wire.Balancer{Name: "lb-1"}},
		{Kind: BalancerGone, Name: "lb-1"},
		{Kind: Remove, Name: "e2"},
		{Kind: Left, Name: "e2", Version: 1 << 40},
		{Kind: Settle, Loads: []ring.Load{{Pair: 2}}},
		{Kind: Configure, Admission: ring.PairAdmission},
	} {
		s.must(command)
		c.Follow(s.state.Placement(), "")
		past = append(past, s.state.Placement())
		for _, old := range past[:len(past)-1] {
			next, err := overTheWire(t, c.Since(old.Version)).Apply(old)
			if err != nil {
				t.Fatalf("%s, from version %d: %v", command.Kind, old.Version, err)
			}
			if text(t, next) != text(t, s.state.Placement()) {
				t.Errorf("%s: by what has changed since %d\n%s\nis\n%s", command.Kind, old.Version, text(t, next), text(t, s.state.Placement()))
			}
		}
	}
	if p := s.state.Placement(); len(p.Edges) != 3 || len(p.Pairs) != 3 || p.Stream("/a/") != nil {
		t.Fatalf("nothing is gone: %+v", p)
	}
}

func overTheWire(t failer, d *wire.PlacementDelta) *wire.PlacementDelta {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	read, err := wire.DecodeDelta(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// Who is too far behind, or comes from a time before a snapshot, gets the whole; and
// what is remembered is bounded.
func TestChangesAreRememberedForAWhile(t *testing.T) {
	s := four(t)
	var c Changes
	c.Follow(s.state.Placement(), "")
	first := s.state.Placement().Version
	if d := c.Since(first); d != nil {
		t.Fatalf("nothing has changed: %+v", d)
	}
	for i := range keepChanges + 10 {
		s.do(Command{Kind: Place, Stream: fmt.Sprintf("/%d/", i%50), Pair: 1})
		c.Follow(s.state.Placement(), "")
	}
	if len(c.log) != keepChanges || c.Since(first) != nil || c.Since(c.log[0].from-1) != nil {
		t.Fatalf("%d versions from %d on", len(c.log), c.log[0].from)
	}
	if d := c.Since(c.log[0].from); d == nil || d.To != s.state.Placement().Version {
		t.Fatalf("%+v", d)
	}
	older := *s.state.Placement()
	older.Version = 1
	c.Follow(&older, "")
	if len(c.log) != 0 || c.Since(first) != nil {
		t.Fatal("what was before a snapshot is still told")
	}
}

// placed is one more stream among a hundred thousand, as an edge comes to know of
// it: command, what has changed, its text, and taking it in.
func placed(t testing.TB, state *State, c *Changes, edge *wire.Placement, i int) (*wire.Placement, int) {
	command := Command{Kind: Place, Stream: fmt.Sprintf("/vod/library-%03d/new-%d/", i%100, i), Pair: wire.PairID(1 + i%4), At: int64(i)}
	log, err := command.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if r := state.Apply(state.Placement().Version+1, log); !r.Changed {
		state.Apply(state.Placement().Version+1, unplaceAll(t, state)) // the placement is full
	}
	c.Follow(state.Placement(), "")
	text, err := json.Marshal(c.Since(edge.Version))
	if err != nil {
		t.Fatal(err)
	}
	d, err := wire.DecodeDelta(bytes.NewReader(text))
	if err == nil {
		edge, err = d.Apply(edge)
	}
	if err != nil {
		t.Fatal(err)
	}
	return edge, len(text)
}

// TestAPlacedStreamCostsEachEdgeLittle: under a kilobyte to each edge, and no memory
// that grows with the streams that are there.
func TestAPlacedStreamCostsEachEdgeLittle(t *testing.T) {
	state, c := crowded(t)
	edge, largest := state.Placement(), 0
	const times = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		var size int
		edge, size = placed(t, state, c, edge, i)
		largest = max(largest, size)
	}
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / times
	t.Logf("%d bytes of memory a stream, at most %d to each edge", each, largest)
	if each > 128<<10 || largest == 0 || largest > 1024 {
		t.Errorf("%d bytes of memory a stream, %d to each edge; want under 128 KB and a kilobyte", each, largest)
	}
	if text(t, edge) != text(t, state.Placement()) {
		t.Error("the edge has another placement")
	}
}

// BenchmarkAPlacedStreamAtAnEdge is what it costs an edge, among a hundred thousand.
func BenchmarkAPlacedStreamAtAnEdge(b *testing.B) {
	state, c := crowded(b)
	edge := state.Placement()
	for i := 0; b.Loop(); i++ {
		edge, _ = placed(b, state, c, edge, i)
	}
}

// crowded is a state with nearly as many streams as there may be.
func crowded(t testing.TB) (*State, *Changes) {
	s := four(t)
	streams := s.state.Placement().Streams
	var places []wire.StreamPlace
	for one := range streams.All() {
		places = append(places, one)
	}
	for i := range MaxStreams - 1000 {
		places = append(places, wire.StreamPlace{Stream: fmt.Sprintf("/vod/library-%03d/title-%07d/", i%100, i), Pairs: []wire.PairID{wire.PairID(1 + i%4)}})
	}
	p := *s.state.Placement()
	p.Streams = wire.StreamsOf(places...)
	state := NewState()
	state.placement = &p
	c := new(Changes)
	c.Follow(&p, "")
	return state, c
}

// unplaceAll takes a thousand streams off again.
func unplaceAll(t testing.TB, s *State) []byte {
	c := Command{Kind: Unplace}
	for one := range s.Placement().Streams.All() {
		if c.Streams = append(c.Streams, one.Stream); len(c.Streams) == 1000 {
			break
		}
	}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
