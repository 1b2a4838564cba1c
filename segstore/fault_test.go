package segstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// faults fails the next calls at chosen points.
type faults struct {
	mu   sync.Mutex
	fail map[string]error
	left map[string]int
	seen map[string]int
}

func newFaults() *faults {
	return &faults{fail: map[string]error{}, left: map[string]int{}, seen: map[string]int{}}
}

func (f *faults) arm(point string, times int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail[point], f.left[point] = err, times
}

func (f *faults) at(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[point]++
	if f.left[point] == 0 {
		return nil
	}
	f.left[point]--
	return f.fail[point]
}

func (f *faults) count(point string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[point]
}

func TestEveryFaultPointIsListedAndSurvived(t *testing.T) {
	f := newFaults()
	dir := t.TempDir()
	s := openStore(t, dir, Options{Fault: f.at})
	for i, point := range FaultPoints {
		t.Run(point.Name, func(t *testing.T) {
			key := fmt.Sprint("/", i)
			boom := errors.New("injected at " + point.Name)
			if err := s.Durable(t.Context()); err != nil { // what follows is about key alone
				t.Fatal(err)
			}
			f.arm(point.Name, 1, boom)
			err := s.Fill(t.Context(), key, sourceOf(Meta{Size: 4}, []byte("body")))
			switch point.Name {
			case "create", "allocate", "write":
				if !errors.Is(err, boom) || !errors.Is(err, ErrTooLarge) || s.Has(key) { // the caller gives it past the store
					t.Errorf("fill: %v", err)
				}
			default:
				if err != nil {
					t.Errorf("fill: %v", err)
				}
			}
			if point.Name == "remove" {
				s.Delete(key)
			}
			if err := s.Durable(t.Context()); err != nil && point.Name != "sync" {
				t.Errorf("durable: %v", err)
			}
			if point.Name == "sync" && s.Has(key) {
				t.Error("a body that could not be synced is still served")
			}
			if point.Name == "read" || point.Name == "open" {
				readThrough(s, key)
			}
			f.arm(point.Name, 0, nil)
			mustFill(t, s, key, Meta{Size: 4}, []byte("body"))
			mustHave(t, s, key, []byte("body"))
		})
	}
	for name := range f.seen {
		if !slices.ContainsFunc(FaultPoints, func(p FaultPoint) bool { return p.Name == name }) {
			t.Errorf("%s is not listed", name)
		}
	}
	_ = s.Close() // the file that could not be removed is one that Check reports
	s = openStore(t, dir, Options{})
	if n := s.Stats().Objects; n != len(FaultPoints) || len(bodyFiles(t, dir)) != n {
		t.Errorf("%d objects, %d files", n, len(bodyFiles(t, dir)))
	}
}

// readThrough makes the store open and read key's file again.
func readThrough(s *Store, key string) {
	s.files.CloseIdle()
	v, ok := s.Peek(key)
	if !ok {
		return
	}
	defer v.Close()
	_, _ = v.ReadAt(make([]byte, 4), 0)
}

func TestRecordComesAfterBodyAndDirectory(t *testing.T) {
	var mu sync.Mutex
	var order []string
	s := openStore(t, t.TempDir(), Options{Fault: func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, point)
		return nil
	}})
	mustFill(t, s, "/a", Meta{Size: 4}, []byte("body"))
	if err := s.Durable(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	want := []string{"create", "allocate", "write", "sync", "dirsync", "commit"}
	if !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
}

func TestFullDiskBreaksTheFillAndMakesRoom(t *testing.T) {
	f := newFaults()
	s := openStore(t, t.TempDir(), Options{Fault: f.at})
	for i := range 32 {
		mustFill(t, s, fmt.Sprint("/", i), Meta{Size: 1000}, bodyOf("x", 1000))
	}
	source := sourceOf(Meta{Size: -1}, []byte("first"))
	v, _, err := s.Get(t.Context(), "/full", func(ctx context.Context, k *Sink) error {
		if err := source(ctx, k); err != nil {
			return err
		}
		f.arm("write", 1, unix.ENOSPC)
		_, err := k.Write([]byte("second"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(v.Reader(t.Context(), 0))
	v.Close()
	if string(got) != "first" || !errors.Is(err, ErrBroken) || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("read %q, then %v", got, err)
	}
	if err := s.Put("/next", Meta{Size: 5}, bytes.NewReader([]byte("after"))); err != nil {
		t.Errorf("after that: %v", err)
	}
	for s.Stats().Evicted < 2 { // a sixteenth of 32, while readers go on
		waitTurn(t)
	}
	// Known before the first byte: the caller streams it past the store.
	f.arm("allocate", 2, unix.ENOSPC)
	err = s.Fill(t.Context(), "/big", sourceOf(Meta{Size: 5}, []byte("12345")))
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrBroken) {
		t.Errorf("a full disk at Begin: %v", err)
	}
	f.arm("allocate", 1, unix.ENOSPC)
	mustFill(t, s, "/big", Meta{Size: 5}, []byte("12345"))
}

func TestIndexThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	f := newFaults()
	dir := t.TempDir()
	s := openStore(t, dir, Options{Fault: f.at})
	f.arm("commit", 1, unix.EIO)
	mustFill(t, s, "/kept", Meta{Size: 1}, []byte("x"))
	mustFill(t, s, "/gone", Meta{Size: 1}, []byte("x"))
	for f.count("commit") == 0 {
		waitTurn(t)
	}
	s.Delete("/gone")
	if err := s.Durable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.count("commit") < 2 {
		t.Error("there was no second try")
	}
	_ = s.Close()
	s = openStore(t, dir, Options{})
	if !s.Has("/kept") || s.Has("/gone") {
		t.Errorf("after a restart kept is %v, gone is %v", s.Has("/kept"), s.Has("/gone"))
	}
}

func TestReaderOfATruncatedFileIsTold(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	body := bodyOf("/t", 10_000)
	mustFill(t, s, "/t", Meta{Size: 10_000}, body)
	v, _ := s.Peek("/t")
	defer v.Close()
	if err := unix.Truncate(bodyFiles(t, s.dir)[0], 4000); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(v.Reader(t.Context(), 0))
	if !bytes.Equal(got, body[:len(got)]) || !errors.Is(err, ErrBroken) {
		t.Errorf("read %d bytes, then %v", len(got), err)
	}
	if s.Has("/t") || s.Stats().Broken != 1 {
		t.Errorf("it is still there: %+v", s.Stats())
	}
	if _, err := v.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrBroken) {
		t.Errorf("afterwards: %v", err)
	}
}
