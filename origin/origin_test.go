package origin

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

// started is an origin behind a listener of its own.
type started struct {
	*Origin
	url string
}

func start(t *testing.T, c Config, d Deps) started {
	t.Helper()
	if c.Window == 0 {
		c.Window = 10
	}
	if c.IngestMaxBytes == 0 {
		c.IngestMaxBytes = 1 << 20
	}
	if c.IngestMaxPushes == 0 {
		c.IngestMaxPushes = 100
	}
	if c.IngestIdle == 0 {
		c.IngestIdle = time.Minute
	}
	if c.MaxConnections == 0 {
		c.MaxConnections, c.MaxPerClient = 1000, 1000
	}
	if c.MulticastRate == 0 {
		c.MulticastRate, c.MulticastHops = 100<<20, 1
	}
	o, err := New(c, d)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := o.Server(o.Handler()), make(chan error)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; err != http.ErrServerClosed {
			t.Error(err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return started{o, "http://" + ln.Addr().String()}
}

// ask sends a request without following anything; headers are name, value, ...
func (s started) ask(t *testing.T, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(got)
}

func (s started) get(t *testing.T, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	return s.ask(t, http.MethodGet, path, nil, headers...)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	vodList  = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.ts\n#EXT-X-ENDLIST\n"
	airList  = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:4\n#EXTINF:2,\n4.ts\n"
	immortal = "public, max-age=31536000, immutable"
)

func TestStoredObjectIsServedWholeInPartsAndConditionally(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "0123456789")
	write(t, dir, "film/index.m3u8", vodList)
	write(t, dir, "air/index.m3u8", airList)
	o := start(t, Config{Media: dir}, Deps{})

	whole, body := o.get(t, "/film/1.ts")
	etag := whole.Header.Get("ETag")
	if whole.StatusCode != 200 || body != "0123456789" || whole.Header.Get("Content-Type") != "video/mp2t" || whole.Header.Get("Cache-Control") != immortal ||
		whole.Header.Get("Access-Control-Allow-Origin") != "*" || len(etag) != 34 || whole.Header.Get("Accept-Ranges") != "bytes" || whole.ContentLength != 10 {
		t.Fatalf("%d %q %v", whole.StatusCode, body, whole.Header)
	}
	for _, c := range []struct {
		headers []string
		status  int
		body    string
	}{
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-3"}, 206, "789"},
		{[]string{"Range", "bytes=10-"}, 416, ""},
		{[]string{"Range", "bytes=2-4", "If-Range", etag}, 206, "234"},
		{[]string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789"},
		{[]string{"If-None-Match", etag}, 304, ""},
		{[]string{"If-Match", `"other"`}, 412, ""},
	} {
		answer, body := o.get(t, "/film/1.ts", c.headers...)
		if answer.StatusCode != c.status || c.body != "" && body != c.body {
			t.Errorf("%v: %d %q", c.headers, answer.StatusCode, body)
		}
	}
	if head, body := o.ask(t, http.MethodHead, "/film/1.ts", nil); head.ContentLength != 10 || body != "" || head.Header.Get("ETag") != etag {
		t.Errorf("HEAD: %v %q", head.Header, body)
	}
	if options, _ := o.ask(t, http.MethodOptions, "/film/1.ts", nil); options.StatusCode != 204 || options.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("OPTIONS: %d %v", options.StatusCode, options.Header)
	}
	for path, want := range map[string]string{"/film/index.m3u8": "public, max-age=5", "/air/index.m3u8": "public, max-age=3", "/film/none.ts": "max-age=1"} {
		if answer, _ := o.get(t, path); answer.Header.Get("Cache-Control") != want {
			t.Errorf("%s: %q, want %q", path, answer.Header.Get("Cache-Control"), want)
		}
	}
}

func TestETagIsMadeOfBytesAndSurvivesARestart(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, one, "a/1.ts", "same bytes")
	write(t, two, "b/9.ts", "same bytes")
	write(t, two, "b/8.ts", "other bytes")
	etag := func(dir, path string) string {
		answer, _ := start(t, Config{Media: dir}, Deps{}).get(t, path)
		return answer.Header.Get("ETag")
	}
	first := etag(one, "/a/1.ts")
	if again := etag(one, "/a/1.ts"); again != first {
		t.Errorf("after a restart: %s, was %s", again, first)
	}
	if elsewhere := etag(two, "/b/9.ts"); elsewhere != first {
		t.Errorf("at another origin: %s, was %s", elsewhere, first)
	}
	if other := etag(two, "/b/8.ts"); other == first {
		t.Error("other bytes have the same ETag")
	}
	o := start(t, Config{Media: one}, Deps{})
	for range 5 {
		o.get(t, "/a/1.ts")
	}
	if n := value(t, o, "tandem_origin_digests_total"); n != 1 {
		t.Errorf("read whole %v times, want once", n)
	}
}

func TestNothingOutsideOrHiddenIsShown(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "media")
	write(t, top, "secret.txt", "secret")
	write(t, dir, "a/1.ts", "x")
	write(t, dir, ".hidden/1.ts", "secret")
	write(t, dir, "a/.part.ts", "secret")
	if err := os.Symlink(filepath.Join(top, "secret.txt"), filepath.Join(dir, "a", "link.txt")); err != nil {
		t.Fatal(err)
	}
	o := start(t, Config{Media: dir, Ingest: true}, Deps{})
	for _, path := range []string{
		"/../secret.txt", "/a/../../secret.txt", "/%2e%2e/secret.txt", "/a/%2e%2e/%2e%2e/secret.txt", "/a/..%2f..%2fsecret.txt", "//secret.txt", "/a//1.ts",
		"/.hidden/1.ts", "/a/.part.ts", "/a/link.txt", "/a/", "/a", "/", "/a/1.ts/", "/a/1.ts/x", "/a/%00", `/a/..\..\secret.txt`, "/_tandem/", "/_tandem/object/a/1.ts", "/.incoming/x",
	} {
		// Not through the client, which would tidy the path.
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawPath, r.RequestURI = path, path
		r.URL.Path = unescaped(path)
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, r)
		if w.Code != 404 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func unescaped(path string) string {
	return strings.NewReplacer("%2e", ".", "%2f", "/", "%00", "\x00").Replace(path)
}

