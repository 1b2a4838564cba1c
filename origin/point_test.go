package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pointsFile writes publishing points.
func pointsFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "points.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// An origin of a cluster takes nothing from strangers; one that stands alone does.
func TestNobodyPushesIntoAClusterWithoutACredential(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "air/1.ts", "x")
	o := start(t, Config{Media: dir, Ingest: true}, Deps{Secret: multicastSecret(t)})
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete} {
		if answer, _ := o.ask(t, method, "/air/1.ts", strings.NewReader("evil")); answer.StatusCode != 401 || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %s %v", method, answer.Status, answer.Header)
		}
	}
	if _, body := o.get(t, "/air/1.ts"); body != "x" {
		t.Errorf("it is %q now", body)
	}
}

func TestPushNeedsTheCredentialOfItsPoint(t *testing.T) {
	sum := sha256.Sum256([]byte("token of sport"))
	file := pointsFile(t, `
- {path: /news/, user: news, password: "newspass"}
- {path: /news/late/, token: "sha256:`+hex.EncodeToString(sum[:])+`"}
- {path: /open/, open: true}
`)
	o := start(t, Config{Media: t.TempDir(), Ingest: true, PublishingPoints: file}, Deps{Secret: multicastSecret(t)})
	basic := func(user, password string) []string {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	for _, c := range []struct {
		path   string
		header []string
		status int
	}{
		{"/news/1.ts", basic("news", "newspass"), 201},
		{"/news/1.ts", basic("news", "newspass "), 401},
		{"/news/1.ts", basic("New", "newspass"), 401},
		{"/news/1.ts", basic("", ""), 401},
		{"/news/1.ts", []string{"Authorization", "Bearer newspass"}, 401},
		{"/news/1.ts", nil, 401},
		{"/news/late/1.ts", basic("news", "newspass"), 401},
		{"/news/late/1.ts", []string{"Authorization", "Bearer token of sport"}, 201},
		{"/news/late/1.ts", []string{"Authorization", "Bearer "}, 401},
		{"/news/%2e%2e/open/1.ts", basic("news", "newspass"), 403},
		{"/open/1.ts", nil, 201},
		{"/open/index.m3u8", nil, 201},
		{"/open/live.mpd", nil, 201},
		{"/open/thumb.jpg", nil, 201},
		{"/open/enc.key", nil, 201},
		{"/open/Streams(video.cmfv)", nil, 201},
		{"/open/a.bin", nil, 403},
		{"/open/index.html", nil, 403},
		{"/open/app.js", nil, 403},
		{"/open/1", nil, 403},
		{"/news/a.bin", basic("news", "newspass"), 201},
		{"/open/2.ts", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"/open/%2e%2e/news/2.ts", nil, 403},
		{"/else/1.ts", basic("news", "newspass"), 403},
		{"/newsflash/1.ts", basic("news", "newspass"), 403},
	} {
		if answer, body := o.ask(t, http.MethodPut, c.path, strings.NewReader("x"), c.header...); answer.StatusCode != c.status || strings.Count(body, "\n") > 1 {
			t.Errorf("%s %v: %s %q, want %d", c.path, c.header, answer.Status, body, c.status)
		}
	}
	// A packager looks whether it may, before it begins.
	for path, status := range map[string]int{"/open/": 200, "/news/": 401} {
		if answer, _ := o.ask(t, http.MethodPut, path, http.NoBody); answer.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, answer.Status, status)
		}
	}
}

// What is refused is refused before its body is sent, and a sender that drips
// holds nothing.
func TestRefusedPushIsNotListenedTo(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{Secret: multicastSecret(t)})
	for range 50 {
		p := o.push(t, "/air/1.ts", 1000)
		p.send("x")
		if answer := <-p.done; answer.StatusCode != 401 {
			t.Fatalf("a push without a credential: %s", answer.Status)
		}
	}
	if n := value(t, o, "tandem_origin_ingest_bytes_total"); n != 0 {
		t.Errorf("%v bytes were taken in", n)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "PUT /air/1.ts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if said, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 401 ") {
		t.Errorf("a sender that goes on dripping: %v, %q", err, said)
	}
}

func TestAsManyPushesAsAreAllowed(t *testing.T) {
	file := pointsFile(t, "[{path: /air/, open: true, pushes: 1000}]")
	o := start(t, Config{Media: t.TempDir(), Ingest: true, IngestMaxPushes: 90, PublishingPoints: file}, Deps{})
	var all []*pushing
	for i := range 90 {
		path := "/air/" + string(rune('a'+i%26)) + strings.Repeat("i", i/26) + ".m4s"
		all = append(all, o.push(t, path, -1))
		all[i].send("hello")
		o.arrived(t, path, 5)
	}
	answer, body := o.ask(t, http.MethodPut, "/air/more.m4s", strings.NewReader("x"))
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s %q", answer.Status, body)
	}
	for _, p := range all {
		if status := p.end(); status != 201 {
			t.Errorf("pushed: %d", status)
		}
	}
	if answer, _ := o.ask(t, http.MethodPut, "/air/more.m4s", strings.NewReader("x")); answer.StatusCode != 201 {
		t.Errorf("when there is room again: %s", answer.Status)
	}
}

func TestPushesOfOnePointLeaveRoomForOthers(t *testing.T) {
	file := pointsFile(t, "[{path: /a/, open: true, pushes: 2}, {path: /b/, open: true}]")
	o := start(t, Config{Media: t.TempDir(), Ingest: true, PublishingPoints: file}, Deps{})
	for _, path := range []string{"/a/1.ts", "/a/2.ts"} {
		o.push(t, path, -1).send("x")
		o.arrived(t, path, 1)
	}
	for path, status := range map[string]int{"/a/3.ts": 503, "/b/1.ts": 201} {
		if answer, _ := o.ask(t, http.MethodPut, path, strings.NewReader("x")); answer.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, answer.Status, status)
		}
	}
}

