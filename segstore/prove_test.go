package segstore

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// reopened is a store of one object whose disk has changed one byte of the body while
// nobody looked, or none.
func reopened(t *testing.T, size int, flip bool) (s *Store, body []byte) {
	t.Helper()
	dir, body := t.TempDir(), bodyOf("/x", size)
	first, err := Open(dir, Options{MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	mustFill(t, first, "/x", Meta{Size: int64(size)}, body)
	if err := errors.Join(first.Durable(t.Context()), first.Close()); err != nil {
		t.Fatal(err)
	}
	if flip {
		changed := bytes.Clone(body)
		changed[size-1] ^= 1
		files, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*.seg"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		if err := os.WriteFile(files[0], changed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return openStore(t, dir, Options{MaxBytes: 1 << 30}), body
}

func TestBytesThatTheDiskHasChangedAreGivenToNobody(t *testing.T) {
	s, body := reopened(t, 100_000, true)
	if v, ok := s.Glance("/x"); !ok || v.Proven() {
		t.Errorf("there: %v; nobody has read it, and it is vouched for", ok)
	} else {
		v.Close()
	}
	var all sync.WaitGroup
	for range 8 { // whoever waits for the comparison gets the new copy as well
		all.Go(func() {
			v, _, err := s.Get(t.Context(), "/x", sourceOf(Meta{Size: int64(len(body))}, body))
			if err != nil {
				t.Error(err)
				return
			}
			defer v.Close()
			if got, err := io.ReadAll(v.Reader(t.Context(), 0)); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes, %v; not what the origin has", len(got), err)
			}
		})
	}
	all.Wait()
	if n := s.Stats(); n.Broken != 1 || n.Fills != 1 || n.Proven != 0 {
		t.Errorf("%+v, want one broken, filled once", n)
	}
}

func TestACopyIsComparedOnceAStart(t *testing.T) {
	s, body := reopened(t, 100_000, false)
	for range 3 {
		v, ok := s.Peek("/x")
		if !ok || !v.Proven() {
			t.Fatalf("there: %v, or not proven", ok)
		}
		mustRead(t, v, body)
		v.Close()
	}
	if n := s.Stats(); n.Proven != 1 || n.Broken != 0 {
		t.Errorf("%+v, want it compared once", n)
	}
	mustFill(t, s, "/new", Meta{Size: 1}, []byte("x"))
	v, _ := s.Glance("/new")
	defer v.Close()
	if !v.Proven() {
		t.Error("what was written now is to be compared")
	}
}

func TestALargeCopyIsGivenWhileItIsCompared(t *testing.T) {
	s, _ := reopened(t, proveAtOnce+1, true)
	v, ok := s.Peek("/x")
	if !ok {
		t.Fatal("nothing is given before 16 MiB are read")
	}
	defer v.Close()
	v.object.proving.Lock() // the comparison has ended
	proven := v.Proven()
	v.object.proving.Unlock()
	if _, err := v.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrDigest) || proven {
		t.Errorf("whoever reads it is told %v; vouched for: %v", err, proven)
	}
	if _, ok := s.Peek("/x"); ok || s.Stats().Broken != 1 {
		t.Errorf("it is still there: %+v", s.Stats())
	}
}

func TestClosingInTheMiddleOfAComparisonBreaksNoReader(t *testing.T) {
	s, body := reopened(t, proveAtOnce+1, false)
	v, ok := s.Peek("/x")
	if !ok {
		t.Fatal("it is not there")
	}
	defer v.Close()
	if _, ok := v.File(); !ok {
		t.Fatal(v.Err())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := v.ReadAt(got, 0); err != nil || !bytes.Equal(got, body[:10]) {
		t.Errorf("%q, %v", got, err)
	}
}
