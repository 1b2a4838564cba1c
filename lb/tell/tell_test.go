package tell

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// All edges that are not down hear it, and one that does not is no success.
func TestAllEdgesHear(t *testing.T) {
	heard := make(chan string, 10)
	edge := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var said call.Pushed
			if call.Read(w, r, &said) {
				heard <- r.URL.Path + " " + strings.Join(said.Targets, " ")
				w.WriteHeader(status)
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	secret, err := wire.NewSecret("a secret that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	client := call.NewClient("lb-1", secret, nil)
	t.Cleanup(client.Close)
	p := &wire.Placement{Edges: []wire.Edge{
		{Name: "edge-1", State: wire.EdgeUp, HTTP: edge(http.StatusNoContent)},
		{Name: "edge-2", State: wire.EdgeDown, HTTP: "http://127.0.0.1:1"},
		{Name: "edge-3", State: wire.EdgeDraining, HTTP: edge(http.StatusNoContent)},
	}}
	for _, want := range []int{http.StatusNoContent, http.StatusBadGateway} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, wire.PathPushed, strings.NewReader(`{"at":1,"targets":["/a"]}`))
		r.Header.Set("Content-Type", "application/json")
		Pushed(w, r, client, p)
		if w.Code != want || len(heard) != 2 || <-heard+<-heard != wire.PathPushed+" /a"+wire.PathPushed+" /a" {
			t.Errorf("%d, want %d: %s", w.Code, want, w.Body)
		}
		p.Edges = append(p.Edges, wire.Edge{Name: "edge-4", State: wire.EdgeUp, HTTP: "http://127.0.0.1:1"})
	}
}
