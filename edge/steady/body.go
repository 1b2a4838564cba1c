package steady

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync"
	"time"
)

// Body is an io.ReadCloser.
type Body struct {
	after time.Duration
	rest  func(read int64, sum []byte) io.ReadCloser
	watch *time.Timer

	mu     sync.Mutex
	now    io.ReadCloser // guarded by mu
	next   io.ReadCloser // takes its place; guarded by mu
	skip   int64         // of the next read: it came from the one before after all; guarded by mu
	read   int64         // guarded by mu
	sum    hash.Hash     // SHA-256 of what was read; guarded by mu
	asked  bool          // guarded by mu
	closed bool          // guarded by mu
}

// New is a body; when it gives no byte for so long, rest is asked for what is behind the
// bytes that were read, whose SHA-256 is sum. Rest nil, or nil from it: there is none.
func New(body io.ReadCloser, after time.Duration, rest func(read int64, sum []byte) io.ReadCloser) *Body {
	b := &Body{after: after, rest: rest, now: body, sum: sha256.New(), asked: rest == nil}
	b.watch = time.AfterFunc(time.Hour, b.silent)
	b.watch.Stop()
	return b
}

// So far is how much was read, and the SHA-256 of that.
func (b *Body) SoFar() (read int64, sum []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read, b.sum.Sum(nil)
}

// Continue goes on with another body, which begins behind what was read; the one before was
// closed.
func (b *Body) Continue(body io.ReadCloser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now, b.asked, b.closed = body, true, false
}

// Read is an io.Reader's.
func (b *Body) Read(p []byte) (int, error) {
	for {
		b.mu.Lock()
		now, skip := b.now, b.skip
		b.skip = 0
		b.mu.Unlock()
		if b.rest != nil {
			b.watch.Reset(b.after)
		}
		if skip > 0 {
			if _, err := io.CopyN(io.Discard, now, skip); err != nil {
				return 0, io.ErrUnexpectedEOF
			}
		}
		n, err := now.Read(p)
		b.watch.Stop()
		if !b.took(p[:n], err) {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// took notes what was read. True: another body goes on.
func (b *Body) took(p []byte, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum.Write(p)
	b.read += int64(len(p))
	if b.next == nil || b.closed || err == io.EOF {
		return false
	}
	b.now, b.next, b.skip = b.next, nil, int64(len(p))
	return true
}

// silent asks for the rest and wakes the reader when it is there and nothing has come.
func (b *Body) silent() {
	b.mu.Lock()
	if b.asked || b.closed {
		b.mu.Unlock()
		return
	}
	b.asked = true
	at, sum := b.read, b.sum.Sum(nil)
	b.mu.Unlock()
	rest := b.rest(at, sum)
	if rest == nil {
		return
	}
	b.mu.Lock()
	now, late := b.now, b.closed || b.read != at
	if !late {
		b.next = rest
	}
	b.mu.Unlock()
	if late {
		_ = rest.Close()
		return
	}
	_ = now.Close()
}

// Close is an io.Closer's.
func (b *Body) Close() error {
	b.watch.Stop()
	b.mu.Lock()
	b.closed = true
	now, next := b.now, b.next
	b.next = nil
	b.mu.Unlock()
	if next != nil {
		_ = next.Close()
	}
	return now.Close()
}
