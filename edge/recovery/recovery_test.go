package recovery

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// two is a ring of two, and what the other one says that it holds.
type two struct {
	*Copier
	p      *wire.Placement
	holds  []wire.Item
	broken atomic.Bool
	asked  atomic.Int64
	now    time.Time
}

func newTwo(t *testing.T) *two {
	s, err := segstore.Open(t.TempDir(), segstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &two{now: time.Unix(1_800_000_000, 0)}
	neighbour := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		w.asked.Add(1)
		to := json.NewEncoder(out)
		for _, it := range w.holds {
			_ = to.Encode(it)
		}
		if !w.broken.Load() {
			_ = to.Encode(wire.Item{}) // the end
		}
	}))
	t.Cleanup(neighbour.Close)
	by := call.NewClient("a", wire.Secret{}, nil)
	t.Cleanup(by.Close)
	w.p = ring.Form((&wire.Placement{Edges: []wire.Edge{
		{Name: "a", State: wire.EdgeUp, Capacity: 8, Incarnation: 1},
		{Name: "b", State: wire.EdgeUp, Capacity: 8, Incarnation: 1, HTTP: neighbour.URL},
	}}).Index())
	w.Copier = New(Deps{Name: "a", Rate: 1 << 20, Log: zerolog.Nop(), Now: func() time.Time { return w.now }, Store: s, Call: by})
	return w
}

// What a neighbour holds is compared once a life of either, and after a while again; what
// it did not tell to the end is asked for again at once.
func TestWhatANeighbourHoldsIsComparedOnceALife(t *testing.T) {
	w := newTwo(t)
	mine := uint64(1)
	pairs := int64(len(ring.Copies(w.p, "a")))
	for _, step := range []struct {
		what     string
		change   func()
		asks     int64
		complete bool
	}{
		{"the first time", func() {}, pairs, true},
		{"again", func() {}, 0, true},
		{"the neighbour has come back", func() { w.p = ring.Copy(w.p); w.p.Edges[1].Incarnation = 2; w.p.Index() }, pairs, true},
		{"this one has", func() { mine = 2 }, pairs, true},
		{"a while later", func() { w.now = w.now.Add(Every) }, pairs, true},
		{"it breaks off", func() { w.now = w.now.Add(Every); w.broken.Store(true) }, pairs, false},
		{"it does not", func() { w.broken.Store(false) }, pairs, true},
	} {
		step.change()
		before := w.asked.Load()
		if complete := w.All(t.Context(), w.p, mine); complete != step.complete || w.asked.Load()-before != step.asks {
			t.Errorf("%s: complete %v, asked %d times; want %v and %d", step.what, complete, w.asked.Load()-before, step.complete, step.asks)
		}
	}
}

// What is here already, or newer, is left alone.
func TestWhatIsHereOrNewerIsLeftAlone(t *testing.T) {
	w := newTwo(t)
	if err := w.Store.Put("/1.m4s", segstore.Meta{Size: 3, Stored: w.now}, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	view, _ := w.Store.Peek("/1.m4s")
	digest := view.Meta().Digest
	view.Close()
	for _, c := range []struct {
		it   wire.Item
		here bool
	}{
		{wire.Item{Key: "/1.m4s", Digest: digest, Stored: w.now.Add(time.Second).UnixMilli()}, true},
		{wire.Item{Key: "/1.m4s", Digest: "another", Stored: w.now.UnixMilli()}, true},
		{wire.Item{Key: "/1.m4s", Digest: "another", Stored: w.now.Add(time.Second).UnixMilli()}, false},
		{wire.Item{Key: "/2.m4s", Digest: digest}, false},
	} {
		if here := w.Copier.holds(c.it); here != c.here {
			t.Errorf("%+v: %v", c.it, here)
		}
	}
}

// The hottest comes first, then what was used last; and no more than the rate goes.
func TestTheHottestComesFirstAtTheRate(t *testing.T) {
	items := []wire.Item{{Key: "/d"}, {Key: "/c", Used: 1}, {Key: "/b", Used: 2}, {Key: "/a", Hits: 1}, {Key: "/e", Hits: 9}}
	slices.SortFunc(items, func(a, b wire.Item) int {
		if hotter(a, b) {
			return -1
		}
		return 1
	})
	order := ""
	for _, it := range items {
		order += it.Key
	}
	if order != "/e/a/b/c/d" {
		t.Error(order)
	}
	synctest.Test(t, func(t *testing.T) {
		began, p := time.Now(), newPace(100)
		for range 4 {
			p.wait(t.Context(), 50)
		}
		if took := time.Since(began); took != 1500*time.Millisecond { // the last one's bytes go then
			t.Errorf("150 bytes before the last went in %s", took)
		}
	})
}

// Somebody waits for an edge's copy that returns, joins, or is the heir of one that goes.
func TestWhoseCopyIsWaitedFor(t *testing.T) {
	p := &wire.Placement{}
	for _, name := range []string{"a", "b", "c", "d"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, State: wire.EdgeUp, Capacity: 8})
	}
	p = ring.Form(p.Index())
	for what, c := range map[string]struct {
		change func(p *wire.Placement)
		due    string
	}{
		"all is well":  {func(*wire.Placement) {}, ""},
		"it returns":   {func(p *wire.Placement) { p.Edges[1].State = wire.EdgeRecovering }, "b"},
		"it joins":     {func(p *wire.Placement) { p.Edges[1].State = wire.EdgeJoining }, "b"},
		"it is down":   {func(p *wire.Placement) { p.Edges[1].State = wire.EdgeDown }, ""},
		"one leaves":   {func(p *wire.Placement) { p.Edges[1].State = wire.EdgeLeaving }, "ac"},
		"one is taken": {func(p *wire.Placement) { p.Edges[1].Removing = true }, "ac"},
	} {
		next := ring.Copy(p)
		c.change(next)
		due := ""
		for _, e := range next.Index().Edges {
			if Due(next, e.Name) {
				due += e.Name
			}
		}
		if due != c.due || Due(next, "nobody") {
			t.Errorf("%s: %q, want %q", what, due, c.due)
		}
	}
}

// A report's names are bounded; those that are placed come first.
func TestStreamsThatArePlacedAreToldFirst(t *testing.T) {
	w := newTwo(t)
	w.p = ring.Copy(w.p)
	w.p.Streams = w.p.Streams.With(wire.StreamPlace{Stream: "/z/", Pairs: []wire.PairID{1}})
	for _, stream := range []string{"/a/", "/z/"} {
		if err := w.Store.Put(segstore.Key(stream+"1.m4s"), segstore.Meta{Size: 1, Stream: stream}, strings.NewReader("1")); err != nil {
			t.Fatal(err)
		}
	}
	if list := Stored(w.Store, w.p.Index(), MaxStreams); !slices.Equal(list, []string{"/a/", "/z/"}) {
		t.Errorf("%q", list)
	}
	if list := Stored(w.Store, w.p, 3); !slices.Equal(list, []string{"/z/"}) {
		t.Errorf("%q where there is room for one", list)
	}
}
