package segstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"tandem/segstore/record"
)

// openStore opens a store that is checked and closed at the end of the test.
func openStore(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_ = s.Close()
			return
		}
		if !s.closed.Load() {
			if err := s.Check(); err != nil {
				t.Errorf("the store does not keep its truths: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// bodyOf is the one right body of key: whoever knows the key can check bytes.
func bodyOf(key string, size int) []byte {
	seed := sha256.Sum256([]byte(key))
	body := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(body)
	return body
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// sourceOf serves body at once.
func sourceOf(m Meta, body []byte) Source {
	return func(_ context.Context, sink *Sink) error {
		if err := sink.Begin(m); err != nil {
			return err
		}
		_, err := sink.Write(body)
		return err
	}
}

// never is a source that must not run.
func never(t testing.TB) Source {
	return func(context.Context, *Sink) error {
		t.Error("a source ran where a copy should have been there")
		return errors.New("never")
	}
}

func mustFill(t testing.TB, s *Store, key string, m Meta, body []byte) {
	t.Helper()
	if err := s.Fill(t.Context(), key, sourceOf(m, body)); err != nil {
		t.Fatalf("fill %s: %v", key, err)
	}
}

// mustRead reads v to its end and compares.
func mustRead(t testing.TB, v *View, want []byte) {
	t.Helper()
	got, err := io.ReadAll(v.Reader(t.Context(), 0))
	if err != nil {
		t.Errorf("read: %v", err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("read %d bytes that are not the %d of the source", len(got), len(want))
	}
}

func mustHave(t testing.TB, s *Store, key string, want []byte) {
	t.Helper()
	v, ok := s.Peek(key)
	if !ok {
		t.Errorf("%s is not there", key)
		return
	}
	defer v.Close()
	mustRead(t, v, want)
}

func bodyFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestObjectComesBackAsItWasStored(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	body := bodyOf("/a", 100_000)
	meta := Meta{Status: 200, ContentType: "video/mp4", ETag: `"x"`, CacheControl: "max-age=1", Size: 100_000, Pairs: Pair(7), Stream: "/s/", Fields: "Server: x\r\n"}
	mustFill(t, s, "/a", meta, body)
	mustFill(t, s, "/empty", Meta{Size: 0}, nil)
	mustFill(t, s, "/missing", Meta{Status: 404, Size: -1}, []byte("no"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(t.Context(), "/a", never(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed store answered %v", err)
	}

	s = openStore(t, dir, Options{})
	v, outcome, err := s.Get(t.Context(), "/a", never(t))
	if err != nil || outcome != Hit {
		t.Fatalf("got %v, %v", outcome, err)
	}
	defer v.Close()
	mustRead(t, v, body)
	got := v.Meta()
	if got.Stored.IsZero() || got.Digest != digestOf(body) {
		t.Errorf("stored %v, digest %s", got.Stored, got.Digest)
	}
	meta.Stored, meta.Digest = got.Stored, got.Digest
	if got != meta {
		t.Errorf("metadata is %+v, was %+v", got, meta)
	}
	mustHave(t, s, "/empty", nil)
	if s.Has("/missing") {
		t.Error("a negative answer survived a restart")
	}
	if stats := s.Stats(); stats.Objects != 2 || stats.Bytes != 100_000 || stats.Hits != 2 {
		t.Errorf("%+v", stats)
	}
}

func TestFileAndBytesShowTheBody(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/disk", Meta{Size: -1}, []byte("on disk"))
	mustFill(t, s, "/memory", Meta{Size: -1, Volatile: true}, []byte("in memory"))
	disk, _ := s.Peek("/disk")
	file, ok := disk.File()
	if !ok || disk.Bytes() != nil {
		t.Fatal("no file of an object on disk")
	}
	got := make([]byte, 7)
	if _, err := file.ReadAt(got, 0); err != nil || string(got) != "on disk" {
		t.Errorf("%q, %v", got, err)
	}
	disk.Close()
	disk.Close()
	memory, _ := s.Peek("/memory")
	defer memory.Close()
	if _, ok := memory.File(); ok || string(memory.Bytes()) != "in memory" {
		t.Errorf("volatile bytes are %q", memory.Bytes())
	}
	if n := len(bodyFiles(t, s.dir)); n != 1 {
		t.Errorf("%d files, want 1: a volatile object is never on disk", n)
	}
}

func TestReplaceKeepsTheBodyAndChangesTheMetadata(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	mustFill(t, s, "/a", Meta{ETag: `"1"`, ContentType: "video/mp4", Size: -1}, []byte("body"))
	if err := s.Replace("/a", Meta{ETag: `"2"`}); !errors.Is(err, ErrChanged) {
		t.Errorf("another ETag: %v", err)
	}
	if err := s.Replace("/b", Meta{}); !errors.Is(err, ErrAbsent) {
		t.Errorf("no copy: %v", err)
	}
	fresh := record.Moment(1_900_000_000_000_000_000)
	if err := s.Replace("/a", Meta{ETag: `"1"`, Fresh: fresh, CacheControl: "max-age=9"}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = openStore(t, dir, Options{})
	v, _ := s.Peek("/a")
	defer v.Close()
	m := v.Meta()
	if !m.Fresh.Equal(fresh) || m.CacheControl != "max-age=9" || m.ContentType != "video/mp4" || m.Size != 4 {
		t.Errorf("after a restart: %+v", m)
	}
	if v.Fresh(fresh) || !v.Fresh(fresh.Add(-1)) {
		t.Error("fresh until means: not at")
	}
}

func TestPutVerifiesWhatIsAnnounced(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	body := bodyOf("/p", 5000)
	for name, bad := range map[string]struct {
		meta Meta
		want error
	}{
		"short":  {Meta{Size: 5001}, ErrSize},
		"long":   {Meta{Size: 4999}, ErrSize},
		"digest": {Meta{Size: 5000, Digest: digestOf([]byte("other"))}, ErrDigest},
		"texts":  {Meta{Size: 5000, Vary: string(make([]byte, maxMeta+1))}, ErrMeta},
	} {
		if err := s.Put("/p", bad.meta, bytes.NewReader(body)); !errors.Is(err, bad.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Has("/p") || s.Stats().Bytes != 0 || len(bodyFiles(t, s.dir)) != 0 {
		t.Errorf("something was stored: %+v", s.Stats())
	}
	meta := Meta{Size: 5000, Digest: digestOf(body)}
	if err := s.Put("/p", meta, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	unread := bytes.NewReader(body)
	if err := s.Put("/p", meta, unread); err != nil || unread.Len() != 5000 {
		t.Errorf("the same digest again: %v, %d bytes left of 5000", err, unread.Len())
	}
	mustHave(t, s, "/p", body)
	for _, key := range []string{"", string(make([]byte, maxKey+1))} {
		if err := s.Put(key, meta, bytes.NewReader(body)); !errors.Is(err, ErrKey) {
			t.Errorf("key of %d bytes: %v", len(key), err)
		}
	}
}

func TestListShowsHitsAndStops(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	for i := range 10 {
		mustFill(t, s, fmt.Sprint("/", i), Meta{Size: -1}, []byte("x"))
	}
	mustHave(t, s, "/3", []byte("x"))
	mustHave(t, s, "/3", []byte("x"))
	seen := 0
	s.List(func(i Item) bool {
		seen++
		if want := int64(0); i.Key == "/3" && i.Hits != 2 || i.Key != "/3" && i.Hits != want || i.Used.IsZero() {
			t.Errorf("%s: %d hits, used %v", i.Key, i.Hits, i.Used)
		}
		return true
	})
	s.List(func(Item) bool { seen++; return false })
	if seen != 11 {
		t.Errorf("saw %d items, want 10 and 1", seen)
	}
}

func TestOneProcessAStore(t *testing.T) {
	dir := t.TempDir()
	openStore(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open said %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "below"), Options{}); err == nil {
		t.Error("a store was made below a file")
	}
}

// waitTurn lets others run while a test waits for a counter.
func waitTurn(t testing.TB) {
	t.Helper()
	if t.Context().Err() != nil {
		t.Fatal("waited in vain")
	}
	runtime.Gosched()
}
