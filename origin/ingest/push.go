package ingest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"os"
	"sync"
)

// Push is one object on its way in. What has come can be read while the rest is
// still being sent (low-latency DASH); who reads it gets this version to its end,
// or a connection that breaks.
type Push struct {
	name      string
	number    uint64 // of all pushes: the one that began later wins
	size      int64  // announced, -1: not known before the end
	caching   string // Cache-Control of the object
	temporary string // where its bytes are until it is whole
	file      *os.File
	sum       hash.Hash // owned by the one who writes

	mu      sync.Mutex
	holders int           // the writer, and readers; guarded by mu
	written int64         // guarded by mu
	ended   bool          // guarded by mu
	failed  error         // why it ended early; guarded by mu
	wake    chan struct{} // closed when more is there; nil: nobody waits; guarded by mu
}

// newPush opens a file for an object.
func newPush(root *os.Root, name string, size int64) (*Push, error) {
	p := &Push{name: name, size: size, temporary: incoming + "/" + rand.Text(), sum: sha256.New(), holders: 1}
	var err error
	p.file, err = root.OpenFile(p.temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	return p, err
}

// Write adds to the object and lets readers see it.
func (p *Push) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written += int64(n)
	p.rouse()
	return n, err
}

// end tells readers that nothing more will come.
func (p *Push) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.failed = true, err
	p.rouse()
}

// rouse wakes who waits; called with mu held.
func (p *Push) rouse() {
	if p.wake != nil {
		close(p.wake)
		p.wake = nil
	}
}

// Caching is the object's Cache-Control.
func (p *Push) Caching() string { return p.caching }

// hold keeps the bytes readable until LetGo. False: there is nothing to be read
// yet, or any more.
func (p *Push) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written == 0 || p.ended {
		return false
	}
	p.holders++
	return true
}

// LetGo ends the reading.
func (p *Push) LetGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders--; p.holders == 0 {
		_ = p.file.Close() // what it says of the writing was seen by Write
	}
}

// Wait returns when more than offset bytes are there, or none will come.
func (p *Push) Wait(ctx context.Context, offset int64) (available int64, ended bool, err error) {
	for {
		p.mu.Lock()
		available, ended, err = p.written, p.ended, p.failed
		if available > offset || ended {
			p.mu.Unlock()
			if available > offset {
				err = nil // first what is there
			}
			return available, ended, err
		}
		if p.wake == nil {
			p.wake = make(chan struct{})
		}
		wake := p.wake
		p.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return available, false, context.Cause(ctx)
		}
	}
}
