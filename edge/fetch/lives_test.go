package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/manifest"
	"tandem/internal/media"
	"tandem/segstore"
)

// newReader is a fetcher of manifests, and of nothing else.
func newReader(t *testing.T) *Fetcher {
	t.Helper()
	store, err := segstore.Open(t.TempDir(), segstore.Options{MaxBytes: 1 << 20, Now: time.Now, Logger: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	m := manifest.New(manifest.Config{Limit: 1 << 20, Memory: 1 << 20}, manifest.Deps{Logger: zerolog.Nop(), Store: store, Origin: func(string) *media.Origin { return media.Unnamed() }})
	return &Fetcher{
		cfg: Config{ManifestLimit: 1 << 20, OriginTimeout: time.Minute}, now: time.Now, store: store, manifests: m,
		lives: lives{manifests: m, now: time.Now, steppedBack: new(atomic.Int64), known: map[string]life{}},
	}
}

// list is a live playlist of three segments.
func list(first int) string {
	body := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := first; i < first+3; i++ {
		body += fmt.Sprintf("#EXTINF:4,\n%d.ts\n", i)
	}
	return body
}

// A manifest whose address is signed anew with each reload is kept back like any other one;
// two channels that a query tells apart are two, whatever names their segments have.
func TestNothingGoesBackAtAnAddressThatIsSignedAnew(t *testing.T) {
	f := newReader(t)
	manifests, l := f.manifests, &f.lives
	ask := func(key string, first int) (back bool) {
		e := manifests.Parse(key, &segstore.Meta{Stored: time.Now()}, []byte(list(first)))
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

// What is given in place of an older version that a neighbour had is not judged by the
// neighbour's digest.
func TestWhatIsGivenInPlaceOfANeighboursIsWhole(t *testing.T) {
	f := newReader(t)
	get := func(sig int, first int) []byte {
		t.Helper()
		key, body := fmt.Sprint("/b.m3u8?sig=", sig), list(first)
		f.manifests.Redirects.Note("/a.m3u8", key)
		sum := sha256.Sum256([]byte(body))
		a := &answer{
			from: "edge-2", resp: &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))},
			meta: segstore.Meta{Status: http.StatusOK, Size: int64(len(body)), Digest: hex.EncodeToString(sum[:]), Stored: time.Now(), ContentType: "application/vnd.apple.mpegurl"},
		}
		view, _, err := f.store.Get(t.Context(), key, func(ctx context.Context, sink *segstore.Sink) error {
			return f.fillManifest(ctx, sink, fetchRequest{key: key}, a, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer view.Close()
		got := make([]byte, len(body))
		if _, _, err := view.Wait(t.Context(), int64(len(body)-1)); err != nil {
			t.Fatal(err)
		}
		if _, err := view.Digest(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := view.ReadAt(got, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return got[:n]
	}
	get(1, 11)
	if got := get(2, 10); string(got) != list(11) {
		t.Errorf("%q", got)
	}
}
