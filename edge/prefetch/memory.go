package prefetch

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"tandem/internal/media"
	"tandem/segstore"
)

// IntoMemory returns when the bytes of a complete copy, or of a part of it, are in the
// page cache. It reads them without copying where the kernel can (Linux 5.14).
func IntoMemory(view *segstore.View, part media.ByteRange) error {
	if view.Bytes() != nil {
		return nil
	}
	file, ok := view.File()
	if !ok {
		return errors.New("the copy has no file")
	}
	first, end := part.First, view.Size()
	if part.Length > 0 {
		end = min(end, first+part.Length)
	}
	if first >= end {
		return nil
	}
	if err := populate(file, first, end); err == nil {
		return nil
	}
	return readAll(file, first, end)
}

var readBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

func readAll(file *os.File, first, end int64) error {
	buffer := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buffer)
	for first < end {
		n, err := file.ReadAt((*buffer)[:min(end-first, int64(len(*buffer)))], first)
		if n == 0 {
			return fmt.Errorf("at byte %d of %d: %w", first, end, err)
		}
		first += int64(n)
	}
	return nil
}
