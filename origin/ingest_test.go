package origin

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(dir, ".incoming"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBrokenOrRefusedUploadLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "air/folder.ts/1.ts", "x")
	write(t, dir, "air/file", "x")
	o := start(t, Config{Media: dir, Sample: true, Loop: []string{"live=/sample/"}, Ingest: true, IngestMaxBytes: 100}, Deps{})
	large := strings.Repeat("x", 101)
	for _, c := range []struct {
		path   string
		body   io.Reader
		status int
		header []string
	}{
		{"/air/1.ts", strings.NewReader(large), 413, nil},
		{"/air/1.ts", struct{ io.Reader }{strings.NewReader(large)}, 413, nil}, // chunked
		{"/air/1.ts", strings.NewReader("x"), 400, []string{"Content-Range", "bytes 0-0/2"}},
		{"/sample/v0/seg1.m4s", strings.NewReader("x"), 403, nil},
		{"/live/v0/s1.m4s", strings.NewReader("x"), 403, nil},
		{"/_tandem/counts", strings.NewReader("x"), 404, nil},
		{"/s/token/1.ts", strings.NewReader("x"), 403, nil},
		{"/air/.hidden.ts", strings.NewReader("x"), 403, nil},
		{"/air/%2e%2e/%2e%2e/x.ts", strings.NewReader("x"), 403, nil},
		{"/top.ts", strings.NewReader("x"), 403, nil},
		{"/air/" + strings.Repeat("a", 253) + ".ts", strings.NewReader("x"), 403, nil},
		{"/air/a%0d%0aX-B:%20c.ts", strings.NewReader("x"), 403, nil},
		{"/air/a%7f.ts", strings.NewReader("x"), 403, nil},
		{"/air/folder.ts", strings.NewReader("x"), 409, nil},
		{"/air/file/1.ts", strings.NewReader("x"), 409, nil},
	} {
		if answer, body := o.ask(t, http.MethodPost, c.path, c.body, c.header...); answer.StatusCode != c.status && !(c.status == 404 && answer.StatusCode == 405) {
			t.Errorf("%s: %d %s, want %d", c.path, answer.StatusCode, body, c.status)
		}
	}
	if answer, _ := o.get(t, "/air/1.ts"); answer.StatusCode != 404 {
		t.Errorf("an upload that was refused is there: %d", answer.StatusCode)
	}
	nothingLeft(t, dir)
}

func TestDeleteRemovesOneObject(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "air/1.ts", "x")
	o := start(t, Config{Media: dir, Ingest: true}, Deps{})
	for _, c := range []struct {
		path   string
		status int
	}{{"/air/1.ts", 204}, {"/air/1.ts", 404}, {"/air/", 403}, {"/air", 403}, {"/sample/x", 403}} {
		if answer, _ := o.ask(t, http.MethodDelete, c.path, nil); answer.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.path, answer.StatusCode, c.status)
		}
	}
	closed := start(t, Config{Media: dir}, Deps{})
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete} {
		if answer, _ := closed.ask(t, method, "/air/2.ts", bytes.NewReader(nil)); answer.StatusCode != 405 {
			t.Errorf("%s without --ingest: %d", method, answer.StatusCode)
		}
	}
}

func TestReplacedPlaylistHasItsOwnETag(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	seen := map[string]bool{}
	for i := range 20 {
		// All of the same length: only the file itself can tell them apart.
		o.ask(t, http.MethodPut, "/air/index.m3u8", strings.NewReader(fmt.Sprintf("#EXTM3U\n#%02d\n", i)))
		answer, body := o.get(t, "/air/index.m3u8")
		if !strings.Contains(body, fmt.Sprintf("#%02d", i)) || seen[answer.Header.Get("ETag")] {
			t.Fatalf("version %d: %q %s", i, body, answer.Header.Get("ETag"))
		}
		seen[answer.Header.Get("ETag")] = true
	}
}

func TestUploadThatBeganLaterWins(t *testing.T) {
	dir := t.TempDir()
	o := start(t, Config{Media: dir, Ingest: true}, Deps{})
	begun := make(chan struct{})
	send := func(text string, goOn <-chan struct{}) <-chan int {
		done := make(chan int, 1)
		body := &paused{text: strings.NewReader(text), begun: begun, goOn: goOn}
		go func() {
			r := httptest.NewRequest(http.MethodPut, "/air/index.m3u8", body)
			w := httptest.NewRecorder()
			o.Handler().ServeHTTP(w, r)
			done <- w.Code
		}()
		<-begun
		return done
	}
	first, second := make(chan struct{}), make(chan struct{})
	older := send("older", first)
	newer := send("newer", second)
	close(second)
	if status := <-newer; status != 201 {
		t.Fatalf("the later upload: %d", status)
	}
	close(first)
	if status := <-older; status != 204 {
		t.Fatalf("the earlier upload: %d", status)
	}
	if _, got := o.get(t, "/air/index.m3u8"); got != "newer" {
		t.Fatalf("the object is %q", got)
	}
	nothingLeft(t, dir)
}

// paused is a body that tells when it is first read, and waits then.
type paused struct {
	text  io.Reader
	begun chan<- struct{}
	goOn  <-chan struct{}
	once  sync.Once
}

func (p *paused) Read(b []byte) (int, error) {
	p.once.Do(func() {
		p.begun <- struct{}{}
		<-p.goOn
	})
	return p.text.Read(b)
}
