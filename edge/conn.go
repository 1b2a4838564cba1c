package edge

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSendfile bounds one sendfile call, in bytes, so that a deadline is looked
// at now and then.
const maxSendfile = 4 << 20

// Listener makes a listener whose connections can send from a shared descriptor
// at an explicit offset: net/http hands a body's source on to the connection's
// ReadFrom, and this one knows our sources. No open and no seek a request.
func Listener(l net.Listener) net.Listener { return &listener{l} }

type listener struct{ net.Listener }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp}, nil
	}
	return c, nil
}

// conn is a TCP connection that knows extents.
type conn struct {
	*net.TCPConn
	more bool // the next write is a head whose body follows; owned by the connection's handler
}

// connKey finds the connection in a request's context.
type connKey struct{}

// followsBody says that the next thing written is the head of a body that goes
// out by sendfile, so that the kernel need not send a packet of its own for it.
func followsBody(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.more = true
	}
}

// Write sends a head together with what follows it (MSG_MORE).
func (c *conn) Write(b []byte) (int, error) {
	if !c.more {
		return c.TCPConn.Write(b)
	}
	c.more = false
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	sent := 0
	var callErr error
	err = raw.Write(func(fd uintptr) bool {
		sent, callErr = unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
		if errors.Is(callErr, syscall.EAGAIN) || errors.Is(callErr, syscall.EINTR) {
			sent, callErr = 0, nil // the ordinary way waits
		}
		return true
	})
	if err != nil || callErr != nil {
		return sent, errors.Join(err, callErr)
	}
	if sent < len(b) {
		n, err := c.TCPConn.Write(b[sent:])
		return sent + n, err
	}
	return sent, nil
}

// ReadFrom sends an extent by sendfile and everything else as *net.TCPConn does.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	x, ok := r.(*extent)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sent int64
	for x.left > 0 {
		n, err := sendfile(raw, x)
		sent += n
		if err != nil {
			return sent, err
		}
		if n == 0 {
			return sent, io.ErrUnexpectedEOF // the file is shorter than the index says
		}
	}
	return sent, nil
}

// sendfiles counts the calls, for the test that hits are not copied.
var sendfiles atomic.Int64

// sendfile makes one call once the socket is writable.
func sendfile(to syscall.RawConn, x *extent) (n int64, err error) {
	var sent int
	var callErr error
	err = to.Write(func(fd uintptr) bool {
		for {
			offset := x.offset
			sendfiles.Add(1)
			sent, callErr = syscall.Sendfile(int(fd), int(x.file.Fd()), &offset, int(min(x.left, maxSendfile)))
			if !errors.Is(callErr, syscall.EINTR) {
				break
			}
		}
		return !errors.Is(callErr, syscall.EAGAIN)
	})
	if err == nil && callErr != nil {
		err = os.NewSyscallError("sendfile", callErr)
	}
	if sent > 0 {
		n = int64(sent)
		x.offset += n
		x.left -= n
	}
	return n, err
}

// extent is a part of a file that nobody seeks in.
type extent struct {
	file   *os.File
	offset int64
	left   int64
	looked bool
}

// Read serves those that don't know extents. The first call reads nothing: by
// it net/http only wants to see whether the source is alive, before it asks the
// connection.
func (x *extent) Read(p []byte) (int, error) {
	if !x.looked {
		x.looked = true
		return 0, nil
	}
	if x.left == 0 {
		return 0, io.EOF
	}
	n, err := x.file.ReadAt(p[:min(int64(len(p)), x.left)], x.offset)
	x.offset += int64(n)
	x.left -= int64(n)
	if errors.Is(err, io.EOF) && x.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

var _ io.ReaderFrom = (*conn)(nil)
