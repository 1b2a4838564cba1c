package front

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"tandem/internal/front/kernel"
	"tandem/internal/front/streams"
)

// shared is what a connection's goroutines write by: one that reads, whose answers to keys'
// updates TLS writes by itself, and one at a time that writes.
type shared struct {
	mu      sync.Mutex
	sealing bool    // guarded by mu; records are kept for send
	records *[]byte // guarded by mu; nil: none are
}

// keysWait is how long the kernel may take for what TLS writes by itself.
const keysWait = 30 * time.Second

// recordBuffers are for the records of what is sealed at once, small and large.
var recordBuffers = [2]sync.Pool{
	{New: func() any { b := make([]byte, 0, 17<<10); return &b }},
	{New: func() any { b := make([]byte, 0, 100<<10); return &b }},
}

func recordBuffer(bytes int) *sync.Pool {
	if bytes <= 16<<10 {
		return &recordBuffers[0]
	}
	return &recordBuffers[1]
}

// put takes a record.
func (w *shared) put(s *secure, record []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealing {
		*w.records = append(*w.records, record...)
		return len(record), nil
	}
	return len(record), w.write(s, record, keysWait)
}

func (w *shared) write(s *secure, b []byte, limit time.Duration) error {
	s.meter.Sent(len(b))
	return writeWhile(s.tcp, b, limit)
}

// writeWhile writes as long as some of it is taken within limit.
func writeWhile(to interface {
	io.Writer
	SetWriteDeadline(t time.Time) error
}, b []byte, limit time.Duration,
) error {
	for {
		if err := to.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		n, err := to.Write(b)
		if b = b[n:]; err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

// gathered is a connection as those who speak HTTP/2 on it use it: records that are sealed
// one after the other go out together.
type gathered struct{ *secure }

// Read is a net.Conn's.
func (g gathered) Read(b []byte) (int, error) { return g.tls.Read(b) }

// Write is a net.Conn's.
func (g gathered) Write(b []byte) (int, error) { return g.tls.Write(b) }

// Close is a net.Conn's.
func (g gathered) Close() error { return g.tcp.Close() }

// CloseWrite is a streams.Conn's.
func (g gathered) CloseWrite() error {
	if err := g.tls.CloseWrite(); err != nil {
		return err
	}
	return g.tcp.CloseWrite()
}

// Unsent is a streams.Conn's.
func (g gathered) Unsent() (waiting int) {
	if raw, err := g.tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, waiting, _ = kernel.Progress(int(fd)) })
	}
	return waiting
}

// Seal is a streams.Conn's.
func (g gathered) Seal(b []byte) error {
	w := g.shared
	w.mu.Lock()
	w.sealing, w.records = true, recordBuffer(len(b)).Get().(*[]byte)
	w.mu.Unlock()
	_, err := g.tls.Write(b)
	return err
}

// Send is a streams.Conn's.
func (g gathered) Send(limit time.Duration) error {
	w := g.shared
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealing = false
	if w.records == nil {
		return nil
	}
	err := w.write(g.secure, *w.records, limit)
	*w.records = (*w.records)[:0]
	recordBuffer(cap(*w.records) - 1<<10).Put(w.records)
	w.records = nil
	return err
}

var _ streams.Conn = gathered{}