// A quota counts what was there at the start, what is replaced and what is
// deleted, and a push that did not end.
func TestQuotaOfAPublishingPoint(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "air/old.ts", strings.Repeat("x", 400))
	write(t, dir, "else/old.ts", strings.Repeat("x", 4000))
	file := pointsFile(t, "[{path: /air/, open: true, quota: 1KiB}]")
	o := start(t, Config{Media: dir, Ingest: true, PublishingPoints: file}, Deps{})
	put := func(path string, size int) int {
		answer, _ := o.ask(t, http.MethodPut, path, struct{ *strings.Reader }{strings.NewReader(strings.Repeat("y", size))})
		return answer.StatusCode
	}
	for i, c := range []struct {
		path   string
		size   int
		status int
	}{
		{"/air/1.ts", 700, 507},
		{"/air/1.ts", 600, 201},
		{"/air/2.ts", 25, 507},
		{"/air/old.ts", 24, 204}, // 376 bytes less
		{"/air/2.ts", 400, 201},
		{"/air/3.ts", 1, 507},
	} {
		if got := put(c.path, c.size); got != c.status {
			t.Errorf("%d: %s of %d bytes: %d, want %d", i, c.path, c.size, got, c.status)
		}
	}
	if answer := <-o.push(t, "/air/3.ts", 1).done; answer.StatusCode != 507 {
		t.Errorf("one byte more that is announced: %s", answer.Status)
	}
	o.ask(t, http.MethodDelete, "/air/1.ts", nil)
	broken := o.push(t, "/air/3.ts", -1)
	broken.send(strings.Repeat("y", 500))
	o.arrived(t, "/air/3.ts", 500)
	broken.feed.CloseWithError(errors.New("the encoder died"))
	<-broken.done
	o.settled(t)
	if got := put("/air/3.ts", 600); got != 201 {
		t.Errorf("after a deletion: %d", got)
	}
	nothingLeft(t, dir)
}

// A push that stands still is ended, and its readers see that.
func TestSilentPushIsEnded(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true, IngestIdle: 300 * time.Millisecond}, Deps{})
	p := o.push(t, "/air/1.m4s", 1000)
	p.send("x")
	o.arrived(t, "/air/1.m4s", 1)
	reader := o.open(t, "/air/1.m4s")
	if answer := <-p.done; answer.StatusCode != 408 {
		t.Errorf("the push: %s", answer.Status)
	}
	one := make([]byte, 1)
	if n, err := reader.Body.Read(one); n != 1 && err == nil {
		t.Errorf("the reader: %d %v", n, err)
	}
	if _, err := reader.Body.Read(one); err == nil {
		t.Error("the reader saw nothing of it")
	}
	if answer, _ := o.get(t, "/air/1.m4s"); answer.StatusCode != 404 {
		t.Errorf("afterwards: %s", answer.Status)
	}
}

// What may be pushed over is never said to last, but where names are never used
// again.
func TestOnlyUniqueNamesAreKeptForEver(t *testing.T) {
	file := pointsFile(t, "[{path: /a/, open: true}, {path: /u/, open: true, unique-names: true}]")
	dir := t.TempDir()
	write(t, dir, "stored/1.ts", "x")
	o := start(t, Config{Media: dir, Ingest: true, PublishingPoints: file}, Deps{})
	for path, want := range map[string]string{
		"/a/1.ts": "public, max-age=1", "/a/init.mp4": "public, max-age=1", "/a/i.m3u8": "public, max-age=1", "/u/i.m3u8": "public, max-age=1",
		"/u/1.ts": immortal, "/u/init.mp4": immortal, "/stored/1.ts": immortal,
	} {
		o.ask(t, http.MethodPut, path, strings.NewReader(vodList))
		first, _ := o.get(t, path)
		if got := first.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if path == "/stored/1.ts" {
			continue
		}
		o.ask(t, http.MethodPut, path, strings.NewReader(vodList+"\n"))
		if again, _ := o.get(t, path, "If-None-Match", first.Header.Get("ETag")); again.StatusCode != 200 {
			t.Errorf("%s: another version under the old validator: %s", path, again.Status)
		}
	}
}

func TestWrongPublishingPointIsNamedWithItsFix(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "holds no point",
		"[{path: news, open: true}]":  "a slash at both ends",
		"[{path: /../, open: true}]":  "a slash at both ends",
		"[{path: /s/x/, open: true}]": "is taken",
		"[{path: /a/}]":               "give user and password, or token, or open: true",
		"[{path: /a/, open: true, token: 12345678}]":         "exclude each other",
		"[{path: /a/, password: 12345678}]":                  "user and password go together",
		"[{path: /a/, user: a, password: short}]":            "8 characters",
		"[{path: /a/, token: 'sha256:00'}]":                  "64 hex digits",
		"[{path: /a/, open: true, quota: many}]":             "give a size like 20GiB",
		"[{path: /a/, open: true, pushes: -1}]":              "how many may run at once",
		"[{path: /a/, open: true}, {path: /a/, open: true}]": "two points /a/",
		"[{path: /a/, opn: true}]":                           "opn",
		"- path: /a/\n  open: true\n - b":                    "line",
	} {
		c := Config{}
		c.Settings()
		c.Media, c.Ingest, c.PublishingPoints = t.TempDir(), true, pointsFile(t, text)
		if o, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--publishing-points: ") {
			t.Errorf("%s: want %q, got %v", text, want, err)
			if o != nil {
				o.Close()
			}
		}
	}
}
