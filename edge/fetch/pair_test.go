package fetch

import (
	"crypto/tls"
	"testing"
	"time"

	"tandem/edge/upstream"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// Where nodes have names, no other origin than one of theirs is told to whom else to
// send an object: a stranger would have to believe anybody.
func TestOnlyAnOriginOfTheClusterIsToldWhereToSend(t *testing.T) {
	p := &wire.Placement{
		Edges: []wire.Edge{{Name: "edge-1", State: wire.EdgeUp}, {Name: "edge-2", State: wire.EdgeUp, HTTP: "http://edge-2"}},
		Pairs: []wire.Pair{{ID: 1, Low: "edge-1", High: "edge-2"}},
	}
	p.Index()
	view := NewView("edge-1", time.Now)
	view.Swap(p)
	servers := func(at string) []wire.UpstreamServer { return []wire.UpstreamServer{{URL: "https://" + at}} }
	ups, err := upstream.New(upstream.Config{HeadTimeout: time.Second}, upstream.Deps{Nodes: func(string) *tls.Config { return new(tls.Config) }},
		[]wire.Upstream{{Prefix: "/", Servers: servers("a")}, {Prefix: "/ours/", Node: true, Servers: servers("b")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		named    bool
		key, say string
	}{{false, "/x/1.m4s", "http://edge-2"}, {true, "/x/1.m4s", ""}, {true, "/ours/1.m4s", "http://edge-2"}, {true, "/ours/1.m3u8", ""}} {
		f := New(Config{Name: "edge-1", Duplication: DuplicateOrigin, Named: c.named}, Deps{
			Now: time.Now, View: view, Call: call.NewClient("edge-1", wire.Secret{}, nil), Origins: ups,
		})
		if to := f.destination(c.key, &p.Pairs[0]); to != c.say {
			t.Errorf("%+v: told to send to %q", c, to)
		}
	}
}
