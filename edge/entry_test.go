package edge

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/wire"
)

const (
	masterText = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n"
	mediaText  = "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n"
	mpdText    = "<?xml version=\"1.0\"?>\n<!-- x --><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>"
)

// prologue is so many KiB of what may stand before the root element.
func prologue(kib int) string {
	return "<?xml version=\"1.0\"?>\n<!-- " + strings.Repeat("by its packager, <a> ", 1000) + "-->" + strings.Repeat("<!-- line by line -->\n ", kib<<10/23-900)
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// manifests are what an origin has: by path, its fields and the body.
var manifests = map[string]struct {
	fields string // Name: value, parted by |
	body   string
	kind   string // what the edge says of it
}{
	"/m/typed":     {"Content-Type: application/vnd.apple.mpegurl", mediaText, wire.ManifestMedia},
	"/m/plain":     {"Content-Type: text/plain", mediaText, wire.ManifestMedia},
	"/m/untyped":   {"Content-Type: application/octet-stream", masterText, wire.ManifestMultivariant},
	"/m/a.m3u8":    {"Content-Type: text/html", masterText, wire.ManifestMultivariant},
	"/m/dash":      {"Content-Type: application/xml", mpdText, wire.ManifestMPD},
	"/m/packed":    {"Content-Type: text/plain|Content-Encoding: gzip", packed(masterText), wire.ManifestMultivariant},
	"/m/wide":      {"Content-Type: text/plain", "\xff\xfe" + strings.Join(strings.Split(masterText, ""), "\x00") + "\x00", wire.ManifestMultivariant}, // UTF-16
	"/m/no-store":  {"Content-Type: text/plain|Cache-Control: no-store", mediaText, wire.ManifestMedia},
	"/m/cookie":    {"Content-Type: text/plain|Set-Cookie: a=b", masterText, wire.ManifestMultivariant},
	"/m/by-agent":  {"Content-Type: text/plain|Vary: User-Agent", masterText, wire.ManifestMultivariant},
	"/m/agent.mpd": {"Content-Type: application/dash+xml|Vary: User-Agent", mpdText, wire.ManifestMPD},
	"/m/page.m3u8": {"Content-Type: text/html", "<html>no such channel</html>", ""},
	"/m/page":      {"Content-Type: text/html", "<html>#EXTM3U</html>", ""},
	"/m/empty":     {"Content-Type: text/plain", "", ""},
	"/m/labelled":  {"Content-Type: text/plain|Content-Encoding: aws-chunked", mediaText, wire.ManifestMedia},
	"/m/prologue":  {"Content-Type: text/plain", prologue(40) + mpdText, wire.ManifestMPD},
	"/m/untold":    {"Content-Type: application/octet-stream|Cache-Control: no-store", prologue(40) + mpdText, wire.ManifestMPD},
	"/m/deep":      {"Content-Type: text/plain|Content-Encoding: gzip", packed(prologue(60) + mpdText), wire.ManifestMPD},
	"/m/late":      {"Content-Type: text/plain", prologue(64) + mpdText, ""},
	"/m/late.mpd":  {"Content-Type: application/dash+xml", prologue(64) + mpdText, wire.ManifestMPD},
	"/m/secret":    {"Content-Type: text/plain|Cache-Control: no-store", strings.Repeat("no manifest ", 10_000), ""},
}

func manifestOrigin(t *testing.T) *testOrigin {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		m, ok := manifests[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return true
		}
		for line := range strings.SplitSeq(m.fields, "|") {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, m.body)
		return true
	})
	return o
}

// What is an entry is the origin's word: the type, or how the body begins, stored or
// not, packed or not. All else is served as if nobody had asked.
func TestEdgeTellsWhatIsAnEntry(t *testing.T) {
	o := manifestOrigin(t)
	_, edges := startRingOf(t, 1, o, func(int) Config { return Config{} })
	for path, m := range manifests {
		for round := range 2 {
			for _, ask := range []string{wire.ManifestAsk, wire.ManifestOnly} {
				resp, body := get(t, edges[0].url+path, append(asNode(), wire.HeaderManifest, ask, "Accept-Encoding", "identity", "Range", "bytes=1-2", "If-None-Match", "*")...)
				if got := resp.Header.Get(wire.HeaderManifest); got != m.kind || m.kind != "" && (resp.StatusCode != http.StatusOK || len(body) != 0) {
					t.Errorf("%s asked %q in round %d: %d, %q, %d bytes; want %q", path, ask, round, resp.StatusCode, got, len(body), m.kind)
				}
				if m.kind == "" && ask == wire.ManifestOnly && resp.StatusCode != http.StatusForbidden {
					t.Errorf("%s wanted as an entry alone: %d", path, resp.StatusCode)
				}
			}
			resp, body := get(t, edges[0].url+path, append(asNode(), wire.HeaderManifest, wire.ManifestAsk, "Accept-Encoding", "identity")...)
			if m.kind == "" && (resp.StatusCode != http.StatusOK || string(body) != m.body) {
				t.Errorf("%s: %d, %d bytes of %d", path, resp.StatusCode, len(body), len(m.body))
			}
		}
		want := m.body
		if path == "/m/packed" || path == "/m/wide" {
			want = masterText // who takes no encoding gets none, and all get UTF-8
		} else if path == "/m/deep" {
			want = prologue(60) + mpdText
		}
		if resp, body := get(t, edges[0].url+path, wire.HeaderManifest, wire.ManifestAsk, "Accept-Encoding", "identity"); resp.Header.Get(wire.HeaderManifest) != "" || string(body) != want {
			t.Errorf("%s: a viewer asks like a balancer, and gets %d bytes of %d", path, len(body), len(want))
		}
	}
	if resp, _ := get(t, edges[0].url+"/m/nothing", append(asNode(), wire.HeaderManifest, wire.ManifestOnly)...); resp.StatusCode != http.StatusNotFound {
		t.Errorf("what is not there: %d", resp.StatusCode)
	}
}

// One that is too large to be read is asked of the origin once, though a balancer that has
// been told what it is takes none of it.
func TestALargeEntryIsAskedForOnce(t *testing.T) {
	o := newOrigin(t)
	goOn, rest := make(chan struct{}), strings.Repeat("#EXTINF:4,\n1.ts\n", 100_000)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		w.Header().Set("Content-Length", strconv.Itoa(len(mediaText)+len(rest)))
		_, _ = io.WriteString(w, mediaText+rest[:100_000])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
			_, _ = io.WriteString(w, rest[100_000:])
		case <-r.Context().Done():
		}
		return true
	})
	_, edges := startRingOf(t, 1, o, func(int) Config { return Config{ManifestLimit: 64 << 10} })
	e := edges[0]
	if resp, _ := get(t, e.url+"/a.m3u8", append(asNode(), wire.HeaderManifest, wire.ManifestOnly)...); resp.Header.Get(wire.HeaderManifest) != wire.ManifestMedia {
		t.Fatalf("it is %q", resp.Header.Get(wire.HeaderManifest))
	}
	close(goOn)
	if _, body := get(t, e.url+"/a.m3u8"); len(body) != len(mediaText)+len(rest) || o.count("/a.m3u8") != 1 {
		t.Errorf("%d bytes, asked %d times", len(body), o.count("/a.m3u8"))
	}
}
