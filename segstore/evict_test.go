package segstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestStoreStaysInBoundsAndKeepsWhatIsRead(t *testing.T) {
	const size = 10_000
	for _, volatile := range []bool{false, true} {
		t.Run(fmt.Sprint("volatile ", volatile), func(t *testing.T) {
			limit := int64(20 * (size + objectCost))
			s := openStore(t, t.TempDir(), Options{MaxBytes: limit, MemoryBytes: limit})
			var views []*View
			for i := range 100 {
				key := fmt.Sprint("/", i)
				mustFill(t, s, key, Meta{Size: size, Volatile: volatile}, bodyOf(key, size))
				if i < 10 {
					v, _ := s.Peek(key)
					views = append(views, v)
				}
				if stats := s.Stats(); stats.Bytes+stats.MemoryBytes > limit {
					t.Fatalf("%+v", stats)
				}
				if n := len(bodyFiles(t, s.dir)); n > 20 {
					t.Fatalf("%d files", n)
				}
			}
			for i, v := range views {
				mustRead(t, v, bodyOf(fmt.Sprint("/", i), size))
				if !s.Has(fmt.Sprint("/", i)) {
					t.Errorf("%d was thrown out while read", i)
				}
			}
			if stats := s.Stats(); stats.Objects != 20 || stats.Evicted != 80 || stats.EvictedBytes != 80*size {
				t.Errorf("%+v", stats)
			}
			s.List(func(i Item) bool { // now nothing may go
				v, _ := s.Peek(i.Key)
				views = append(views, v)
				return true
			})
			err := s.Fill(t.Context(), "/more", sourceOf(Meta{Size: size, Volatile: volatile}, nil))
			if !errors.Is(err, ErrFull) {
				t.Errorf("no room: %v", err)
			}
			for _, v := range views {
				v.Close()
			}
			mustFill(t, s, "/more", Meta{Size: -1, Volatile: volatile}, bodyOf("/more", size))
		})
	}
}

func TestDeletedBytesCountUntilTheLastViewIsClosed(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/a", Meta{Size: 4}, []byte("body"))
	v, _ := s.Peek("/a")
	if !s.Delete("/a") || s.Delete("/a") || s.Has("/a") {
		t.Error("deleted once")
	}
	if s.Stats().Bytes != 4 || len(bodyFiles(t, s.dir)) != 1 {
		t.Errorf("%+v", s.Stats())
	}
	mustRead(t, v, []byte("body"))
	v.Close()
	for began := time.Now(); s.Stats().Bytes != 0 && time.Since(began) < 10*time.Second; runtime.Gosched() {
		s.commit.letsGo(t.Context()) // it holds what it syncs, and a fill what it has just ended
	}
	if s.Stats().Bytes != 0 || len(bodyFiles(t, s.dir)) != 0 {
		t.Errorf("%+v", s.Stats())
	}
}

func TestObjectOfUnknownSizeIsBoundedToo(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{MaxBytes: 100_000, MemoryBytes: 50_000})
	for _, volatile := range []bool{false, true} {
		err := s.Fill(t.Context(), "/endless", sourceOf(Meta{Size: -1, Volatile: volatile}, make([]byte, 60_000)))
		if !errors.Is(err, ErrTooLarge) || !errors.Is(err, ErrBroken) {
			t.Errorf("volatile %v: %v", volatile, err)
		}
	}
	if stats := s.Stats(); stats.Bytes != 0 || stats.MemoryBytes != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestManyHandsAtOnce(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{MaxBytes: 200_000, MemoryBytes: 50_000, Descriptors: 8})
	var hands sync.WaitGroup
	for hand := range 8 {
		hands.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(hand)))
			for range 300 {
				key := fmt.Sprint("/", random.IntN(60))
				body := bodyOf(key, len(key)*3000)
				meta := Meta{Size: int64(len(body)), Volatile: len(key) == 2}
				source := sourceOf(meta, body)
				ask := s.Get
				switch random.IntN(12) {
				case 0:
					s.Delete(key)
					continue
				case 1:
					s.DeletePrefix(key)
					continue
				case 2:
					_ = s.Replace(key, Meta{CacheControl: key})
					continue
				case 3:
					ask = s.Refresh
				}
				v, _, err := ask(t.Context(), key, source)
				if err != nil {
					if !errors.Is(err, ErrFull) {
						t.Error(err)
					}
					continue
				}
				mustRead(t, v, body)
				v.Close()
			}
		})
	}
	hands.Wait()
	if stats := s.Stats(); stats.Broken != 0 {
		t.Errorf("%+v", stats)
	}
}
