package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

// A node serves from its own edge what the tables give that edge, and only
// that; what the edge refuses goes the balancer's way.
func TestANodeServesItsOwnSessionsWithoutAHop(t *testing.T) {
	keys := new(wire.KeyRing)
	keys.Take(wire.Keys{Version: 1, Tokens: wire.KeySet{Sealing: 1, Keys: []wire.Key{{ID: 1, Secret: make([]byte, wire.KeySize)}}}})
	now := time.Unix(1_700_000_000, 0)
	p := (&wire.Placement{
		Edges:   []wire.Edge{{Name: "node-1", State: wire.EdgeUp}, {Name: "node-2", State: wire.EdgeUp}},
		Pairs:   []wire.Pair{{ID: 7, Low: "node-1", High: "node-2", Slots: 8, Boundary: 4, Home: 4}},
		Streams: wire.StreamsOf(wire.StreamPlace{Stream: "/steered/", ID: 9}),
	}).Index()
	path := func(slot int) string {
		token, ok := keys.Seal(wire.Token{SessionID: wire.SessionID{Pair: 7, Slot: slot}, Stream: 9, Expires: now.Unix() + 60})
		if !ok {
			t.Fatal("no token")
		}
		return wire.SessionPrefix + token + "/film/seg1.m4s"
	}
	refuses := false
	s := &LocalEdge{
		Name: "node-1", Keys: keys, Placement: func() *wire.Placement { return p }, Now: func() time.Time { return now },
		Edge: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(wire.HeaderAuth) != "" {
				t.Error("a viewer's internal header reached the edge")
			}
			if refuses {
				http.Error(w, "draining", http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, "edge")
		}),
		Balanced: func(stream, rest string) bool { return stream == "/steered/" && rest == "/film/master.m3u8" },
		Balancer: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "balancer") }),
	}
	for _, row := range []struct {
		name, method, path string
		refuses            bool
		want               string
	}{
		{"own session", "GET", path(1), false, "edge"},
		{"the other member's session", "GET", path(6), false, "balancer"},
		{"own session, the edge refuses", "GET", path(1), true, "balancer"},
		{"what the balancer adds to", "GET", strings.Replace(path(1), "seg1.m4s", "master.m3u8", 1), false, "balancer"},
		{"an opening", "GET", "/film/master.m3u8", false, "balancer"},
		{"a foreign token", "GET", "/s/AAAA/film/seg1.m4s", false, "balancer"},
		{"another method", "POST", path(1), false, "balancer"},
	} {
		refuses = row.refuses
		r := httptest.NewRequest(row.method, row.path, nil)
		r.Header.Set(wire.HeaderAuth, "guessed")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.String() != row.want {
			t.Errorf("%s: %d %q, want %q", row.name, w.Code, w.Body.String(), row.want)
		}
	}
}
