package segstore

import "sync"

// memory is the body of a volatile object. Bytes that were written never change
// and are never moved under a reader: when the buffer grows, who reads the old
// one keeps it.
type memory struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

func newMemory(size int64) *memory {
	return &memory{buf: make([]byte, 0, max(size, 0))}
}

func (m *memory) append(p []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buf = append(m.buf, p...)
}

// trim gives back what a body of unknown size was given too much.
func (m *memory) trim() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cap(m.buf)-len(m.buf) > len(m.buf)/8 {
		m.buf = append(make([]byte, 0, len(m.buf)), m.buf...)
	}
}

func (m *memory) upTo(n int64) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buf[:n:n]
}
