package edge

import (
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Who returns or joins holds each version of a live playlist before anybody is given it:
// it delivers nothing yet, but from the next commit on it may, to viewers who have seen
// that version.
func TestALivePlaylistReachesWhoWillDeliver(t *testing.T) {
	for _, state := range []wire.EdgeState{wire.EdgeRecovering, wire.EdgeJoining} {
		t.Run(string(state), func(t *testing.T) {
			o := newOrigin(t)
			airs(o, 10, "1")
			b, edges := startRing(t, 2, o)
			giver := edges[1]
			name := "edge-1"
			edges[0].stop()
			b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
			followed(t, b, giver)
			get(t, giver.url+"/v/x/live.m3u8")
			if state == wire.EdgeJoining {
				name = "edge-3"
				b.change(func(p *wire.Placement) *wire.Placement {
					p.Edges = append(p.Edges, wire.Edge{Name: name, HTTP: "http://127.0.0.1:1", Capacity: 8, State: state, After: "edge-1"})
					return p.Index()
				})
			}
			next := startEdge(t, Config{Name: name, After: "edge-1", Origin: o.URL, Balancers: []string{b.URL}})
			eventually(t, "registered", func() bool {
				e, ok := next.view.Placement().Edge(name)
				return ok && e.HTTP == next.url
			})
			b.state(name, state, ring.AnchorCurrent)
			eventually(t, "ready", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.ready[name] > 0 })
			followed(t, b, giver, next)
			airs(o, 11, "1")
			eventually(t, "a new version", func() bool {
				_, body := get(t, giver.url+"/v/x/live.m3u8")
				return strings.Contains(string(body), "/15.m4s") || strings.Contains(string(body), "\n15.m4s")
			})
			given, _ := giver.store.Peek("/v/x/live.m3u8")
			defer given.Close()
			have, ok := next.store.Peek("/v/x/live.m3u8")
			if !ok {
				t.Fatalf("%s has none", name)
			}
			defer have.Close()
			if have.Meta().ETag != given.Meta().ETag {
				t.Errorf("%s lacks the version that %s gives", name, giver.cfg.Name)
			}
		})
	}
}
