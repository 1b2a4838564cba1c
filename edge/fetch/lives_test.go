package fetch

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/manifest"
	"tandem/internal/media"
	"tandem/segstore"
)

// A manifest whose address is signed anew with each reload is kept back like any other one;
// two channels that a query tells apart are two, whatever names their segments have.
func TestNothingGoesBackAtAnAddressThatIsSignedAnew(t *testing.T) {
	store, err := segstore.Open(t.TempDir(), segstore.Options{MaxBytes: 1 << 20, Now: time.Now, Logger: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	manifests := manifest.New(manifest.Config{Limit: 1 << 20, Memory: 1 << 20}, manifest.Deps{Logger: zerolog.Nop(), Store: store, Origin: func(string) *media.Origin { return media.Unnamed() }})
	l := lives{manifests: manifests, now: time.Now, steppedBack: new(atomic.Int64), known: map[string]life{}}
	ask := func(key string, first int) (back bool) {
		body := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
		for i := first; i < first+3; i++ {
			body += fmt.Sprintf("#EXTINF:4,\n%d.ts\n", i)
		}
		e := manifests.Parse(key, &segstore.Meta{Stored: time.Now()}, []byte(body))
		if back = l.keptBack(key, e, false) != nil; !back {
			l.given(key, e)
		}
		return back
	}
	for i, first := range []int{10, 9, 11, 8} {
		key := fmt.Sprint("/b.m3u8?sig=", i)
		manifests.Redirects.Note("/a.m3u8", key)
		if back := ask(key, first); back != (i%2 == 1) {
			t.Errorf("%s, which begins with %d: kept back %v", key, first, back)
		}
		if key := fmt.Sprint("/c.m3u8?ch=", i); ask(key, first) {
			t.Errorf("%s is taken for another channel", key)
		}
	}
}
