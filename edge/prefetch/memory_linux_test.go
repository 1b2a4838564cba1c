package prefetch

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/internal/media"
	"tandem/segstore"
)

// What is made ready is in the page cache, all of it or the part that is wanted.
func TestWhatIsMadeReadyIsInMemory(t *testing.T) {
	const size = 32 << 20 // more than the kernel reads round a part
	s, err := segstore.Open(t.TempDir(), segstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Put("/1.m4s", segstore.Meta{Size: size}, bytes.NewReader(make([]byte, size))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Durable(ctx); err != nil {
		t.Fatal(err)
	}
	view, _ := s.Peek("/1.m4s")
	defer view.Close()
	file, ok := view.File()
	if !ok {
		t.Fatal("no file")
	}
	for what, read := range map[string]func(part media.ByteRange) error{
		"mapped": func(part media.ByteRange) error { return IntoMemory(view, part) },
		"read": func(part media.ByteRange) error {
			return readAll(file, part.First, max(part.First+part.Length, size*b2i(part.Length == 0)))
		},
	} {
		evict(t, file)
		if err := read(media.ByteRange{First: size - 1<<20, Length: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if part, rest := resident(t, file, size-1<<20, 1<<20), resident(t, file, 0, size/2); part < 1 || rest == 1 {
			t.Errorf("%s: of the part %.0f %% is in memory, of the rest %.0f %%", what, 100*part, 100*rest)
		}
		if err := read(media.ByteRange{}); err != nil || resident(t, file, 0, size) < 1 {
			t.Errorf("%s: %v, %.0f %%", what, err, 100*resident(t, file, 0, size))
		}
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// evict takes a file out of the page cache.
func evict(t *testing.T, file *os.File) {
	t.Helper()
	if err := unix.Fdatasync(int(file.Fd())); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
		if resident(t, file, 0, 32<<20) == 0 {
			return
		}
	}
	t.Skip("this file system keeps its files in memory")
}

// resident is the share of a part that is in memory.
func resident(t *testing.T, file *os.File, first, length int64) float64 {
	t.Helper()
	b, err := unix.Mmap(int(file.Fd()), first, int(length), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	pages := make([]byte, (length+int64(os.Getpagesize())-1)/int64(os.Getpagesize()))
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(addressOf(b)), uintptr(len(b)), uintptr(addressOf(pages))); errno != 0 {
		t.Fatal(errno)
	}
	in := 0
	for _, p := range pages {
		in += int(p & 1)
	}
	return float64(in) / float64(len(pages))
}

func addressOf(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
