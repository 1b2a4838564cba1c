package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front"
	"tandem/internal/front/kernel"
)

const (
	upstreamBuffer = 16 << 10  // of a connection: a head and a small body in one read, in bytes
	bodyBuffer     = 256 << 10 // of a body that can't be spliced: TLS records go out gathered
)

// largeMost bounds how many of those are in use: each lies with a body whose viewer may take
// nothing, and a client may have a thousand streams. Beyond it bodies come 16 KB at a time.
const largeMost = 256

var (
	bodyBuffers = sync.Pool{New: func() any { b := make([]byte, bodyBuffer); return &b }}
	largeTaken  atomic.Int32
)

// longPast is a deadline that has passed: it interrupts a read.
var longPast = time.Unix(1, 0)

// errCut is what a read gets that was interrupted on purpose.
var errCut = errors.New("interrupted")

// User is what has a loop's connection, and is told of its events.
type User interface {
	Opened()  // it is connected, or can't be: Connected says why
	Arrived() // the edge has sent something, or nothing more
}

// upstream is a connection to an edge, used for one response at a time: a loop's, which
// is told of its events, or, after leave, a goroutine's, which waits for it.
// What a goroutine has read and not yet used lies in buf[r:w]; a read that runs into its
// deadline loses nothing, so that waiting can be taken up again.
type upstream struct {
	Edge       string // whose it is
	addr       string
	generation uint64 // of the edge when it was dialled
	reused     bool
	wide       bool // the kernel may receive as much at once as it likes (eager.go)
	idleAt     time.Time

	// A loop's.
	loop     *front.Loop
	FD       int // its descriptor
	user     User // nil: idle
	opening  bool // not connected yet
	readable bool
	ended    bool          // the edge sends no more
	kept     *upstreamPool // where it is idle

	// A goroutine's.
	conn    net.Conn     // tcp, or TLS over it
	tcp     *net.TCPConn // nil: a loop's
	raw     syscall.RawConn
	buf     []byte
	r, w    int
	large   *[]byte     // from bodyBuffers, while buf is its
	arrived int         // bytes that arrive has seen
	cut     atomic.Bool // interrupt was called
}

// Wants is a front.Source's.
func (u *upstream) Wants() (in, out bool) { return !u.readable, u.opening }

// Ready is a front.Source's.
func (u *upstream) Ready(events uint32) {
	over := events&(kernel.Half|kernel.Gone) != 0
	in := over || events&kernel.In != 0
	u.readable = u.readable || in
	u.ended = u.ended || over
	switch {
	case u.user == nil:
		if in { // closed by the edge, or bytes that nobody asked for
			u.kept.sweep(func(other *upstream) bool { return other == u })
		}
	case u.opening:
		if over || events&kernel.Out != 0 {
			u.user.Opened()
		}
	case in:
		u.user.Arrived()
	}
}

// UsedBy says who has a loop's connection from now on.
func (u *upstream) UsedBy(user User) { u.user = user }

// Opening tells whether a loop's connection is not there yet.
func (u *upstream) Opening() bool { return u.opening }

// Connected finds out how connecting has ended.
func (u *upstream) Connected() error {
	if err := kernel.Connected(u.FD); err != nil {
		return err
	}
	u.opening = false
	return nil
}

// Readable tells whether there may be something to read for a loop.
func (u *upstream) Readable() bool { return u.readable }

// MarkReadable notes that there is, whether the loop was told of it or not.
func (u *upstream) MarkReadable() { u.readable = true }

// Emptied notes that a loop has read less than it could have: there is nothing more, unless
// the edge has ended, which is read as well; surely: that it has read, too.
func (u *upstream) Emptied(surely bool) { u.readable = u.ended && !surely }

// TCP is a goroutine's connection, below TLS.
func (u *upstream) TCP() *net.TCPConn { return u.tcp }

// Reused tells whether it was idle before.
func (u *upstream) Reused() bool { return u.reused }

// Wide tells whether the kernel may receive as much at once as it likes.
func (u *upstream) Wide() bool { return u.wide }

// Came is how many bytes arrive has seen.
func (u *upstream) Came() int { return u.arrived }

// Held is what the kernel has received and nobody has taken, in bytes.
func (u *upstream) Held() (sum int64) {
	if u.tcp == nil {
		return kernel.Held(u.FD)
	}
	_ = u.raw.Control(func(fd uintptr) { sum = kernel.Held(int(fd)) })
	return sum
}

// Write sends what a goroutine asks; limit bounds how long that may take, 0: it can't take long.
func (u *upstream) Write(b []byte, limit time.Duration) error {
	if limit > 0 {
		_ = u.tcp.SetWriteDeadline(time.Now().Add(limit))
	}
	if _, err := u.conn.Write(b); err != nil {
		return err
	}
	if limit > 0 {
		_ = u.tcp.SetWriteDeadline(time.Time{})
	}
	return nil
}

