package upstream

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
	Buffer     = 16 << 10  // of a connection: a head and a small body in one read, in bytes
	bodyBuffer = 256 << 10 // of a body that can't be spliced: TLS records go out gathered
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

// ErrCut is what a read gets that was interrupted on purpose.
var ErrCut = errors.New("interrupted")

// User is what has a loop's connection, and is told of its events.
type User interface {
	Opened()  // it is connected, or can't be: Connected says why
	Arrived() // the edge has sent something, or nothing more
}

// Conn is a connection to an edge, used for one response at a time: a loop's, which
// is told of its events, or, after Leave, a goroutine's, which waits for it.
// What a goroutine has read and not yet used lies in buf[r:w]; a read that runs into its
// deadline loses nothing, so that waiting can be taken up again.
type Conn struct {
	Edge       string // whose it is
	addr       string
	generation uint64 // of the edge when it was dialled
	reused     bool
	wide       bool // the kernel may receive as much at once as it likes (lb/proxy/eager.go)
	idleAt     time.Time

	// A loop's.
	loop     *front.Loop
	FD       int  // its descriptor
	user     User // nil: idle
	opening  bool // not connected yet
	readable bool
	ended    bool  // the edge sends no more
	kept     *Pool // where it is idle

	// A goroutine's.
	conn    net.Conn     // tcp, or TLS over it
	tcp     *net.TCPConn // nil: a loop's
	raw     syscall.RawConn
	buf     []byte
	r, w    int
	large   *[]byte     // from bodyBuffers, while buf is its
	arrived int         // bytes that Arrive has seen
	cut     atomic.Bool // Interrupt was called
}

// Wants is a front.Source's.
func (u *Conn) Wants() (in, out bool) { return !u.readable, u.opening }

