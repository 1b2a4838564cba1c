package proxy

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is how much a pipe is asked to hold, in bytes; the kernel may give less
// to a process without privilege.
const pipeSize = 1 << 20

// pipe is where bytes are on their way from an edge's socket to a viewer's
// without passing through this process. It is with a splice only while it holds
// some.
type pipe struct {
	r, w int
	n    int // bytes in it
}

func newPipe() (*pipe, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	_, _ = unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeSize)
	return &pipe{r: ends[0], w: ends[1]}, nil
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// pipe gives an empty pipe; nil when there is none to be had.
func (s *Splicer) emptyPipe() *pipe {
	if n := len(s.pipes); n > 0 {
		p := s.pipes[n-1]
		s.pipes = s.pipes[:n-1]
		return p
	}
	p, err := newPipe()
	if err != nil {
		return nil
	}
	return p
}

// return takes a pipe back. One with something in it is thrown away.
func (s *Splicer) putPipe(p *pipe) {
	if p.n > 0 || len(s.pipes) >= pipesMost {
		p.close()
		return
	}
	s.pipes = append(s.pipes, p)
}

// pipesMost bounds the empty pipes that a loop keeps.
const pipesMost = 64
