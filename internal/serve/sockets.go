package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// maxSockets bounds how many sockets one process passes to another.
const maxSockets = 16

// passed is a listening socket that somebody has opened for this process.
type passed struct {
	name      string // of the setting it is for; empty, or any other: the address says
	file      *os.File
	inherited bool // from the process that is replaced
}

// Sockets are the listening sockets of a process: those that were passed to it,
// by systemd or by the process that it replaces, and those it has opened itself.
type Sockets struct {
	from string // who has passed some, for the log

	mu     sync.Mutex
	passed []passed            // guarded by mu; not asked for yet
	open   map[string]*os.File // guarded by mu; by setting: what a successor is given
}

// Listen gives the socket of a setting: one that was passed, or a new one.
func (s *Sockets) Listen(name, addr string) (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ln, err := s.take(name, addr)
	if err != nil {
		return nil, fmt.Errorf("--%s: a socket from %s: %w", name, s.from, err)
	}
	if ln == nil {
		if ln, err = Listen("--"+name, addr); err != nil {
			if own := s.clash(name, addr); own != nil {
				err = own
			}
			return nil, err
		}
	}
	file, err := ln.(*net.TCPListener).File() // what net.Listen gives, and take
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--%s: %w", name, err), ln.Close())
	}
	s.open[name] = file
	return ln, nil
}

// clash says which setting of this process has an address already; nil: none.
func (s *Sockets) clash(name, addr string) error {
	for other, file := range s.open {
		if same(file, addr) {
			return fmt.Errorf("--%s: %s is where --%s listens: give another port", name, addr, other)
		}
	}
	return nil
}

// take finds a socket that was passed, by its name or its address; nil: none. What systemd
// has opened under a name is meant, wherever it listens. What the process that is replaced
// had open under it is not where the setting says another address by now: that one is
// opened anew, and the older one's closed with it.
func (s *Sockets) take(name, addr string) (net.Listener, error) {
	at := -1
	for i, p := range s.passed {
		if p.name == name && !(p.inherited && moved(p.file, addr)) {
			at = i
			break
		}
	}
	for i := 0; at < 0 && i < len(s.passed); i++ {
		if same(s.passed[i].file, addr) {
			at = i
		}
	}
	if at < 0 {
		return nil, nil
	}
	p := s.passed[at]
	s.passed = append(s.passed[:at:at], s.passed[at+1:]...)
	defer p.file.Close()
	ln, err := net.FileListener(p.file)
	if err != nil || !listens(p.file) {
		return nil, errors.New("it is no socket that listens (ListenStream= of the unit)")
	}
	if _, ok := ln.(*net.TCPListener); !ok {
		return nil, errors.Join(fmt.Errorf("%s is no TCP socket", ln.Addr()), ln.Close())
	}
	return ln, nil
}

// listens tells whether a socket was told to listen: one that is only bound would be found out by the
// first viewer.
func listens(file *os.File) (yes bool) {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // it is open
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		yes = err == nil && n != 0
	})
	return yes
}

// moved tells whether a setting says surely another address than a socket listens at. A
// port that is left to the system is whichever it was, and so is a name that nobody knows now.
func moved(file *os.File, addr string) bool {
	want, err := net.ResolveTCPAddr("tcp", addr)
	return err == nil && want.Port != 0 && !same(file, addr)
}

// same tells whether a socket listens at an address.
func same(file *os.File, addr string) bool {
	ln, err := net.FileListener(file)
	if err != nil {
		return false
	}
	defer ln.Close()
	tcp, ok := ln.Addr().(*net.TCPAddr)
	want, err := net.ResolveTCPAddr("tcp", addr)
	if !ok || err != nil || tcp.Port != want.Port {
		return false
	}
	return tcp.IP.Equal(want.IP) || tcp.IP.IsUnspecified() && (want.IP == nil || want.IP.IsUnspecified())
}

// Rest closes what was passed and not asked for, and says so: a name in a unit
// that no setting has. What the process that is replaced listens at, and this one does
// not, ends with that one.
func (s *Sockets) Rest(log zerolog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, p := range s.passed {
		if !p.inherited {
			names = append(names, fmt.Sprintf("%q", p.name))
		}
		_ = p.file.Close()
	}
	s.passed = nil
	if len(names) > 0 {
		log.Warn().Str("from", s.from).Str("sockets", strings.Join(names, ", ")).Msg("sockets were passed that no setting asks for: FileDescriptorName has to be the name of one")
	}
}

// Close closes this process's hold on all of them.
func (s *Sockets) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, file := range s.open {
		_ = file.Close()
		delete(s.open, name)
	}
	for _, p := range s.passed {
		_ = p.file.Close()
	}
	s.passed = nil
}
