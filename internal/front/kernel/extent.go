package kernel

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

// Extent is a part of a file that nobody seeks in. An answer of this room sends
// it by sendfile; others read it.
type Extent struct {
	File   *os.File
	Offset int64
	Left   int64
}

// Read serves those that don't know extents.
func (x *Extent) Read(p []byte) (int, error) {
	if x.Left == 0 {
		return 0, io.EOF
	}
	n, err := x.File.ReadAt(p[:min(int64(len(p)), x.Left)], x.Offset)
	x.Offset += int64(n)
	x.Left -= int64(n)
	if errors.Is(err, io.EOF) && x.Left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Sendfiles counts the calls that goroutines made, for tests: hits are not copied.
var Sendfiles atomic.Int64

// SendTo sends it all.
func (x *Extent) SendTo(conn *net.TCPConn) (int64, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sent int64
	for x.Left > 0 {
		n, err := x.sendSome(raw)
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

// sendSome makes one call once the socket is writable.
func (x *Extent) sendSome(to syscall.RawConn) (n int64, err error) {
	var sent int
	var callErr error
	err = to.Write(func(fd uintptr) bool {
		for {
			Sendfiles.Add(1)
			sent, callErr = SendFile(int(fd), x.File, x.Offset, int(min(x.Left, maxSendfile)))
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
		x.Offset += n
		x.Left -= n
	}
	return n, err
}

// SendMore sends a head whose body follows at once.
func SendMore(conn *net.TCPConn, b []byte) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	err = raw.Write(func(fd uintptr) bool {
		var n int
		n, callErr = Send(int(fd), b, true)
		b = b[max(n, 0):]
		return !errors.Is(callErr, syscall.EAGAIN) && (callErr != nil || len(b) == 0)
	})
	return errors.Join(err, callErr)
}
