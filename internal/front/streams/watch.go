package streams

import (
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// watch reads for the framer, and looks now and then whether a connection has to end.
type watch struct {
	c     *conn
	begun atomic.Int64 // when the frame began that is being read, as heard; 0: none is
	heard atomic.Int64 // when the last one came, in ns of Unix
	idle  atomic.Int64 // since when there is no request; 0: there are
	timer *time.Timer
	asked int64  // when the client was asked whether it is there, guarded by conn.mu; 0: it was not
	acked uint64 // what it had acknowledged at the last look; likewise
}

func (w *watch) start() {
	now := time.Now().UnixNano()
	w.begun.Store(now) // its preface
	w.heard.Store(now)
	w.idle.Store(now)
	w.timer = time.AfterFunc(w.every(), w.look)
}

func (w *watch) over() { w.timer.Stop() }

// every is how often it looks.
func (w *watch) every() time.Duration {
	cfg := w.c.cfg
	return max(min(cfg.FrameTimeout, cfg.PingAfter, cfg.PingTimeout, cfg.IdleTimeout, 2*leaving)/2, time.Millisecond)
}

// Read is an io.Reader's.
func (w *watch) Read(b []byte) (int, error) {
	n, err := w.c.over.Read(b)
	if n > 0 && w.begun.Load() == 0 {
		w.begun.Store(time.Now().UnixNano())
	}
	return n, err
}

// whole is for a frame that has come, with what continues it.
func (w *watch) whole() {
	w.begun.Store(0)
	w.heard.Store(time.Now().UnixNano())
}

func (w *watch) works() { w.idle.Store(0) }

func (w *watch) rests(left int) {
	if left == 0 {
		w.idle.Store(time.Now().UnixNano())
	}
}

// look ends a connection that is over, or whose client is not there.
func (w *watch) look() {
	c, at := w.c, time.Now()
	now, cut, closes := at.UnixNano(), false, false
	c.mu.Lock()
	c.hurry(at)
	switch begun, idle := w.begun.Load(), w.idle.Load(); {
	case c.err != nil:
		c.mu.Unlock()
		return
	case begun != 0 && now-begun >= int64(c.cfg.FrameTimeout):
		cut = true
	case c.leaves && now-c.told >= int64(leaving):
		closes = c.settle()
	case idle != 0 && now-idle >= int64(c.cfg.IdleTimeout):
		c.goes()
	}
	if w.idle.Load() == 0 && !closes {
		cut = w.ask(now) || cut
	}
	w.timer.Reset(w.every())
	c.mu.Unlock()
	switch {
	case cut:
		c.cut()
	case closes:
		c.close()
	}
}

// ask asks a client with requests whether it is there; true: it is not. One that has something
// to take, and takes of it, is: the question would lie behind that, and its answer come after.
func (w *watch) ask(now int64) (gone bool) {
	c := w.c
	acked, waiting := c.over.Progress()
	if waiting > 0 && acked != w.acked { // that the question alone was taken is its kernel's word
		w.heard.Store(now)
	}
	w.acked = acked
	heard := w.heard.Load()
	switch {
	case w.asked != 0 && heard >= w.asked:
		w.asked = 0
	case w.asked != 0:
		return now-w.asked >= int64(c.cfg.PingTimeout)
	case now-heard >= int64(c.cfg.PingAfter):
		w.asked = now
		c.out = append(appendFrame(c.pending(), http2.FramePing, 0, 0, 8), "tandem  "...)
		c.flush()
	}
	return false
}
