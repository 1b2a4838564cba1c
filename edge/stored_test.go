package edge

import (
	"slices"
	"testing"

	"tandem/internal/wire"
)

// An edge says which streams its store holds, not which ones the placement wishes: it
// holds none before it has got anything, and after a purge.
func TestWhatIsStoredIsToldByTheStore(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 2, o)
	b.place("/v/y/", 2)
	followed(t, b, edges...)
	says := func(want ...string) {
		t.Helper()
		for _, e := range edges {
			eventually(t, "it says what it holds", func() bool {
				r := e.member.Report(true)
				return r.Streams != nil && slices.Equal(r.Streams, want)
			})
		}
	}
	says()
	get(t, edges[0].url+"/v/x/1.m4s")
	says("/v/x/")
	get(t, edges[1].url+"/v/y/1.m4s")
	get(t, edges[1].url+"/elsewhere/1.m4s") // of no stream
	says("/v/x/", "/v/y/")
	edges[0].fetch.Purge(wire.Purge{Prefix: "/v/x/1.m4s", Exact: true})
	edges[1].fetch.Purge(wire.Purge{Prefix: "/v/x/"})
	says("/v/y/")
	for _, e := range edges {
		e.fetch.Purge(wire.Purge{Prefix: "/"})
	}
	says()
}
