package call

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"tandem/internal/wire"
)

// A node's certificate is a new one while a request is under way on a connection that
// shows the old one: whoever asks afterwards shows the new one.
func TestConnectionsOfBeforeAreNotUsedAgain(t *testing.T) {
	var mu sync.Mutex
	from := map[string]string{} // by path: who asked
	came, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from[r.URL.Path] = r.RemoteAddr
		mu.Unlock()
		if r.URL.Path == "/long" {
			close(came)
			<-release
		}
	}))
	defer server.Close()
	client := NewClient("edge-1", wire.Secret{}, nil)
	ask := func(path string) {
		if err := client.Ask(t.Context(), http.MethodGet, server.URL+path, nil, nil); err != nil {
			t.Error(err)
		}
	}
	var under sync.WaitGroup
	under.Go(func() { ask("/long") })
	<-came
	client.Close()
	ask("/short") // net/http keeps what comes back from then on
	close(release)
	under.Wait()
	ask("/a")
	ask("/b")
	if old := from["/long"]; from["/a"] == old || from["/b"] == old || from["/a"] != from["/short"] {
		t.Errorf("who asked: %v", from)
	}
}
