package manifest

import (
	"container/list"
	"errors"
	"io"
	"sync/atomic"
)

// A version is in memory once, however many viewers it goes out to. One that another has
// taken the place of, or that gave way, stays while somebody is given it; together these
// take so much and no more: beyond, the one that left first is not sent on.

// ErrLeft is returned for a version that is sent no more.
var ErrLeft = errors.New("this version of a manifest has left, and too many others with it")

// leftShare is how much those take together that have left and go out still, in sizes of
// the largest manifest.
const leftShare = 8

// holding is who is given an entry.
type holding struct {
	viewers int           // guarded by the Cache's mu
	at      *list.Element // among those that have left; guarded by the Cache's mu
	ended   atomic.Bool   // it is sent no more
}

// Ended tells that it is to be sent no more.
func (e *Entry) Ended() bool { return e.holding.ended.Load() }

// Hold keeps an entry for one who is given it, until Release. What is small is not
// counted.
func (c *Cache) Hold(e *Entry) {
	if e.small() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.holding.viewers++
	if at := c.entries[e.key]; at == nil || at.Value.(*Entry) != e {
		c.leave(e)
	}
}

// Release ends a Hold.
func (c *Cache) Release(e *Entry) {
	if e.small() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.holding.viewers--; e.holding.viewers == 0 {
		c.forget(e)
	}
}

// While is a writer for it as long as it is to be sent.
func (e *Entry) While(w io.Writer) io.Writer { return whileHeld{w, e} }

// whileHeld writes a version of a manifest as long as it is to be sent.
type whileHeld struct {
	io.Writer
	entry *Entry
}

// sentAtOnce is how much is written before that is looked at again, in bytes.
const sentAtOnce = 256 << 10

// Write is an io.Writer's.
func (w whileHeld) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if w.entry.Ended() {
			return n, ErrLeft
		}
		var written int
		written, err = w.Writer.Write(p[n:min(len(p), n+sentAtOnce)])
		n += written
	}
	return n, err
}

func (e *Entry) small() bool { return e.Manifest == nil || len(e.Body()) <= Small }

// leave counts an entry that is in no other place any more, and ends the first ones
// where there are too many. The caller holds mu.
func (c *Cache) leave(e *Entry) {
	if e.holding.viewers == 0 || e.holding.at != nil || e.Ended() {
		return
	}
	e.holding.at = c.left.PushBack(e)
	for c.leftBytes += e.cost(); c.leftBytes > leftShare*c.cfg.Limit; {
		first := c.left.Front().Value.(*Entry)
		first.holding.ended.Store(true)
		c.forget(first)
	}
}

// forget counts it no more. The caller holds mu.
func (c *Cache) forget(e *Entry) {
	if e.holding.at != nil {
		c.left.Remove(e.holding.at)
		e.holding.at = nil
		c.leftBytes -= e.cost()
	}
}

// again is a version that gave way and is given out still; nil: there is none. The caller
// holds mu.
func (c *Cache) again(key, digest string) *Entry {
	for at := c.left.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*Entry); e.key == key && e.digest == digest && digest != "" {
			return e
		}
	}
	return nil
}
