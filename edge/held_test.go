package edge

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/edge/manifest"
	"tandem/segstore"
)

// slowly is a viewer who takes some bytes, and others come and go before it takes more.
type slowly struct {
	*httptest.ResponseRecorder
	meanwhile func()
}

func (w *slowly) Write(p []byte) (int, error) {
	w.meanwhile()
	return w.ResponseRecorder.Write(p)
}

// A version that has left is sent on while there is room for such, and ends visibly
// where there is none.
func TestVersionThatHasLeftIsSentWhileThereIsRoom(t *testing.T) {
	e := startEdge(t, Config{Origin: newOrigin(t).URL, ManifestLimit: 1 << 20})
	n := int64(0)
	next := func() *manifest.Entry {
		n++
		entry := e.manifests.Parse("/live.m3u8", &segstore.Meta{Stored: time.Unix(n, 0)}, []byte("#EXTM3U\n#EXTINF:2,\n/x/1.ts\n"+strings.Repeat("#\n", 3*(256<<10)/2)))
		e.manifests.Keep(entry)
		e.manifests.Hold(entry)
		return entry
	}
	for _, c := range []struct {
		versions int // that come, and are held, at each piece
		want     error
	}{{1, nil}, {20, manifest.ErrLeft}} {
		var held []*manifest.Entry
		entry := next()
		for _, body := range [][]byte{entry.Led(), nil} {
			f := form{entry: entry, prefix: entry.Prefix("/s/x"), body: body}
			size := entry.Edits().Size(f.prefix)
			w := &slowly{ResponseRecorder: httptest.NewRecorder(), meanwhile: func() {
				for len(held) < c.versions {
					held = append(held, next())
				}
			}}
			sent, err := f.send(w, 0, size-1)
			if !errors.Is(err, c.want) || (err == nil) != (sent == size) || sent == 0 && body != nil {
				t.Errorf("%d versions come meanwhile: %d of %d bytes, %v", c.versions, sent, size, err)
			}
		}
		for _, other := range append(held, entry) {
			e.manifests.Release(other)
		}
	}
}
