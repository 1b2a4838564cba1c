package front

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/front/streams"
	"tandem/internal/front/turns"
)

// shared is what a connection's goroutines write by: one that reads, whose answers to keys'
// updates TLS writes by itself, and one at a time that writes.
type shared struct {
	turn   *turns.Turn // of who seals and writes
	starts *turns.Turn // of requests that begin

	mu      sync.Mutex
	sealing bool    // guarded by mu; records are kept for send
	records *[]byte // guarded by mu; nil: none are
}

// writesAtOnce is how many connections may seal and write at a time, for each processor. What waits
// for its turn has left the processor's caches by then: with one for each, 512 KB cost a quarter
// more where all are busy. With so many somebody new waits a millisecond for those before.
const writesAtOnce = 16

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
	s.meter.Sent(len(record))
	return len(record), writeWhile(s.tcp, record, keysWait)
}

// writeInTurn writes b as long as some of it is taken within limit. Its client has the turn,
// which is given back: while the client is waited for somebody else has one.
func writeInTurn(tcp *net.TCPConn, turn *turns.Turn, b []byte, limit time.Duration) error {
	raw, failed := tcp.SyscallConn()
	push := func(fd uintptr) (waits bool) {
		for {
			n, err := kernel.Send(int(fd), b, false)
			switch {
			case err == nil:
				b = b[n:]
				return false
			case errors.Is(err, unix.EAGAIN):
				return true
			case !errors.Is(err, unix.EINTR):
				failed = err
				return false
			}
		}
	}
	if failed == nil {
		failed = raw.Control(func(fd uintptr) { push(fd) })
	}
	turn.Give()
	for len(b) > 0 && failed == nil {
		if failed = tcp.SetWriteDeadline(time.Now().Add(limit)); failed != nil {
			break
		}
		waited := false
		err := raw.Write(func(fd uintptr) bool {
			if !waited { // as a rule there is no room yet, and it is not worth a turn
				waited = true
				return !push(fd)
			}
			turn.Take()
			defer turn.Give()
			return !push(fd)
		})
		if failed == nil {
			failed = err
		}
	}
	return failed
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

// Progress is a streams.Conn's.
func (g gathered) Progress() (acked uint64, waiting int) {
	if raw, err := g.tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { acked, waiting, _ = kernel.Progress(int(fd)) })
	}
	return acked, waiting
}

// Seal is a streams.Conn's.
func (g gathered) Seal(b []byte) error {
	w := g.shared
	w.mu.Lock()
	w.sealing, w.records = true, recordBuffer(len(b)).Get().(*[]byte)
	w.mu.Unlock()
	w.turn.Take() // nobody who has one waits for whoever has mu, and for the client
	_, err := g.tls.Write(b)
	if err != nil {
		w.turn.Give()
	}
	return err
}

// Turn is a streams.Conn's.
func (g gathered) Turn() (begun func()) { return g.shared.starts.Begin() }

// Send is a streams.Conn's.
func (g gathered) Send(limit time.Duration) error {
	w := g.shared
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealing = false
	if w.records == nil {
		w.turn.Give()
		return nil
	}
	g.meter.Sent(len(*w.records))
	err := writeInTurn(g.tcp, w.turn, *w.records, limit)
	*w.records = (*w.records)[:0]
	recordBuffer(cap(*w.records) - 1<<10).Put(w.records)
	w.records = nil
	return err
}

var _ streams.Conn = gathered{}
