package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"tandem/edge/fetch"

	"tandem/edge/rules"

	"tandem/internal/front/kernel"
	"tandem/segstore"
)

// send writes the bytes from first to last of an object to the viewer; last
// openEnd is up to its end. It returns how many were
// written, and an error when that is not all.
func send(ctx context.Context, w http.ResponseWriter, r *http.Request, view *segstore.View, first, last int64) (int64, error) {
	if view.Complete() && last != rules.OpenEnd {
		if b := view.Bytes(); b != nil {
			n, err := w.Write(b[first : last+1])
			return int64(n), err
		}
		if file, ok := view.File(); ok && r.TLS == nil && r.ProtoMajor == 1 {
			if rf, ok := w.(io.ReaderFrom); ok {
				n, err := rf.ReadFrom(&kernel.Extent{File: file, Offset: first, Left: last + 1 - first})
				if err == nil && n != last+1-first {
					err = fetch.ErrShort
				}
				if err != nil {
					_ = view.Recheck()
				}
				return n, err
			}
		}
	}
	return sendCopied(ctx, w, view, first, last)
}

// sendCopied writes what there is and waits for what is still to come.
func sendCopied(ctx context.Context, w http.ResponseWriter, view *segstore.View, first, last int64) (int64, error) {
	buffer := fetch.Buffers.Get().(*[]byte)
	defer fetch.Buffers.Put(buffer)
	flusher := http.NewResponseController(w)
	offset := first
	for last < 0 || offset <= last {
		available, done, err := view.Wait(ctx, offset)
		if err != nil {
			return offset - first, err
		}
		if offset >= available {
			if done && last < 0 {
				break
			}
			return offset - first, fmt.Errorf("%w: %d of %d bytes", fetch.ErrShort, offset-first, last+1-first)
		}
		end := available
		if last >= 0 {
			end = min(end, last+1)
		}
		for offset < end {
			n, err := view.ReadAt((*buffer)[:min(end-offset, fetch.BufferSize)], offset)
			if n > 0 {
				if _, err := w.Write((*buffer)[:n]); err != nil {
					return offset - first, err
				}
				offset += int64(n)
			}
			if n == 0 {
				return offset - first, fmt.Errorf("%w: %w", fetch.ErrShort, err)
			}
		}
		if !done {
			_ = flusher.Flush() // a player must see a growing segment grow
		}
	}
	return offset - first, nil
}
