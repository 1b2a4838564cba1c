package ingest

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/filewatch"
)

func TestPublishingPointsAreReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "points.yaml")
	points := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	points("[{path: /a/, open: true}]")
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	in, err := New(Config{
		Root: root, Points: file, MaxObject: 100, MaxPushes: 10, Idle: time.Minute, Logger: zerolog.Nop(),
		Reserved: func(string) bool { return false }, Known: func(string, [sha256.Size]byte) {},
		Counts: Counts{Taken: func(string) {}, Bytes: func(int64) {}, Running: func(int) {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put := func(path string) int {
		w := httptest.NewRecorder()
		in.Put(w, httptest.NewRequest(http.MethodPut, path, strings.NewReader("x")))
		return w.Code
	}
	if a, b := put("/a/1.ts"), put("/b/1.ts"); a != 201 || b != 403 {
		t.Fatal(a, b)
	}
	points("[{path: /b/, opn: true}]")
	if err := in.load(); err == nil || put("/a/1.ts") != 204 {
		t.Errorf("a file with a wrong word: %v", err)
	}
	seen := filewatch.Of(in.config.Points)
	if seen = in.follow(seen); put("/b/1.ts") != 403 {
		t.Error("the wrong file is followed")
	}
	points("[{path: /b/, open: true}, {path: /longer/, open: true}]")
	if seen = in.follow(seen); put("/b/1.ts") == 403 {
		t.Error("the new points are not followed")
	}
	if put("/a/1.ts") != 403 {
		t.Error("a point that is gone takes pushes")
	}
	if again := in.follow(seen); !again.Same(seen) {
		t.Error("what has not changed is followed")
	}
}
