package systest

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/cluster"
)

// As many viewers as there are places, all in the same moment: each gets one.
// The balancer's figures are a moment old, and nobody is sent away by them.
func TestABurstFillsTheClusterToTheLastPlace(t *testing.T) {
	h := start(t, "--capacity", "8")
	codes := make(chan int, 24)
	for range 24 {
		go func() { codes <- knock(h) }()
	}
	count := map[int]int{}
	for range 24 {
		count[<-codes]++
	}
	if count[http.StatusFound] != 24 {
		t.Errorf("24 places, 24 viewers at once: %v; want 302 for each", count)
	}
	// One more would have the place of one who has asked for nothing since.
	h.Await("6 each", 10*time.Second, delivering(map[string]int{"edge-1": 6, "edge-2": 6, "edge-3": 6, "edge-4": 6}))
}

// knock asks for the entry as a viewer of its own, and returns the status; 0: no answer.
func knock(h *cluster.Harness) int {
	f := h.File()
	req, err := http.NewRequest(http.MethodGet, f.Viewers[0]+stored, nil)
	if err != nil {
		return 0
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
