package edge

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// An origin whose body breaks off, and at the same byte when it is asked for the rest, has no
// more of it: it is asked no third time, and in the next moment by nobody; then it may be whole.
func TestWhatBreaksOffTwiceIsNotAskedForAgainAtOnce(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", "300000")
		_, _ = w.Write(make([]byte, 100_000))
		panic(http.ErrAbortHandler)
	})
	var later atomic.Int64
	began := time.Now()
	e := startEdgeAt(t, Config{Origin: o.URL}, func() time.Time { return began.Add(time.Duration(later.Load())) })
	ask := func(status, asked int) {
		t.Helper()
		resp, err := http.Get(e.url + "/v/1.ts")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.ReadAll(resp.Body); resp.StatusCode != status || (err == nil) != (status != 200) {
			t.Errorf("%s, %v; want %d", resp.Status, err, status)
		}
		eventually(t, "it is over", func() bool { return !e.store.Filling("/v/1.ts") })
		if n := o.count("/v/1.ts"); n != asked {
			t.Errorf("asked %d times, want %d", n, asked)
		}
	}
	ask(http.StatusOK, 2)
	ask(http.StatusBadGateway, 2)
	later.Add(int64(100 * time.Millisecond))
	ask(http.StatusOK, 4)
}
