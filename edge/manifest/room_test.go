package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/media"
	"tandem/segstore"
)

// TestLargeManifestsAreReadAsFarAsThereIsRoom: of forty stored ones of half the limit
// four are read at once, and what the others would take is not held meanwhile.
func TestLargeManifestsAreReadAsFarAsThereIsRoom(t *testing.T) {
	const size, limit, many = 512 << 10, 1 << 20, 40
	s := newStage(t, Config{Limit: limit, Memory: 64 << 20})
	var views []*segstore.View
	for i := range many {
		body := append([]byte("#EXTM3U\n#"), bytes.Repeat([]byte("A"), size-9)...)
		key := fmt.Sprintf("/v/%d.m3u8", i)
		s.put(t, key, body, segstore.Meta{})
		views = append(views, s.view(t, key))
	}
	synctest.Test(t, func(t *testing.T) {
		var reading, most atomic.Int64
		held := make(chan struct{})
		c := New(Config{Limit: limit, Memory: 64 << 20}, Deps{Logger: zerolog.Nop(), Store: s.store, Origin: func(string) *media.Origin {
			most.Store(max(most.Load(), reading.Add(1)))
			<-held
			reading.Add(-1)
			return media.Unnamed()
		}})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		done := make(chan error, many)
		for i, view := range views {
			go func() {
				e, err := c.Of(fmt.Sprintf("/v/%d.m3u8", i), view)
				if err == nil && e.Manifest == nil {
					err = errors.New("it is none")
				}
				done <- err
			}()
		}
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if n := reading.Load(); n != 2*limit/size || after.TotalAlloc-before.TotalAlloc > 3*limit {
			t.Errorf("%d are read at once, and %d bytes were taken", n, after.TotalAlloc-before.TotalAlloc)
		}
		close(held)
		for range many {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := most.Load(); n > 2*limit/size {
			t.Errorf("%d were read at once", n)
		}
	})
}

// TestWhoFindsNoRoomIsToldSo after a bounded time, and the manifest is not taken for
// none by that; a small one needs no room.
func TestWhoFindsNoRoomIsToldSo(t *testing.T) {
	s := newStage(t, Config{})
	large := append([]byte(plain), bytes.Repeat([]byte("#"), Small)...)
	s.put(t, "/large.m3u8", large, segstore.Meta{})
	s.put(t, "/small.m3u8", []byte(plain), segstore.Meta{})
	big, small := s.view(t, "/large.m3u8"), s.view(t, "/small.m3u8")
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Limit: 1 << 20, Memory: 1 << 20}, Deps{Logger: zerolog.Nop(), Store: s.store, Origin: func(string) *media.Origin { return media.Unnamed() }})
		var leave []func()
		for range 2 {
			l, err := c.Enter(t.Context(), "", -1) // as large as one may be
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		begin := time.Now()
		if _, err := c.Of("/large.m3u8", big); !errors.Is(err, ErrBusy) || time.Since(begin) != roomWait || c.Counts.Busy.Load() != 1 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if m := c.Get("/large.m3u8"); m != nil {
			t.Error("it was read all the same")
		}
		if e, err := c.Of("/small.m3u8", small); err != nil || e.Manifest == nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Enter(ctx, "gzip", Small+1); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		leave[0]()
		leave[0]() // once is once
		if e, err := c.Of("/large.m3u8", big); err != nil || e.Manifest == nil {
			t.Error(err)
		}
		if !c.room.of.TryAcquire(c.room.limit) || c.room.of.TryAcquire(1) {
			t.Error("what was read keeps its room")
		}
	})
}

// TestWhatIsEncodedTakesRoomForWhatItMayBecome: two of them take it all.
func TestWhatIsEncodedTakesRoomForWhatItMayBecome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Limit: 1 << 20, Memory: 1 << 20}, Deps{Logger: zerolog.Nop()})
		for i, encoding := range []string{"gzip", "br", ""} {
			if _, err := c.Enter(t.Context(), encoding, Small+1); (err != nil) != (i == 2) {
				t.Errorf("%d, %q: %v", i, encoding, err)
			}
		}
		for _, size := range []int64{0, 1, Small} {
			if _, err := c.Enter(t.Context(), "gzip", size); err != nil {
				t.Error(size, err)
			}
		}
	})
}
