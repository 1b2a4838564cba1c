package edge

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// What edges died of is asked of no origin for a while, whoever wants it, and what lies beside
// it by viewers alone: ahead of them the next edge would die of it. What is here is given.
func TestWhatEdgesDiedOfIsAskedOfNoOrigin(t *testing.T) {
	o := newOrigin(t)
	var later atomic.Int64
	b := newBalancer(t)
	e := startEdgeAt(t, Config{Origin: o.URL, Balancers: []string{b.URL}}, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
	eventually(t, "registered", func() bool { _, ok := e.view.Placement().Edge("edge-1"); return ok })
	followed(t, b, e)
	get(t, e.url+"/v/x/0.m4s", asNode()...)
	eventually(t, "it is whole", func() bool { return e.store.Has("/v/x/0.m4s") })
	for _, target := range []string{"/v/x/0.m4s", "/s/token/v/x/1.m4s?a=1"} {
		if resp, _ := do(t, http.MethodPost, e.url+wire.PathWaiting, bytes.NewReader([]byte(`{"target":"`+target+`"}`)), append(asNode(), "Content-Type", "application/json")...); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %s", target, resp.Status)
		}
	}
	for target, want := range map[string]int{"/v/x/0.m4s": 200, "/v/x/1.m4s?a=1": 502, "/v/x/1.m4s": 200, "/v/x/2.m4s": 200} {
		if resp, _ := get(t, e.url+target, asNode()...); resp.StatusCode != want || want == 502 && resp.Header.Get(wire.HeaderReason) != wire.ReasonDeadly {
			t.Errorf("%s: %s %v, want %d", target, resp.Status, resp.Header, want)
		}
	}
	if _, err := e.fetch.Fill(t.Context(), "/v/x/3.m4s", 0, e.cfg.query); err == nil || o.count("/v/x/3.m4s") != 0 {
		t.Error("it was asked for ahead of viewers")
	}
	if _, err := e.fetch.Fill(t.Context(), "/v/y/3.m4s", 0, e.cfg.query); err != nil {
		t.Error(err)
	}
	later.Store(int64(call.DeadlyFor))
	if resp, _ := get(t, e.url+"/v/x/1.m4s?a=1", asNode()...); resp.StatusCode != http.StatusOK {
		t.Errorf("later: %s", resp.Status)
	}
	if _, err := e.fetch.Fill(t.Context(), "/v/x/3.m4s", 0, e.cfg.query); err != nil {
		t.Error("later:", err)
	}
}
