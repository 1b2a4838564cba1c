package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process hands its listening sockets over to the one that replaces it, so that
// not one connection is refused meanwhile. They meet at a socket in the data
// directory; the newer one begins:
//
//	-> take                   who are you, and what do you listen at
//	<- sockets, descriptors   both hold them from here on
//	-> release                everything that can be checked before is right
//	<- released               the older one accepts no more, and has closed its files;
//	                          it serves whom it has, and what comes waits in the kernel
//	-> ready                  the newer one accepts
//	<- bye                    the older one ends when what it has in flight has ended
//
// Where the newer one dies in between, the older one starts its own program anew,
// which takes the newer one's place.
const (
	handoverSocket = "handover.sock"
	meetLimit      = 5 * time.Second
	releaseLimit   = 20 * time.Second
	readyLimit     = 2 * time.Minute
	maxMessage     = 16 << 10 // bytes
)

// What is said.
const (
	opTake     = "take"
	opSockets  = "sockets"
	opRelease  = "release"
	opReleased = "released"
	opReady    = "ready"
	opBye      = "bye"
	opNo       = "no"
)

type message struct {
	Op    string   `json:"op"`
	Role  string   `json:"role,omitempty"`
	Names []string `json:"names,omitempty"` // of the sockets, in the order of the descriptors
	Error string   `json:"error,omitempty"`
}

// link is the connection of the two processes. Each message is a packet.
type link struct{ conn *net.UnixConn }

func (k link) send(m message, files ...*os.File) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_ = k.conn.SetWriteDeadline(time.Now().Add(meetLimit))
	var rights []byte
	return withFDs(files, func(fds []int) error {
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		_, _, err := k.conn.WriteMsgUnix(text, rights, nil)
		return err
	})
}

// withFDs calls f with the descriptors of files, which stay as they are: Fd would
// make the sockets block, for everybody who has them.
func withFDs(files []*os.File, f func([]int) error) error {
	var fds []int
	var add func(rest []*os.File) error
	add = func(rest []*os.File) error {
		if len(rest) == 0 {
			return f(fds)
		}
		raw, err := rest[0].SyscallConn()
		if err != nil {
			return err
		}
		var inner error
		err = raw.Control(func(fd uintptr) {
			fds = append(fds, int(fd))
			inner = add(rest[1:])
		})
		return errors.Join(err, inner)
	}
	return add(files)
}

// receive waits for a message, and takes the descriptors that come with it.
func (k link) receive(limit time.Duration) (message, []*os.File, error) {
	var m message
	_ = k.conn.SetReadDeadline(time.Now().Add(limit))
	text, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxSockets))
	n, r, _, _, err := k.conn.ReadMsgUnix(text, rights)
	if err != nil {
		return m, nil, err
	}
	files, err := filesOf(rights[:r])
	if err != nil {
		return m, nil, err
	}
	if err := json.Unmarshal(text[:n], &m); err != nil {
		closeAll(files)
		return m, nil, err
	}
	if m.Op == opNo {
		closeAll(files)
		return m, nil, errors.New(m.Error)
	}
	return m, files, nil
}

// expect is receive for one kind of message.
func (k link) expect(op string, limit time.Duration) (message, []*os.File, error) {
	m, files, err := k.receive(limit)
	if err == nil && m.Op != op {
		closeAll(files)
		err = fmt.Errorf("the other process says %q in place of %q", m.Op, op)
	}
	return m, files, err
}

func filesOf(rights []byte) ([]*os.File, error) {
	if len(rights) == 0 {
		return nil, nil
	}
	list, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range list {
		fds, err := unix.ParseUnixRights(&list[i])
		if err != nil {
			continue // of another kind
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "socket"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// at is the address of the socket in a directory. A path that is longer than an
// address may be is reached by a descriptor of the directory, which done closes.
func at(dir string) (addr *net.UnixAddr, done func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	path := fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), handoverSocket)
	return &net.UnixAddr{Name: path, Net: "unixpacket"}, func() { _ = d.Close() }, nil
}

// predecessor is the process that this one replaces.
type predecessor struct {
	link    link
	sockets []passed
}

// errGone: the process that is to be replaced has died meanwhile.
var errGone = errors.New("the process that was to be replaced has died")

// lost is errGone where the other end of a link is no more: a process that says no says so.
func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return errGone
	}
	return err
}

// meet asks the process that runs with this data directory for its sockets; errGone when
// it dies before it has given them.
func meet(dir string) (*predecessor, error) {
	if dir == "" {
		return nil, errors.New("--replace: needs --data")
	}
	addr, done, err := at(dir)
	if err != nil {
		return nil, fmt.Errorf("--replace: %w", err)
	}
	defer done()
	conn, err := net.DialUnix("unixpacket", nil, addr)
	if errors.Is(err, syscall.ECONNREFUSED) { // its socket is there, and it is not
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("--replace: no process listens at %s; start without --replace: %w", filepath.Join(dir, handoverSocket), errors.Unwrap(err))
	}
	p := &predecessor{link: link{conn}}
	if err := p.link.send(message{Op: opTake}); err != nil {
		return nil, errors.Join(fmt.Errorf("--replace: %w", lost(err)), conn.Close())
	}
	m, files, err := p.link.expect(opSockets, meetLimit)
	if err == nil && len(files) != len(m.Names) {
		closeAll(files)
		err = fmt.Errorf("%d sockets for %d names", len(files), len(m.Names))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--replace: the running process: %w", lost(err)), conn.Close())
	}
	for i, name := range m.Names {
		p.sockets = append(p.sockets, passed{name: name, file: files[i], inherited: true})
	}
	return p, nil
}

// release makes the predecessor let go of its files; errGone when it has died, which
// lets go of them as well.
func (p *predecessor) release() error {
	err := p.link.send(message{Op: opRelease})
	if err == nil {
		_, _, err = p.link.expect(opReleased, releaseLimit)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("--replace: the running process keeps its files: %w", lost(err)), p.link.conn.Close())
	}
	return nil
}

// ready says that this process serves. Whether the other one still hears it is
// its own affair.
func (p *predecessor) ready() {
	if p.link.send(message{Op: opReady}) == nil {
		_, _, _ = p.link.expect(opBye, meetLimit)
	}
	_ = p.link.conn.Close()
}
