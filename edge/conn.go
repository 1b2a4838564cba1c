package edge

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
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
type conn struct{ *net.TCPConn }

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
