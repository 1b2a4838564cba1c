package edge

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFileThatLostItsEndIsFetchedAnew: whoever is in the middle of it sees a broken
// answer, and whoever comes next the whole; answers of the loop, and those that a
// goroutine sends.
func TestFileThatLostItsEndIsFetchedAnew(t *testing.T) {
	o := newOrigin(t)
	want := strings.Repeat("0123456789", 30_000)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		_, _ = io.WriteString(w, want)
		return true
	})
	for _, target := range []string{"/loop.m4s?cc=max-age=60", "/goroutine.m4s?cc=max-age=0"} {
		e := startEdge(t, Config{Origin: o.URL})
		ask := func() (string, error) {
			resp, err := http.Get(e.url + target)
			if err != nil {
				return "", err
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			return string(body), err
		}
		if _, err := ask(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is stored", func() bool { return e.store.Has(target) })
		if body, err := ask(); err != nil || body != want { // its size was looked at
			t.Fatalf("%s: %d bytes, %v", target, len(body), err)
		}
		files, err := filepath.Glob(filepath.Join(e.cfg.Data, "objects", "*", "*.seg"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.Truncate(files[0], 1000); err != nil {
			t.Fatal(err)
		}
		if body, err := ask(); err == nil {
			t.Errorf("%s: a whole answer of %d bytes out of a file of 1000", target, len(body))
		}
		eventually(t, target+": the copy is thrown away", func() bool { return e.store.Stats().Broken == 1 })
		if body, err := ask(); err != nil || body != want {
			t.Errorf("%s: the next one: %d bytes, %v", target, len(body), err)
		}
	}
}

// TestFileWhoseBytesChangedIsFetchedAnew: while the edge was down its disk changed a
// byte, and not the length. Nobody is given it, by a loop nor by a goroutine.
func TestFileWhoseBytesChangedIsFetchedAnew(t *testing.T) {
	o := newOrigin(t)
	want := strings.Repeat("0123456789", 30_000)
	o.handle(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = io.WriteString(w, want)
		return true
	})
	data := t.TempDir()
	first := startEdge(t, Config{Origin: o.URL, Data: data})
	for _, target := range []string{"/whole.m4s", "/range.m4s"} {
		get(t, first.url+target)
		eventually(t, "it is stored", func() bool { return first.store.Has(target) })
	}
	first.stop()
	files, err := filepath.Glob(filepath.Join(data, "objects", "*", "*.seg"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(strings.Replace(want, "9", "8", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := startEdge(t, Config{Origin: o.URL, Data: data})
	for target, field := range map[string]string{"/whole.m4s": "", "/range.m4s": "bytes=0-"} {
		if _, got := get(t, again.url+target, "Range", field); string(got) != want {
			t.Errorf("%s: %d bytes that the origin never sent", target, len(got))
		}
	}
	if n := again.store.Stats().Broken; n != 2 {
		t.Errorf("%d copies were thrown away, want 2", n)
	}
}
