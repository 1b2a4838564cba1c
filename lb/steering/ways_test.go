package steering

import (
	"strings"
	"testing"

	"tandem/internal/media"
	"tandem/internal/wire"
)

// The order of a session's ways is that of the placement, in every state of its edges.
func TestWaysAreInTheOrderOfThePlacement(t *testing.T) {
	const url1, url2 = "http://e1", "http://e2"
	for _, row := range []struct {
		name            string
		url1, url2      string
		state1          wire.EdgeState
		slot            int
		suspected       string
		adopted         []wire.Adoption
		gone, elsewhere bool
		want, first     string
	}{
		{name: "the low member delivers", url1: url1, url2: url2, state1: wire.EdgeUp, want: "e1 e2 . front-1", first: "e1"},
		{name: "the high one does", url1: url1, url2: url2, state1: wire.EdgeUp, slot: 7, want: "e2 e1 . front-1", first: "e2"},
		{name: "the low one is suspected", url1: url1, url2: url2, state1: wire.EdgeUp, suspected: "e1", want: "e2 . front-1 e1", first: "e2"},
		{name: "the low one is dead", url1: url1, url2: url2, state1: wire.EdgeDown, want: "e2 . front-1 e1", first: "e2"},
		{name: "the low one is drained", url1: url1, url2: url2, state1: wire.EdgeDraining, want: "e2 e1 . front-1", first: "e2"},
		{name: "viewers can't call who delivers", url2: url2, state1: wire.EdgeUp, want: ". front-1 e2", first: "."},
		{name: "viewers can't call the other one", url1: url1, state1: wire.EdgeUp, want: "e1 . front-1", first: "e1"},
		{name: "it was given to an edge of no pair of its", url1: url1, url2: url2, state1: wire.EdgeDown, adopted: []wire.Adoption{{Edge: "e3", From: 0, To: 8}}, want: ". front-1 e2 e1", first: "."},
		{name: "it has another place now", url1: url1, url2: url2, state1: wire.EdgeUp, elsewhere: true, want: ". front-1 e1 e2", first: "."},
		{name: "its pair has ended", url1: url1, url2: url2, state1: wire.EdgeUp, gone: true, want: ". front-1", first: "."},
	} {
		pair := wire.Pair{ID: 1, Low: "e1", High: "e2", Slots: 8, Boundary: 4, Home: 4, Adopted: row.adopted}
		if row.state1 != wire.EdgeUp {
			pair.Boundary = 0
		}
		p := (&wire.Placement{
			Edges: []wire.Edge{{Name: "e1", State: row.state1, Public: row.url1}, {Name: "e2", State: wire.EdgeUp, Public: row.url2}, {Name: "e3", State: wire.EdgeUp, Public: "http://e3"}},
			Pairs: []wire.Pair{pair},
		}).Index()
		s := Session{Token: "TOK", Placement: p, Pair: &pair, Slot: row.slot, Elsewhere: row.elsewhere, Suspected: func(edge string) bool { return edge == row.suspected }}
		if row.gone {
			s.Pair = nil
		}
		c := Config{Fronts: []string{"http://lb"}}
		o, good, detour := c.ways(s, "/m.mpd")
		got := strings.Join(media.SteeringList(&o, good, detour, 5).Priority, " ")
		if got != row.want || o.First != row.first || o.Server != "/s/TOK" {
			t.Errorf("%s: %q from %q (%s), want %q from %q", row.name, got, o.First, o.Server, row.want, row.first)
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for want, c := range map[string]Config{"--steering:": {Streams: []string{"live/"}}, "--steering-fronts": {Fronts: []string{"https://lb/path"}}} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := Config{Streams: []string{"/"}, Fronts: []string{"https://lb-1/", "https://lb-2"}}
	if err := c.Validate(); err != nil || c.fronts()[0] != (media.Pathway{ID: "front-1", Base: "https://lb-1"}) || len(c.fronts()) != 2 {
		t.Errorf("%v %v", err, c.fronts())
	}
}
