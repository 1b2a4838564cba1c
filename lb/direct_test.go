package lb

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Where it is set, media are fetched from the edge that delivers, by whoever has an
// address for viewers; manifests, keys, other streams and other edges' are carried.
func TestMediaAreFetchedFromTheEdgesWhereItIsSet(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(cfg *Config) { cfg.Redirect = []string{"/film/"} }})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/news/", Pair: 1})
	hour := time.Now().Add(time.Hour)
	film, news := c.token(wire.SessionID{Pair: 1}, "/film/", hour), c.token(wire.SessionID{Pair: 1}, "/news/", hour)
	if resp, _ := c.viewer(nil, film+"/film/a.m4s"); resp.StatusCode != http.StatusOK {
		t.Fatalf("no edge has an address for viewers: %s", resp.Status)
	}
	low := c.member("edge-1")
	const public = "https://e1.example.com"
	low.edge.Public = public
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: low.edge}, http.StatusOK, nil)
	if e, _ := c.lb.Placement().Edge("edge-1"); e.Public != public {
		t.Fatalf("the placement has %q", e.Public)
	}
	for _, row := range []struct{ target, to string }{
		{film + "/film/a.m4s?x=%2F", public + film + "/film/a.m4s?x=%2F"},
		{film + "/film/init.mp4", public + film + "/film/init.mp4"},
		{film + "/film/v.m3u8", ""},
		{film + "/film/k.key", ""},
		{news + "/news/a.m4s", ""},
	} {
		resp, _ := c.viewer(nil, row.target)
		want := http.StatusOK
		if row.to != "" {
			want = http.StatusFound
		}
		if resp.StatusCode != want || resp.Header.Get("Location") != row.to {
			t.Errorf("%s: %s to %q, want %q", row.target, resp.Status, resp.Header.Get("Location"), row.to)
		}
	}
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: "edge-1", Incarnation: 1})
	if resp, _ := c.viewer(nil, film+"/film/a.m4s"); resp.StatusCode != http.StatusOK {
		t.Errorf("its edge is dead, the partner has no address for viewers: %s", resp.Status)
	}
}
