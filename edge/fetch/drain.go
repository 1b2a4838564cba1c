package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// bodyBuffer is what is copied at a time where sendfile can't be used, in bytes:
// large enough that TLS records go out gathered.
const BufferSize = 256 << 10

var Buffers = sync.Pool{New: func() any { b := make([]byte, BufferSize); return &b }}

// stall is how long a body may make no progress.
func (a *answer) stall(origin time.Duration) time.Duration {
	if a.from == "origin" || a.passed {
		return origin
	}
	return peerStall
}

// drainInto copies one answer's body; a body without progress is broken off.
func (f *Fetcher) drainInto(ctx context.Context, to io.Writer, a *answer) (int64, error) {
	limit := a.stall(f.cfg.OriginTimeout)
	var stalled atomic.Bool
	body := a.resp.Body
	watch := time.AfterFunc(limit, func() {
		stalled.Store(true)
		_ = body.Close()
	})
	defer watch.Stop()
	buffer := Buffers.Get().(*[]byte)
	defer Buffers.Put(buffer)
	var written int64
	for {
		n, err := body.Read(*buffer)
		watch.Reset(limit)
		if n > 0 {
			if _, err := to.Write((*buffer)[:n]); err != nil {
				return written, err
			}
			written += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF):
			return written, nil
		case stalled.Load():
			return written, fmt.Errorf("%w: no byte from %s for %s", ErrShort, a.from, limit)
		case err != nil:
			return written, fmt.Errorf("%w: %w", ErrShort, err)
		case ctx.Err() != nil:
			return written, context.Cause(ctx)
		}
	}
}