// Ready is a front.Source's.
func (u *Conn) Ready(events uint32) {
	over := events&(kernel.Half|kernel.Gone) != 0
	in := over || events&kernel.In != 0
	u.readable = u.readable || in
	u.ended = u.ended || over
	switch {
	case u.user == nil:
		if in { // closed by the edge, or bytes that nobody asked for
			u.kept.sweep(func(other *Conn) bool { return other == u })
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
func (u *Conn) UsedBy(user User) { u.user = user }

// Opening tells whether a loop's connection is not there yet.
func (u *Conn) Opening() bool { return u.opening }

// Connected finds out how connecting has ended.
func (u *Conn) Connected() error {
	if err := kernel.Connected(u.FD); err != nil {
		return err
	}
	u.opening = false
	return nil
}

// Readable tells whether there may be something to read for a loop.
func (u *Conn) Readable() bool { return u.readable }

// MarkReadable notes that there is, whether the loop was told of it or not.
func (u *Conn) MarkReadable() { u.readable = true }

// Emptied notes that a loop has read less than it could have: there is nothing more, unless
// the edge has ended, which is read as well; surely: that it has read, too.
func (u *Conn) Emptied(surely bool) { u.readable = u.ended && !surely }

// TCP is a goroutine's connection, below TLS.
func (u *Conn) TCP() *net.TCPConn { return u.tcp }

// Reused tells whether it was idle before.
func (u *Conn) Reused() bool { return u.reused }

// Wide tells whether the kernel may receive as much at once as it likes.
func (u *Conn) Wide() bool { return u.wide }

// Came is how many bytes arrive has seen.
func (u *Conn) Came() int { return u.arrived }

// Held is what the kernel has received and nobody has taken, in bytes.
func (u *Conn) Held() (sum int64) {
	if u.tcp == nil {
		return kernel.Held(u.FD)
	}
	_ = u.raw.Control(func(fd uintptr) { sum = kernel.Held(int(fd)) })
	return sum
}

// Write sends what a goroutine asks; limit bounds how long that may take, 0: it can't take long.
func (u *Conn) Write(b []byte, limit time.Duration) error {
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

// Leave takes the connection off its loop, for a goroutine, with what was received and
// not used.
func (u *Conn) Leave(received []byte) error {
	tcp, err := kernel.SocketOf(u.FD)
	u.Close()
	if err != nil {
		return err
	}
	u.loop, u.user = nil, nil
	u.buf = make([]byte, max(Buffer, len(received)))
	u.r, u.w = 0, copy(u.buf, received)
	return u.Own(tcp)
}

// Own puts the connection into a goroutine's hands.
func (u *Conn) Own(tcp *net.TCPConn) (err error) {
	if u.raw, err = tcp.SyscallConn(); err != nil {
		_ = tcp.Close()
		return err
	}
	u.conn, u.tcp = tcp, tcp
	return nil
}

// Plain tells whether the bytes may be moved inside the kernel.
func (u *Conn) Plain() bool { return u.conn == u.tcp }

// Unread tells whether something lies in the socket that was not read: then whoever
// should read is slow, not who sends. In an idle one it is its end, or what nobody has
// asked for, whether its loop has been told of that or not.
func (u *Conn) Unread() (yes bool) {
	if u.tcp == nil {
		return kernel.Unread(u.FD)
	}
	err := u.raw.Control(func(fd uintptr) { yes = kernel.Unread(int(fd)) })
	return yes || err != nil
}

// Reception is the time since the kernel last received bytes, and whether the
// connection is dead.
func (u *Conn) Reception() (silent time.Duration, dead bool) {
	if u.tcp == nil {
		return kernel.Reception(u.FD)
	}
	err := u.raw.Control(func(fd uintptr) { silent, dead = kernel.Reception(int(fd)) })
	return silent, dead || err != nil
}

// Silent is the time since the kernel last received bytes.
func (u *Conn) Silent() time.Duration {
	silent, _ := u.Reception()
	return silent
}

// Close ends the connection. After an unfinished body the kernel resets it, so
// that the edge stops at once.
func (u *Conn) Close() {
	if u.tcp == nil {
		u.loop.Forget(u.FD)
		_ = unix.Close(u.FD)
		return
	}
	_ = u.tcp.Close()
	u.giveBack()
}

// giveBack ends Borrow.
func (u *Conn) giveBack() {
	if u.large != nil {
		bodyBuffers.Put(u.large)
		u.large, u.buf = nil, nil
		largeTaken.Add(-1)
	}
}

// Fill waits until deadline for more bytes behind those in the buffer.
func (u *Conn) Fill(deadline time.Time) error {
	if u.r == u.w {
		u.r, u.w = 0, 0
	}
	if u.w == len(u.buf) {
		u.room()
	}
	if err := u.Until(deadline); err != nil {
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
		return ErrCut
	}
	return err
}

// Arrive waits until deadline for bytes, leaves them in the socket, and notes how many
// there are: none at its end, and where that can't be told.
func (u *Conn) Arrive(deadline time.Time) error {
	if err := u.Until(deadline); err != nil {
		return err
	}
	err := u.raw.Read(func(fd uintptr) bool {
		u.arrived = kernel.Received(int(fd))
		return u.arrived > 0 || kernel.Unread(int(fd))
	})
	if errors.Is(err, os.ErrDeadlineExceeded) && u.cut.Load() {
		return ErrCut
	}
	return err
}

// room makes place in the buffer: bytes move to its front, or it grows. The
// parsers bound what they leave in it.
func (u *Conn) room() {
	if u.r > 0 {
		u.w = copy(u.buf, u.buf[u.r:u.w])
		u.r = 0
		return
	}
	u.buf = append(u.buf, make([]byte, len(u.buf))...)
}

// Until sets the deadline of reads. An interrupt that comes at the same time
// is never lost: it either sees this deadline or is seen here.
func (u *Conn) Until(deadline time.Time) error {
	if err := u.tcp.SetReadDeadline(deadline); err != nil {
		return err
	}
	if u.cut.Load() {
		return ErrCut
	}
	return nil
}

// Interrupt makes the read that runs, and every later one, end with ErrCut.
func (u *Conn) Interrupt() {
	u.cut.Store(true)
	_ = u.tcp.SetReadDeadline(longPast)
}

// Buffered is what was read and not used.
func (u *Conn) Buffered() []byte { return u.buf[u.r:u.w] }

// Use drops n bytes of buffered.
func (u *Conn) Use(n int) { u.r += n }

// Borrow gives the connection a large buffer for a long body, where there is one.
func (u *Conn) Borrow() {
	if u.large != nil {
		return
	}
	if largeTaken.Add(1) > largeMost {
		largeTaken.Add(-1)
		return
	}
	u.large = bodyBuffers.Get().(*[]byte)
	u.w = copy(*u.large, u.Buffered())
	u.r = 0
	u.buf = *u.large
}

// settle gives a borrowed or grown buffer back. Nothing may lie in it.
func (u *Conn) settle() {
	if u.tcp == nil {
		return // a loop reads into its own
	}
	u.giveBack()
	if len(u.buf) != Buffer {
		u.buf = make([]byte, Buffer)
	}
	u.r, u.w = 0, 0
}