func TestCountsAndCatalogAreForTheCluster(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "film/index.m3u8", vodList)
	write(t, dir, "film/1.ts", "x")
	write(t, dir, "air/master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8\n")
	write(t, dir, "air/v/index.m3u8", airList)
	secret, err := wire.NewSecret("a secret that only tests know")
	if err != nil {
		t.Fatal(err)
	}
	o := start(t, Config{Media: dir, Sample: true, Loop: []string{"live=/sample/"}}, Deps{Secret: secret})
	o.get(t, "/film/1.ts")
	o.get(t, "/film/1.ts", "Range", "bytes=0-0")
	o.get(t, "/film/none.ts")
	o.ask(t, http.MethodHead, "/film/1.ts", nil)

	for _, path := range []string{"/_tandem/counts", "/_tandem/catalog"} {
		if answer, body := o.get(t, path); answer.StatusCode != 403 || strings.Contains(body, "film") {
			t.Errorf("%s without the secret: %d %q", path, answer.StatusCode, body)
		}
	}
	_, body := o.get(t, "/_tandem/counts?reset=1", wire.HeaderAuth, secret.Bearer())
	if strings.TrimSpace(body) != `{"/film/1.ts":2}` {
		t.Errorf("counts: %s", body)
	}
	if answer, _ := o.ask(t, http.MethodPost, "/_tandem/counts", nil, wire.HeaderAuth, secret.Bearer()); answer.StatusCode < 400 {
		t.Errorf("viewers' listener: %s", answer.Status)
	}
	// A question changes nothing, an order does.
	for _, step := range []struct{ method, path, want string }{
		{http.MethodGet, "/_tandem/counts?reset=1", `{"/film/1.ts":2}`},
		{http.MethodHead, "/_tandem/counts?reset=1", ""},
		{http.MethodPost, "/_tandem/counts", `{"/film/1.ts":2}`},
		{http.MethodGet, "/_tandem/counts", "{}"},
	} {
		admin := httptest.NewRecorder()
		o.Admin().ServeHTTP(admin, httptest.NewRequest(step.method, step.path, nil))
		if said := strings.TrimSpace(admin.Body.String()); step.want != "" && said != step.want {
			t.Errorf("%s %s: %s", step.method, step.path, said)
		}
	}
	_, body = o.get(t, "/_tandem/catalog", wire.HeaderAuth, secret.Bearer())
	var got []Stream
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := []Stream{
		{"/air/", "/air/master.m3u8", "", true},
		{"/film/", "/film/index.m3u8", "", false},
		{"/live/", "/live/master.m3u8", "/live/manifest.mpd", true},
		{"/sample/", "/sample/master.m3u8", "/sample/manifest.mpd", false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("catalog\ngot  %+v\nwant %+v", got, want)
	}
	if answer, _ := o.get(t, "/film/1.ts", wire.HeaderAuth, secret.Bearer()); len(answer.Header.Get(wire.HeaderDigest)) != 64 {
		t.Error("an edge is not told the digest")
	}
	if answer, _ := o.get(t, "/film/1.ts"); answer.Header.Get(wire.HeaderDigest) != "" {
		t.Error("a viewer is told the digest")
	}
}

func TestWrongConfigurationIsNamedWithItsFix(t *testing.T) {
	dir := t.TempDir()
	for want, change := range map[string]func(*Config){
		"--media: nothing to serve":       func(c *Config) { c.Media = "" },
		"give a directory that exists":    func(c *Config) { c.Media = filepath.Join(dir, "none") },
		"--ingest: there is no place":     func(c *Config) { c.Media, c.Sample, c.Ingest = "", true, true },
		"--window: 2 segments":            func(c *Config) { c.Window = 2 },
		"--ingest-max-object: 0":          func(c *Config) { c.IngestMaxBytes = 0 },
		"want CHANNEL=/STREAM/":           func(c *Config) { c.Loop = []string{"live"} },
		"/s/ is taken":                    func(c *Config) { c.Loop = []string{"s=/sample/"} },
		"two channels /a/":                func(c *Config) { c.Sample, c.Loop = true, []string{"a=/sample/", "/a/=/sample/"} },
		"there is no stream /sample/":     func(c *Config) { c.Loop = []string{"live=/sample/"} },
		"there is no stream /else/ to lo": func(c *Config) { c.Sample, c.Loop = true, []string{"live=/else/"} },
	} {
		c := Config{}
		c.Settings()
		c.Media = dir
		change(&c)
		if o, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, got %v", want, err)
			if o != nil {
				o.Close()
			}
		}
	}
}

// value reads one counter from the admin side, summed over its labels.
func value(t *testing.T, o started, name string) float64 {
	t.Helper()
	families, err := o.deps.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func TestAdminSideTellsHealth(t *testing.T) {
	o := start(t, Config{Sample: true}, Deps{Now: func() time.Time { return time.Unix(1e9, 0) }})
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		w := httptest.NewRecorder()
		o.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != 200 || path == "/metrics" && !bytes.Contains(w.Body.Bytes(), []byte("tandem_origin_digests_total 0")) {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
