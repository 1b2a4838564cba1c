package proxy

import (
	"errors"
	"io"
	"syscall"
	"time"

	"tandem/internal/front/kernel"
)

const (
	pipeEager   = 1 << 20  // of one splice, for a viewer that took all before, in bytes
	pipeSlow    = 64 << 10 // for one that did not: what lies in a pipe is the kernel's memory
	spliceWorth = 16 << 10 // the shortest rest of a body that is worth a splice
)

// move gives the viewer what there is, until the edge or the viewer has to be
// waited for, or the response is over.
func (r *splice) move() {
	for share := r.s.loop.Share(); ; {
		if !r.give() {
			return
		}
		switch {
		case r.body.Ended():
			r.finish()
			return
		case !r.conn.Readable():
			r.await()
			return
		case share <= 0:
			r.viewer.Later()
			return
		}
		n, err := r.receive()
		switch {
		case err != nil && n > 0: // it drips: what came last is the viewer's still
			if r.give() {
				r.handOff(err)
			}
			return
		case err != nil:
			r.uncork()
			r.handOff(err)
			return
		case n == 0:
			r.await()
			return
		}
		share -= n
	}
}

// GoOn is a front.Goer's: the response has its turn.
func (r *splice) GoOn() {
	if r.begun && r.conn.Readable() {
		r.arrived()
	}
}

// give writes what was received; false: the viewer has to be waited for, or has
// gone.
func (r *splice) give() bool {
	if len(r.read) > 0 {
		n, err := r.viewer.Send(r.read, false)
		if err != nil {
			r.viewer.Reset()
			return false
		}
		rest := r.read[n:]
		if r.read = nil; len(rest) > 0 {
			r.held = append(r.held[:0], rest...)
			r.block()
			return false
		}
		r.corked = false
	}
	if len(r.held) > 0 {
		n, err := r.viewer.Send(r.held, false)
		if err != nil {
			r.viewer.Reset()
			return false
		}
		if n < len(r.held) {
			r.held = r.held[:copy(r.held, r.held[n:])]
			r.block()
			return false
		}
		r.held = r.held[:0]
	}
	for r.pipe != nil {
		n, err := r.viewer.Splice(r.pipe, false)
		switch {
		case err != nil:
			r.viewer.Reset()
			return false
		case n == 0:
			r.block()
			return false
		}
		if r.pipe.Held() == 0 {
			r.s.putPipe(r.pipe)
			r.pipe, r.corked = nil, false
		}
	}
	return true
}

// block is for a viewer that takes no more just now: its edge is not silent.
func (r *splice) block() {
	r.eager, r.corked = false, false
	r.taker.note(false)
	r.Hold()
	r.s.waiting.leave(r)
}

// await begins, or goes on with, the edge's silence.
func (r *splice) await() {
	r.uncork()
	if !r.listed {
		r.s.waiting.wait(r, r.s.loop.Now())
	}
}

// uncork sends what was held back for more to come with it.
func (r *splice) uncork() {
	if r.corked {
		r.corked = false
		r.viewer.Push()
	}
}

// receive takes bytes of the body from the edge: none when there are none now.
func (r *splice) receive() (int, error) {
	n, err := r.take()
	switch {
	case n > 0:
		r.body.Took(int64(n))
		r.sent += int64(n)
		r.Got += int64(n)
		if err = r.breathe(); r.body.Ended() {
			err = nil // there is nothing left that somebody else could send faster
		}
		return n, err
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		r.conn.Emptied(errors.Is(err, syscall.EAGAIN))
		return 0, nil
	case err != nil:
		return 0, err
	default:
		return 0, io.ErrUnexpectedEOF
	}
}

// take moves bytes into a pipe, or reads them where that is not worth it.
func (r *splice) take() (int, error) {
	share := r.share()
	if r.body.Left() >= spliceWorth && r.viewer.Splices() {
		if p := r.s.emptyPipe(); p != nil {
			n, err := p.Fill(r.conn.FD, int(min(r.body.Left(), share)))
			if n <= 0 || err != nil {
				r.s.putPipe(p)
				return 0, err
			}
			r.pipe = p
			return n, nil
		}
	}
	buffer, left := r.s.loop.ReadBuffer(), r.body.Left()
	buffer = buffer[:min(left+1, int64(len(buffer)))] // one more would be too much, and one less shows that no more is there
	n, err := kernel.Receive(r.conn.FD, buffer)
	if n <= 0 {
		return 0, err
	}
	if n < len(buffer) {
		r.conn.Emptied(false)
	}
	if int64(n) > left {
		n, r.closes = int(left), true
	}
	r.read = buffer[:n]
	return n, nil
}

// breathe ends a silence.
func (r *splice) breathe() error {
	if !r.listed {
		return nil
	}
	r.s.waiting.leave(r)
	r.Progress(r.s.loop.Now())
	if r.Slow(&r.s.c.limits) {
		return errSlow
	}
	return nil
}

// look is called when an edge has been silent for a while.
func (r *splice) look(now time.Time) {
	if r.conn.Opening() {
		switch {
		case now.Sub(r.Since) < r.s.c.cfg.Connect:
		case kernel.Writable(r.conn.FD): // this loop was late, not the edge
			r.Opened()
		default:
			r.end()
			r.handOff(errConnect)
		}
		return
	}
	if _, due := r.Due(now, r.s.c.latency.Limit(r.conn.Edge, r.waitsFor()), r.conn.Silent); !due {
		return
	}
	if r.conn.Unread() { // here, too
		r.s.waiting.wait(r, now)
		r.conn.MarkReadable()
		r.arrived()
		return
	}
	r.handOff(errStalled)
}

// Held is a front.Holder's: what was received for the viewer and waits.
func (r *splice) Held() int64 {
	sum := int64(0)
	if r.conn != nil {
		sum = r.conn.Held()
	}
	if r.pipe != nil {
		sum += int64(r.pipe.Held())
	}
	return sum
}

// Writable is a front.Driver's.
func (r *splice) Writable() {
	if len(r.held) > 0 || r.pipe != nil {
		r.move()
	}
}

// finish is the end of a response that went well.
func (r *splice) finish() {
	s, c := r.s, r.viewer
	if r.sent >= widenAfter {
		r.taker.note(r.eager)
	}
	r.done(s.c.latency, s.pool, s.loop.Now())
	s.deps.Served(r.status, r.sent)
	s.put(r)
	c.Done(true)
}

// Gone is a front.Driver's: the viewer has gone.
func (r *splice) Gone() {
	s := r.s
	s.waiting.leave(r)
	r.end()
	sent := r.sent
	if r.pipe != nil {
		sent -= int64(r.pipe.Held())
		s.putPipe(r.pipe)
	}
	s.deps.Served(r.status, max(sent-int64(len(r.held)+len(r.read)), 0))
	s.put(r)
}

// emptyPipe gives an empty pipe; nil when there is none to be had.
func (s *Splicer) emptyPipe() *kernel.Pipe {
	if n := len(s.pipes); n > 0 {
		p := s.pipes[n-1]
		s.pipes = s.pipes[:n-1]
		return p
	}
	p, err := kernel.OpenPipe()
	if err != nil {
		return nil
	}
	return p
}

// putPipe takes a pipe back. One with something in it is thrown away.
func (s *Splicer) putPipe(p *kernel.Pipe) {
	if p.Held() > 0 || len(s.pipes) >= pipesMost {
		p.Close()
		return
	}
	s.pipes = append(s.pipes, p)
}

// pipesMost bounds the empty pipes that a loop keeps.
const pipesMost = 64
