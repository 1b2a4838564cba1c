package origin

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// Who pushes, or deletes, is answered when a balancer has said that the edges have heard of
// it; where none says so, all the same.
func TestWhoPushesIsAnsweredWhenTheEdgesHaveHeard(t *testing.T) {
	c := newTown(t)
	lb := c.node(identity.Balancer, "lb-1")
	var heard atomic.Value
	var deaf atomic.Bool
	gate := &rights.Gate{Identity: lb, Rows: rights.OfBalancers}
	balancer := c.listen(gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != wire.PathPushed || deaf.Load() {
			call.RefuseNode(w, http.StatusBadGateway, "unheard", "not every edge has heard it")
			return
		}
		var said call.Pushed
		if call.Read(w, r, &said) && said.At > 0 {
			heard.Store(strings.Join(said.Targets, " "))
		}
		w.WriteHeader(http.StatusNoContent)
	})), lb.Server(identity.ProtocolHTTP))
	points := filepath.Join(t.TempDir(), "points.yaml")
	if err := os.WriteFile(points, []byte("- path: /\n  open: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, _ := c.named(Config{Media: t.TempDir(), Ingest: true, PublishingPoints: points, Balancers: []string{"http://" + balancer}}, Deps{})
	go func() { _ = o.Run(t.Context()) }()
	ask := func(method, path string, want int) {
		t.Helper()
		req, err := http.NewRequest(method, o.url+path, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s %s: %s, want %d", method, path, resp.Status, want)
		}
	}
	for _, row := range []struct {
		method, path string
		want         int
		told         bool
	}{
		{"PUT", "/news/a%20b.ts", 201, true},
		{"PUT", "/news/a%20b.ts", 204, true},
		{"DELETE", "/news/a%20b.ts", 204, true},
		{"DELETE", "/news/a%20b.ts", 404, false},
		{"PUT", "/s/a.ts", 403, false},
	} {
		heard.Store("")
		ask(row.method, row.path, row.want)
		if got := heard.Load().(string); (got == row.path) != row.told {
			t.Errorf("%+v: the edges have heard of %q when it was answered", row, got)
		}
	}
	deaf.Store(true)
	ask("PUT", "/news/1.ts", 201)
	ask("PUT", "/news/2.ts", 201)
}
