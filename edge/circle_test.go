package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"tandem/internal/ring"
)

// A stream on every pair of a ring: of each edge a viewer asks for the same at once, each in
// the pair whose other member asks the origin. They don't wait for each other in a circle.
func TestEdgesDoNotWaitForEachOtherInACircle(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.m4s\n")
		return true
	})
	b, edges := startRing(t, 4, o)
	b.place("/v/x/", 1, 2, 3, 4)
	followed(t, b, edges...)
	p := edges[0].view.Placement()
	for i := range 20 {
		key := fmt.Sprintf("/v/x/%d.m3u8", i)
		var asked sync.WaitGroup
		begin := make(chan struct{})
		for j := range p.Pairs {
			q := &p.Pairs[j]
			_, asks := ring.Filler(p, q, key)
			e := edges[0]
			for _, one := range edges {
				if one.cfg.Name == asks {
					e = one
				}
			}
			asked.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				<-begin
				if _, err := e.fetch.Fill(ctx, key, q.ID, e.cfg.query); err != nil {
					t.Errorf("%s: %s waited for %s: %v", key, asks, q.Low, err)
				}
			})
		}
		close(begin)
		if asked.Wait(); t.Failed() {
			return
		}
	}
}
