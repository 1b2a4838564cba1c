package edge

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"tandem/internal/wire"
)

// listOf is a playlist with URIs of every class; own is a host of ours.
func listOf(own string) string {
	return "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"/v/x/k\"\n#EXTINF:2,\n1.m4s\n#EXTINF:2,\n" + own + "/v/x/2.m4s\n#EXTINF:2,\n../../../v/x/3.m4s\n" +
		"#EXTINF:2,\nhttp://far.example/4.m4s\n#EXT-X-ENDLIST\n"
}

// up is what it is led with where it stands, in /v/x/: the same for every session.
const up = "../.."

// ledBy is that list with a prefix put in.
func ledBy(prefix string) string {
	return "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"" + prefix + "/v/x/k\"\n#EXTINF:2,\n1.m4s\n#EXTINF:2,\n" + prefix + "/v/x/2.m4s\n#EXTINF:2,\n" + prefix + "/v/x/3.m4s\n" +
		"#EXTINF:2,\nhttp://far.example/4.m4s\n#EXT-X-ENDLIST\n"
}

// multivariantOf is such a list that names playlists: each session has its own.
func multivariantOf(list string) string {
	return strings.ReplaceAll(list, "#EXTINF:2,", "#EXT-X-STREAM-INF:BANDWIDTH=1")
}

// fetched is an answer as it comes: no redirect is followed, nothing is decoded.
func fetched(t *testing.T, method, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spellings makes an origin answer with a manifest at every path that says how.
func spellings(t *testing.T, o *testOrigin) {
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h, list := w.Header(), listOf(o.URL)
		h.Set("Cache-Control", "max-age=600")
		h.Set("Repr-Digest", "sha-256=:of the list as it is:")
		switch r.URL.Path {
		case "/v/x/stored.m3u8":
		case "/v/x/multivariant.m3u8":
			list = multivariantOf(list)
		case "/v/x/no-store.m3u8":
			h.Set("Cache-Control", "no-store")
		case "/v/x/private.m3u8":
			h.Set("Cache-Control", "private, max-age=0")
		case "/v/x/cookie.m3u8":
			h.Set("Set-Cookie", "hls=1")
		case "/v/x/manifest(format=m3u8-aapl)":
			h.Set("Content-Type", "text/plain")
		case "/v/x/stream", "/v/x/stream-no-store":
			h.Set("Content-Type", "video/mp2t")
			if strings.Contains(r.URL.Path, "no-store") {
				h.Set("Cache-Control", "no-store")
			}
		case "/v/x/typed":
			h.Set("Content-Type", "application/vnd.apple.mpegurl")
		case "/v/x/alias.m3u8":
			list = listOf("http://ALIAS.example")
		case "/v/x/public.m3u8":
			list = listOf("https://www.public.example:443")
		case "/v/x/gzip.m3u8", "/v/x/gzip-no-store.m3u8", "/v/x/gzip", "/v/x/gzip-no-store":
			h.Set("Content-Type", "text/plain")
			if strings.Contains(r.URL.Path, "no-store") {
				h.Set("Cache-Control", "no-store")
			}
			h.Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped(t, list))
			return true
		case "/v/x/utf-16.m3u8", "/v/x/utf-16-no-store.m3u8", "/v/x/utf-16":
			h.Set("Content-Type", "text/plain; charset=utf-16")
			if strings.Contains(r.URL.Path, "no-store") {
				h.Set("Cache-Control", "no-store")
			}
			for _, unit := range utf16.Encode([]rune("\uFEFF" + list)) {
				_ = binary.Write(w, binary.LittleEndian, unit)
			}
			return true
		default:
			return false
		}
		_, _ = io.WriteString(w, list)
		return true
	})
}

