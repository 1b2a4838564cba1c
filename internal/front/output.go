package front

import (
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/front/outgoing"
)

const (
	smallBody = 32 << 10 // that goes out in one write with its head, in bytes
)

// Body is an answer's: bytes that nobody changes, or a part of a file.
type Body struct {
	Bytes  []byte
	File   *os.File // shared; nobody seeks in it
	Offset int64
	Length int64 // of the part of File
	Ended  Ender // nil: nobody wants to know
}

// Ender is told once how an answer ended, on the loop: how many bytes of the
// body were written, and whether that was all.
type Ender interface{ Ended(sent int64, whole bool) }

// output is an answer on its way.
type output struct {
	head []byte // then, a small body included
	rest []byte // then
	body Body
	size int64 // of the body in all
}

// over tells the end.
func (o *output) over(whole bool) {
	ended, sent := o.body.Ended, o.size
	if !whole {
		sent = max(o.size-o.body.Length-int64(len(o.rest))-int64(len(o.head)), 0)
	}
	*o = output{}
	if ended != nil {
		ended.Ended(sent, whole)
	}
}

// Respond sends an answer; head has no empty line at its end. False: the body
// can't be sent without waiting for the disk; then nothing was sent.
func (c *Conn) Respond(head []byte, body Body) bool {
	if !c.keep {
		head = append(head, "Connection: close\r\n"...)
	}
	head = append(head, "\r\n"...)
	o := output{head: head, body: body, size: int64(len(body.Bytes)) + body.Length}
	switch {
	case body.File == nil && len(body.Bytes) <= smallBody:
		o.head = append(head, body.Bytes...)
	case body.File == nil:
		o.rest = body.Bytes
	case body.Length <= smallBody:
		n := len(head)
		o.head = append(head, make([]byte, body.Length)...)
		if got, err := kernel.ReadNow(body.File, o.head[n:], body.Offset); err != nil || int64(got) != body.Length {
			return false
		}
		o.body.File, o.body.Length = nil, 0
	case !c.loop.server.cfg.resident(body.File, body.Offset):
		return false
	}
	if cap(o.head) > cap(c.loop.scratch) {
		c.loop.scratch = o.head[:0]
	}
	c.state, c.out = writing, o
	if !c.flush() && c.state == writing && len(c.out.head) > 0 {
		c.out.head = kept(c.out.head) // it lies in the loop's buffer
	}
	return true
}

// flush writes what the socket takes; true when the answer is over.
func (c *Conn) flush() bool {
	o := &c.out
	for len(o.head) > 0 {
		n, err := c.Send(o.head, len(o.rest) > 0 || o.body.Length > 0)
		o.head = o.head[n:]
		if err != nil {
			c.Reset()
			return true
		}
		if len(o.head) > 0 {
			return false
		}
	}
	for len(o.rest) > 0 {
		n, err := c.Send(o.rest, false)
		o.rest = o.rest[n:]
		if err != nil {
			c.Reset()
			return true
		}
		if len(o.rest) > 0 {
			return false
		}
	}
	if o.body.Length > 0 {
		if done := c.sendFile(o); !done {
			return c.state != writing
		}
	}
	o.over(true)
	c.settle()
	return true
}

// Send writes what the socket takes now; more tells that something follows at
// once. An error is the connection's end; n bytes went before it.
func (c *Conn) Send(b []byte, more bool) (int, error) {
	if c.secure != nil {
		return c.secure.send(b)
	}
	n, err := kernel.Send(c.fd, b, more)
	switch {
	case err == nil:
		if n < len(b) {
			c.writable = false
		}
		return n, nil
	case errors.Is(err, syscall.EAGAIN):
		c.writable = false
		return 0, nil
	case errors.Is(err, syscall.EINTR):
		c.Later()
		return 0, nil
	default:
		return 0, err
	}
}

// Push sends what a Send or a Splice held back because more was to follow.
func (c *Conn) Push() { _ = unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }

// Splices tells whether bytes of a pipe can be sent as they are.
func (c *Conn) Splices() bool { return c.secure == nil }

// Splice moves what is in a pipe to the client, as much as it takes now. An error is
// the connection's end.
func (c *Conn) Splice(p *kernel.Pipe, more bool) (int, error) {
	for {
		n, err := p.Drain(c.fd, more)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			c.writable = false
			return 0, nil
		default:
			return n, err
		}
	}
}

// sendFile sends a part of a file, at most its share of a round; true when all
// is sent.
func (c *Conn) sendFile(o *output) bool {
	share := min(o.body.Length, int64(c.loop.Share()))
	if !stays(c, o, share) {
		c.sendRest()
		return false
	}
	for share > 0 {
		n, err := sendPart(c, o.body.File, o.body.Offset, int(share))
		switch {
		case n > 0:
			o.body.Offset += int64(n)
			o.body.Length -= int64(n)
			share -= int64(n)
		case errors.Is(err, errDisk):
			c.sendRest()
			return false
		case errors.Is(err, syscall.EAGAIN):
			c.writable = false
			return false
		case errors.Is(err, syscall.EINTR):
		default: // also a file that is shorter than was said
			c.Reset()
			return false
		}
	}
	if o.body.Length > 0 {
		c.Later()
		return false
	}
	return true
}

// stays tells whether a share of the body is in memory, once for all calls that send it:
// its end tells more than its beginning, which the last call has brought into memory. It
// reads ahead, and more than the socket takes. At the body's beginning Respond has looked.
func stays(c *Conn, o *output, share int64) bool {
	resident := c.loop.server.cfg.resident
	return (o.body.Length == o.size || resident(o.body.File, o.body.Offset)) && resident(o.body.File, o.body.Offset+share-1)
}

// errDisk is what would have to wait for the disk.
var errDisk = errors.New("it is not in memory")

// sendPart sends what the socket takes now of a part of a file.
func sendPart(c *Conn, file *os.File, offset int64, n int) (int, error) {
	if c.secure == nil {
		return kernel.SendFile(c.fd, file, offset, n)
	}
	if !c.writable {
		return 0, syscall.EAGAIN
	}
	b := c.loop.read[:min(n, len(c.loop.read))]
	got, err := kernel.ReadNow(file, b, offset)
	switch {
	case errors.Is(err, syscall.EAGAIN): // both ends were looked at, and it is neither
		return 0, errDisk
	case got <= 0 || err != nil:
		return 0, errors.Join(err, io.ErrUnexpectedEOF)
	}
	took, err := c.secure.send(b[:got])
	if took == 0 && err == nil {
		err = syscall.EAGAIN
	}
	return took, err
}

// AppendStatus begins the head of an answer.
func AppendStatus(b []byte, status int) []byte { return outgoing.AppendStatus(b, status) }

// AppendDate appends the Date field.
func (l *Loop) AppendDate(b []byte) []byte {
	if second := l.now.Unix(); second != l.dated {
		l.dated = second
		l.date = append(l.now.UTC().AppendFormat(append(l.date[:0], "Date: "...), http.TimeFormat), "\r\n"...)
	}
	return append(b, l.date...)
}
