package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What a manifest lists is a segment, whatever it is called and whatever type it has: where
// the origin states no life it is asked once for all, and a 404 of it is kept no longer than
// that of any segment. What no manifest lists, and has no life, is asked for anew.
func TestWhatAManifestListsIsASegment(t *testing.T) {
	const names = "000.html 001.jpg 2 003.json 4.dat?x=1"
	o, seen := spelling(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		seen.mu.Lock()
		seen.asked = append(seen.asked, r.RequestURI)
		seen.mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, ".m3u8"):
			w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"+strings.ReplaceAll(names, " ", "\n#EXTINF:2,\n")+"\n#EXT-X-ENDLIST\n")
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "object "+r.RequestURI)
		}
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	spell(t, e.url, "/v/x/list.m3u8")
	for _, name := range append(strings.Fields(names), "other.html") {
		target, want := "/v/x/"+name, 1
		for range 3 {
			if status, body := spell(t, e.url, target); status != http.StatusOK || body != "object "+target {
				t.Errorf("%s: %d %q", target, status, body)
			}
		}
		if name == "other.html" {
			want = 3
		}
		if got := seen.count(target); got != want {
			t.Errorf("%s: the origin was asked %d times, want %d", target, got, want)
		}
	}
}
