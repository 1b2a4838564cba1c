package segstore

import (
	"fmt"
	"strings"
	"testing"
)

// Bodies of a few bytes are bounded by their number: what is asked for again stays, the
// rest makes way, and so it is when the store is opened with room for fewer.
func TestObjectsOfAFewBytesAreBounded(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{Objects: 20})
	put := func(key string, volatile bool) {
		t.Helper()
		if err := s.Put(key, Meta{Size: 1, Volatile: volatile}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	has := func() (n int) {
		s.List(func(it Item) bool {
			if !it.Meta.Volatile {
				n++
			}
			return true
		})
		return n
	}
	for i := range 200 {
		put(fmt.Sprint("/", i), false)
		if view, ok := s.Peek("/3"); ok {
			view.Close()
		}
		if n := has(); n > 21 {
			t.Fatalf("%d objects are kept", n)
		}
	}
	if !s.Has("/3") || has() < 20 {
		t.Errorf("what was asked for again is there: %v; %d objects", s.Has("/3"), has())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, Options{Objects: 5})
	if n := has(); n != 5 {
		t.Errorf("%d objects after it was opened for 5", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, t.TempDir(), Options{MemoryBytes: 16 << 20, Objects: 5})
	for i := range 2 * (16 << 20) / objectMemory {
		put(fmt.Sprint("/v", i), true)
	}
	if n := s.volatile.objects.Load(); n > (16<<20)/objectMemory+1 {
		t.Errorf("%d objects are in memory alone", n)
	}
}

func TestAnEighthOfTheMemoryIsForObjects(t *testing.T) {
	for memory, want := range map[uint64]int{0: 524288, 1 << 30: 65536, 8 << 30: 349525, 1 << 50: 1<<31 - 1} {
		if got := mostObjects(memory); got != want {
			t.Errorf("%d bytes: %d, want %d", memory, got, want)
		}
	}
}