// leave takes the connection off its loop, for a goroutine, with what was received and
// not used.
func (u *upstream) leave(received []byte) error {
	tcp, err := kernel.SocketOf(u.FD)
	u.close()
	if err != nil {
		return err
	}
	u.loop, u.user = nil, nil
	u.buf = make([]byte, max(upstreamBuffer, len(received)))
	u.r, u.w = 0, copy(u.buf, received)
	return u.own(tcp)
}

// own puts the connection into a goroutine's hands.
func (u *upstream) own(tcp *net.TCPConn) (err error) {
	if u.raw, err = tcp.SyscallConn(); err != nil {
		_ = tcp.Close()
		return err
	}
	u.conn, u.tcp = tcp, tcp
	return nil
}

// plain tells whether the bytes may be moved inside the kernel.
func (u *upstream) plain() bool { return u.conn == u.tcp }

// unread tells whether something lies in the socket that was not read: then whoever
// should read is slow, not who sends. In an idle one it is its end, or what nobody has
// asked for, whether its loop has been told of that or not.
func (u *upstream) unread() (yes bool) {
	if u.tcp == nil {
		return kernel.Unread(u.FD)
	}
	err := u.raw.Control(func(fd uintptr) { yes = kernel.Unread(int(fd)) })
	return yes || err != nil
}

// reception is the time since the kernel last received bytes, and whether the
// connection is dead.
func (u *upstream) reception() (silent time.Duration, dead bool) {
	if u.tcp == nil {
		return kernel.Reception(u.FD)
	}
	err := u.raw.Control(func(fd uintptr) { silent, dead = kernel.Reception(int(fd)) })
	return silent, dead || err != nil
}

// silent is the time since the kernel last received bytes.
func (u *upstream) silent() time.Duration {
	silent, _ := u.reception()
	return silent
}

// close ends the connection. After an unfinished body the kernel resets it, so
// that the edge stops at once.
func (u *upstream) close() {
	if u.tcp == nil {
		u.loop.Forget(u.FD)
		_ = unix.Close(u.FD)
		return
	}
	_ = u.tcp.Close()
	u.giveBack()
}

// giveBack ends borrow.
func (u *upstream) giveBack() {
	if u.large != nil {
		bodyBuffers.Put(u.large)
		u.large, u.buf = nil, nil
		largeTaken.Add(-1)
	}
}

// fill waits until deadline for more bytes behind those in the buffer.
func (u *upstream) fill(deadline time.Time) error {
	if u.r == u.w {
		u.r, u.w = 0, 0
	}
	if u.w == len(u.buf) {
		u.room()
	}
	if err := u.until(deadline); err != nil {
		return err
	}
	n, err := u.conn.Read(u.buf[u.w:])
	u.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && u.cut.Load() {
		return errCut
	}
	return err
}

// arrive waits until deadline for bytes, leaves them in the socket, and notes how many
// there are: none at its end, and where that can't be told.
func (u *upstream) arrive(deadline time.Time) error {
	if err := u.until(deadline); err != nil {
		return err
	}
	err := u.raw.Read(func(fd uintptr) bool {
		u.arrived = kernel.Received(int(fd))
		return u.arrived > 0 || kernel.Unread(int(fd))
	})
	if errors.Is(err, os.ErrDeadlineExceeded) && u.cut.Load() {
		return errCut
	}
	return err
}

// room makes place in the buffer: bytes move to its front, or it grows. The
// parsers bound what they leave in it.
func (u *upstream) room() {
	if u.r > 0 {
		u.w = copy(u.buf, u.buf[u.r:u.w])
		u.r = 0
		return
	}
	u.buf = append(u.buf, make([]byte, len(u.buf))...)
}

// until sets the deadline of reads. An interrupt that comes at the same time
// is never lost: it either sees this deadline or is seen here.
func (u *upstream) until(deadline time.Time) error {
	if err := u.tcp.SetReadDeadline(deadline); err != nil {
		return err
	}
	if u.cut.Load() {
		return errCut
	}
	return nil
}

// interrupt makes the read that runs, and every later one, end with errCut.
func (u *upstream) interrupt() {
	u.cut.Store(true)
	_ = u.tcp.SetReadDeadline(longPast)
}

// buffered is what was read and not used.
func (u *upstream) buffered() []byte { return u.buf[u.r:u.w] }

// use drops n bytes of buffered.
func (u *upstream) use(n int) { u.r += n }

// borrow gives the connection a large buffer for a long body, where there is one.
func (u *upstream) borrow() {
	if u.large != nil {
		return
	}
	if largeTaken.Add(1) > largeMost {
		largeTaken.Add(-1)
		return
	}
	u.large = bodyBuffers.Get().(*[]byte)
	u.w = copy(*u.large, u.buffered())
	u.r = 0
	u.buf = *u.large
}

// settle gives a borrowed or grown buffer back. Nothing may lie in it.
func (u *upstream) settle() {
	if u.tcp == nil {
		return // a loop reads into its own
	}
	u.giveBack()
	if len(u.buf) != upstreamBuffer {
		u.buf = make([]byte, upstreamBuffer)
	}
	u.r, u.w = 0, 0
}