func TestWhateverLeavesForASessionIsLedIntoIt(t *testing.T) {
	o := newOrigin(t)
	spellings(t, o)
	names := Config{OriginHosts: []string{"alias.example"}, PublicHosts: []string{"www.public.example"}}
	_, edges := startRingOf(t, 2, o, func(int) Config { return names })
	alone := startEdge(t, Config{Origin: o.URL, OriginHosts: names.OriginHosts, PublicHosts: names.PublicHosts})
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for _, path := range []string{
		"/v/x/stored.m3u8", "/v/x/no-store.m3u8", "/v/x/private.m3u8", "/v/x/cookie.m3u8", "/v/x/manifest(format=m3u8-aapl)", "/v/x/typed", "/v/x/stream", "/v/x/stream-no-store",
		"/v/x/alias.m3u8", "/v/x/public.m3u8", "/v/x/gzip.m3u8", "/v/x/gzip-no-store.m3u8", "/v/x/gzip", "/v/x/gzip-no-store",
		"/v/x/utf-16.m3u8", "/v/x/utf-16-no-store.m3u8", "/v/x/utf-16",
	} {
		for range 2 {
			for _, e := range edges {
				resp, body := get(t, e.url+prefix+path)
				if string(body) != ledBy(up) || resp.ContentLength != int64(len(body)) || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Repr-Digest") != "" || strings.Contains(resp.Header.Get("Content-Type"), "16") {
					t.Errorf("%s: %d of %d bytes, %v\n%s", path, len(body), resp.ContentLength, resp.Header, body)
				}
			}
			if _, body := get(t, alone.url+path); string(body) != ledBy(up) {
				t.Errorf("%s at an edge alone:\n%s", path, body)
			}
		}
	}
	if n := alone.manifests.Counts.Left.Load(); n != 0 {
		t.Errorf("%d URIs are said to be left", n)
	}
}

// What a playlist names along leads into the session as the playlist does: JSON with
// the URIs of interstitials, or of the next steering.
func TestWhatAPlaylistNamesAlongIsLedIntoTheSession(t *testing.T) {
	o := newOrigin(t)
	form := `{"ASSETS":[{"URI":"%s/v/ad.m3u8","DURATION":4},{"URI":"https://far.example/ad.m3u8"}]}`
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		if w.Header().Set("Cache-Control", "max-age=600"); strings.Contains(r.URL.Path, "no-store") {
			w.Header().Set("Cache-Control", "no-store")
		}
		_, _ = fmt.Fprintf(w, form, o.URL)
		return true
	})
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	want := fmt.Sprintf(form, prefix)
	for _, path := range []string{"/v/x/ads.json", "/v/x/ads-no-store.json"} {
		for range 2 {
			for _, e := range edges {
				if resp, body := get(t, e.url+prefix+path); string(body) != want || resp.ContentLength != int64(len(want)) || resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: %v\n%s", path, resp.Header, body)
				}
			}
		}
	}
	if n := o.count("/v/x/ads.json"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	// It opens no session: nobody begins with it.
	if resp, _ := get(t, edges[0].url+"/v/x/ads.json", append(asNode(), wire.HeaderManifest, wire.ManifestAsk)...); resp.Header.Get(wire.HeaderManifest) != "" {
		t.Error("it is taken for an entry")
	}
}

func TestRedirectLeadsIntoTheSession(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		to, ok := strings.CutPrefix(r.URL.RawQuery, "to=")
		if ok {
			w.Header().Set("Location", to)
			w.Header().Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusFound)
		}
		return ok
	})
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{OriginHosts: []string{"alias.example"}} })
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for to, want := range map[string]string{
		o.URL + "/v/y.m3u8": prefix + "/v/y.m3u8", "/v/y.m3u8": prefix + "/v/y.m3u8", "y.m3u8": prefix + "/v/x/y.m3u8", "../../../y.m3u8": prefix + "/y.m3u8",
		"http://alias.example/y.m3u8?z": prefix + "/y.m3u8?z", "http://far.example/y.m3u8": "http://far.example/y.m3u8",
		o.URL + "//v/y.m3u8": prefix + "/.//v/y.m3u8",
	} {
		for range 2 {
			resp, _ := fetched(t, http.MethodGet, edges[0].url+prefix+"/v/x/a.m3u8?to="+to)
			if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || got != want {
				t.Errorf("%s: %s, %s, want %s", to, resp.Status, got, want)
			}
		}
	}
}

