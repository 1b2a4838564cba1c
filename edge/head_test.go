package edge

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/edge/rules"
	"tandem/internal/wire"
)

// checkHead asks for the head of what a session, or nobody, can get: all of it, as
// RFC 9110 section 14.2 wants it, whatever range is named along.
func checkHead(t *testing.T, url string, size int64) {
	t.Helper()
	for _, header := range [][]string{nil, {"Range", "bytes=0-9"}, {"Range", "bytes=-5"}, {"Range", "bytes=900000000-"}, {"Range", "bytes=0-9", "If-Range", `"other"`}} {
		resp, body := fetched(t, http.MethodHead, url, header...)
		if resp.StatusCode != http.StatusOK || resp.ContentLength != size || len(body) != 0 || resp.Header.Get("Content-Range") != "" {
			t.Errorf("%s %v: %s, %d bytes, %q", url, header, resp.Status, resp.ContentLength, resp.Header.Get("Content-Range"))
		}
	}
}

// TestHeadIsOfTheWhole: of what is here, is on its way, is not for the store, is a
// manifest, or is large and was not asked for before; in a session and without one.
func TestHeadIsOfTheWhole(t *testing.T) {
	o := newOrigin(t)
	const list = "#EXTM3U\n#EXTINF:2,\n/v/x/1.m4s\n#EXT-X-ENDLIST\n"
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead && r.Header.Get("Range")+r.Header.Get("If-Range") != "" {
			t.Errorf("the origin is asked for a range by HEAD: %v", r.Header)
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/no-store"):
			w.Header().Set("Cache-Control", "no-store")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bodyOf("/no-store.m4s", segmentSize)))
		case strings.HasSuffix(r.URL.Path, ".m3u8"):
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = io.WriteString(w, list)
		case strings.HasPrefix(r.URL.Path, "/large"):
			w.Header().Set("Cache-Control", "max-age=600")
			http.ServeContent(w, r, "", time.Unix(1, 0), bytes.NewReader(make([]byte, 3*rules.SliceSize)))
		default:
			return false
		}
		return true
	})
	alone := startEdge(t, Config{Origin: o.URL})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	for _, base := range []string{alone.url, edges[0].url, edges[1].url + wire.SessionPrefix + tokenOf(id, "/v/x/")} {
		checkHead(t, base+"/large.mp4", 3*rules.SliceSize)
		checkHead(t, base+"/no-store.m4s", segmentSize)
		checkHead(t, base+"/v/x/9.m4s", segmentSize) // it is not here
		for _, path := range []string{"/v/x/9.m4s", "/a.m3u8"} {
			if _, body := get(t, base+path); len(body) == 0 {
				t.Error(path)
			}
		}
		checkHead(t, base+"/v/x/9.m4s", segmentSize) // and now it is
		checkHead(t, base+"/a.m3u8", int64(len(list)+1))
	}
}
