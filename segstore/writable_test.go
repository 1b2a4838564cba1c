package segstore

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"tandem/segstore/index"
)

// How segstore/files tries a disk that failed.
const (
	probeEvery = time.Second
	goodProbes = 5
)

// A disk that refuses a body, bytes of one, its sync or the index is said to, in the
// system's words, until some time after it takes what comes again.
func TestDiskThatRefusesIsSaidToUntilItIsGood(t *testing.T) {
	for _, point := range []string{"create", "allocate", "write", "sync", "commit"} {
		synctest.Test(t, func(t *testing.T) {
			dir, f := t.TempDir(), newFaults()
			s := openStore(t, dir, Options{Fault: f.at})
			defer s.Close()
			fill := func(key Key) { _ = s.Fill(t.Context(), key, sourceOf(Meta{Size: 4}, []byte("body"))) }
			fill("/good")
			if err := errors.Join(s.Durable(t.Context()), s.Unwritable()); err != nil {
				t.Fatalf("%s: before: %v", point, err)
			}
			f.arm(point, 2, fmt.Errorf("%s %s: %w", point, dir, unix.ENOSPC))
			fill("/bad")
			_ = s.Durable(t.Context())
			if why := s.Unwritable(); why != unix.ENOSPC {
				t.Errorf("%s: %v", point, why)
			}
			f.arm("create", 3, unix.EROFS)
			time.Sleep(3*probeEvery + probeEvery/2)
			if why := s.Unwritable(); why != unix.EROFS {
				t.Errorf("%s, tried again: %v", point, why)
			}
			time.Sleep((goodProbes - 1) * probeEvery)
			if s.Unwritable() == nil {
				t.Errorf("%s: good at once", point)
			}
			time.Sleep(2 * probeEvery)
			if why := s.Unwritable(); why != nil {
				t.Errorf("%s: still %v", point, why)
			}
			if _, err := os.Stat(filepath.Join(dir, "probe")); err == nil {
				t.Error("the probe is left")
			}
		})
	}
}

// A store that can't be begun, since the disk has no room for its index, is not called
// corrupt; it leaves nothing, and begins when there is room.
func TestAStoreThatFindsNoRoomIsNotCorrupt(t *testing.T) {
	dir := t.TempDir()
	signal.Ignore(unix.SIGXFSZ)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := func(cur uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: cur, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		limit(17 << 10)
		s, err := Open(dir, Options{})
		limit(was.Cur)
		if err == nil {
			t.Fatal(s.Close())
		}
		if errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%v", err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "index*")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := openStore(t, dir, Options{}).Close(); err != nil {
		t.Error(err)
	}
}