func TestManifestAboveTheLimitIsGivenAsItIs(t *testing.T) {
	o := newOrigin(t)
	long := listOf(o.URL) + strings.Repeat("#EXTINF:2,\n/v/x/long.m4s\n", 10_000)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		switch w.Header().Set("Cache-Control", "max-age=600"); r.URL.Path {
		case "/v/x/sized.m3u8":
			w.Header().Set("Content-Length", strconv.Itoa(len(long)))
		case "/v/x/no-store.m3u8":
			w.Header().Set("Cache-Control", "no-store")
		case "/v/x/chunked.m3u8":
			_, _ = io.WriteString(w, long[:10])
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, long[10:])
			return true
		}
		_, _ = io.WriteString(w, long)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL, ManifestLimit: 64 << 10})
	for _, path := range []string{"/v/x/sized.m3u8", "/v/x/chunked.m3u8", "/v/x/no-store.m3u8"} {
		for range 2 {
			if _, body := get(t, e.url+path); string(body) != long {
				t.Errorf("%s: %d bytes, want %d", path, len(body), len(long))
			}
		}
	}
	if n := e.manifests.Counts.Unread.Load(); n == 0 {
		t.Error("it is not counted")
	}
	if n := o.count("/v/x/sized.m3u8") + o.count("/v/x/chunked.m3u8"); n != 2 {
		t.Errorf("asked %d times: it is not stored", n)
	}
}

// What is absolute below another host's BaseURL, as an advertisement's period is below a CDN's,
// is led by a whole URL: a path would be one at that host.
func TestBelowAnotherHostTheViewersOwnIsNamed(t *testing.T) {
	o := newOrigin(t)
	const form = `<MPD><BaseURL>https://far.example/</BaseURL><Period><BaseURL>%s/v/ad/</BaseURL></Period></MPD>`
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if w.Header().Set("Cache-Control", "max-age=600"); strings.Contains(r.URL.Path, "no-store") {
			w.Header().Set("Cache-Control", "no-store")
		}
		_, _ = fmt.Fprintf(w, form, o.URL)
		return true
	})
	_, edges := startRing(t, 2, o)
	alone := startEdge(t, Config{Origin: o.URL})
	behind := startEdge(t, Config{Origin: o.URL, PublicHosts: []string{"https://tv.example:81"}}) // a proxy that says nothing
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for _, c := range []struct {
		base, prefix string
		header       []string
		scheme       string
	}{
		{alone.url, "", nil, "http"},
		{alone.url, "", []string{"X-Forwarded-Proto", "https"}, "https"},
		{alone.url, "", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "tv.example:81, inner"}, "https"},
		{behind.url, "", nil, "https"},
		{alone.url, "", []string{wire.HeaderScheme, "https"}, "http"}, // no balancer says so
		{edges[0].url, prefix, asNode(), "http"},
		{edges[0].url, prefix, append(asNode(), wire.HeaderScheme, "https"), "https"},
	} {
		for _, path := range []string{"/v/x/m.mpd", "/v/x/no-store.mpd"} {
			host := strings.TrimPrefix(c.base, "http://")
			if c.base == behind.url || len(c.header) == 4 && c.header[2] == "X-Forwarded-Host" {
				host = "tv.example:81"
			}
			want := fmt.Sprintf(form, c.scheme+"://"+host+c.prefix)
			for range 2 {
				if resp, body := get(t, c.base+c.prefix+path, c.header...); string(body) != want || resp.ContentLength != int64(len(want)) || strings.HasPrefix(resp.Header.Get("Cache-Control"), "private") != !strings.Contains(path, "no-store") {
					t.Errorf("%s %q: %v\n%s, want\n%s", path, c.header, resp.Header, body, want)
				}
			}
		}
	}
}

func TestURIsThatAreLeftAreCounted(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXTINF:2,\n%s/outside/1.m4s\n#EXT-X-ENDLIST\n", o.URL)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL + "/base"})
	get(t, e.url+"/a.m3u8")
	if n := e.manifests.Counts.Left.Load(); n != 1 {
		t.Errorf("%d URIs", n)
	}
}

func TestEmptyAnswerIsNoManifest(t *testing.T) {
	o := newOrigin(t)
	empty := false
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if empty {
			w.Header().Set("Content-Length", "0")
			return true
		}
		w.Header().Set("Cache-Control", "max-age=0")
		_, _ = io.WriteString(w, livePlaylist(7))
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	_, list := get(t, e.url+"/a.m3u8")
	empty = true
	if resp, body := get(t, e.url+"/a.m3u8"); resp.StatusCode != 200 || !bytes.Equal(body, list) {
		t.Errorf("with a copy: %s, %q", resp.Status, body)
	}
	for _, path := range []string{"/b.m3u8", "/b.mpd"} {
		if resp, _ := get(t, e.url+path); resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := get(t, e.url+"/empty.txt"); resp.StatusCode != 200 {
		t.Errorf("what is none: %s", resp.Status)
	}
}
