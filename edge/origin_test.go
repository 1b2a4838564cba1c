package edge

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// testOrigin serves bytes made from the path, and counts.
type testOrigin struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
	serve func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func bodyOf(path string, size int) []byte {
	seed := sha256.Sum256([]byte(path))
	b := make([]byte, size)
	r := rand.NewChaCha8(seed)
	_, _ = r.Read(b)
	return b
}

const segmentSize = 300_000

func newOrigin(t *testing.T) *testOrigin {
	o := &testOrigin{asked: map[string]int{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked[r.URL.Path]++
		serve := o.serve
		o.mu.Unlock()
		if serve != nil && serve(w, r) {
			return
		}
		w.Header().Set("Content-Type", "video/iso.segment")
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(r.URL.Path)))[:20]+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bodyOf(r.URL.Path, segmentSize)))
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *testOrigin) count(path string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[path]
}

func (o *testOrigin) handle(f func(w http.ResponseWriter, r *http.Request) bool) {
	o.mu.Lock()
	o.serve = f
	o.mu.Unlock()
}
