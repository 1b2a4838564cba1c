package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// comeLimit is how long a process that was started to replace this one may take until it
// asks for the sockets. It is ended then: as long as it runs, no other one can be started.
const comeLimit = time.Minute

// successors waits for the process that is to replace this one. A nil one waits
// for nobody.
type successors struct {
	life *Life
	ln   *net.UnixListener
	stop func()        // ends the parts of this process
	come time.Duration // comeLimit
	wg   sync.WaitGroup

	ended chan error // how what was started here has ended, once it had taken over

	mu       sync.Mutex
	talking  *net.UnixConn // guarded by mu; to whoever is taking over, nil: nobody is
	closed   bool          // guarded by mu
	released bool          // guarded by mu; this process has let go of its files
	again    bool          // guarded by mu; this program was started anew in place of one that failed
	spawned  int           // guarded by mu; process id of the one that was started here, 0: none runs
	came     bool          // guarded by mu; somebody has asked for the sockets since
}

// listenForSuccessor opens the socket at which the next process asks.
func (l *Life) listenForSuccessor(stop func()) error {
	if l.dir == "" || l.hooks.Release == nil {
		return nil
	}
	addr, done, err := at(l.dir)
	if err != nil {
		return fmt.Errorf("handover: %w", err)
	}
	defer done()
	_ = os.Remove(filepath.Join(l.dir, handoverSocket)) // of a process that has died: the directory is ours
	old := syscall.Umask(0o177)
	ln, err := net.ListenUnix("unixpacket", addr)
	syscall.Umask(old)
	if err != nil {
		return fmt.Errorf("handover: %s: %w", filepath.Join(l.dir, handoverSocket), err)
	}
	ln.SetUnlinkOnClose(false) // the next process may have put its own there
	s := &successors{life: l, ln: ln, stop: stop, come: comeLimit, ended: make(chan error, 1)}
	l.successor = s
	s.wg.Go(s.accept)
	return nil
}

func (s *successors) accept() {
	for {
		conn, err := s.ln.AcceptUnix()
		if err != nil {
			return
		}
		s.talk(conn)
	}
}

// talk is one attempt of a process to replace this one.
func (s *successors) talk(conn *net.UnixConn) {
	defer conn.Close()
	if !s.hold(conn) {
		return
	}
	defer s.hold(nil)
	k := link{conn}
	cred, err := credentials(conn)
	if err == nil && cred.Uid != uint32(os.Getuid()) && cred.Uid != 0 {
		err = fmt.Errorf("it runs as user %d", cred.Uid)
	}
	if err == nil {
		_, _, err = k.expect(opTake, meetLimit)
	}
	if err == nil {
		s.mu.Lock()
		s.came = true
		s.mu.Unlock()
		err = s.give(k)
	}
	if err == nil {
		_, _, err = k.expect(opRelease, releaseLimit)
	}
	log := s.life.log.With().Int32("successor", pidOf(cred)).Logger()
	if err != nil {
		_ = k.send(message{Op: opNo, Error: err.Error()})
		log.Warn().Err(err).Msg("a process that was to replace this one gave up, or was refused")
		return
	}
	log.Info().Msg("being replaced: accepting no more, and letting go of the files")
	if err := s.release(); err != nil {
		_ = k.send(message{Op: opNo, Error: err.Error()})
		log.Error().Err(err).Msg("could not let go of the files")
	} else if err = k.send(message{Op: opReleased}); err == nil {
		_, _, err = k.expect(opReady, readyLimit)
		if err == nil || !dies(pidOf(cred), err) {
			s.handedOver(k, int(pidOf(cred)), log)
			return
		}
	}
	s.startOver(log, err)
}

// hold notes with whom there is talk; false when this process ends anyway.
func (s *successors) hold(conn *net.UnixConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.talking = conn
	return !s.closed
}

// give passes the listening sockets.
func (s *successors) give(k link) error {
	open := &s.life.Sockets.mu
	open.Lock()
	defer open.Unlock()
	var names []string
	var files []*os.File
	for name, file := range s.life.Sockets.open {
		names, files = append(names, name), append(files, file)
	}
	return k.send(message{Op: opSockets, Role: s.life.role, Names: names}, files...)
}

// release accepts no more connections, and lets go of the files. What was
// released before stays so.
func (s *successors) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return nil
	}
	why := "being replaced by a newer process"
	s.life.leaving.Store(&why)
	for _, x := range s.life.listeners {
		x.Server.LameDuck()
		x.Server.StopAccepting()
	}
	s.released = true
	ctx, cancel := context.WithTimeout(s.life.now, releaseLimit)
	defer cancel()
	return s.life.hooks.Release(ctx)
}

// handedOver ends this process when what it has in flight has ended.
func (s *successors) handedOver(k link, pid int, log zerolog.Logger) {
	s.life.replacedBy.Store(int32(pid))
	s.life.notify.tell("MAINPID=" + strconv.Itoa(pid))
	_ = k.send(message{Op: opBye})
	_, drain := s.life.times()
	log.Info().Dur("drain", drain).Msg("replaced: ending when what is in flight has ended")
	s.life.drain()
	s.stop()
}

// startOver is for a successor that has died after this process had let go of its
// files: the program that runs here is started anew in its place, once.
func (s *successors) startOver(log zerolog.Logger, why error) {
	s.mu.Lock()
	again := s.again
	s.again = true
	s.mu.Unlock()
	if again {
		log.Error().Err(why).Msg("the process that was to replace this one has failed, and so has this program: ending")
		s.life.drain()
		s.stop()
		return
	}
	log.Error().Err(why).Msg("the process that was to replace this one has failed: starting the old program anew")
	s.spawn("/proc/self/exe")
}

// spawn starts a program with this process's own command line to replace it.
func (s *successors) spawn(program string, variables ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spawned != 0 && !s.again {
		s.life.log.Warn().Int("process", s.spawned).Msg("an upgrade is under way already")
		return
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	own := []string{"WATCHDOG_PID=", "LISTEN_", replaceEnv(s.life.role) + "="}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool {
		return slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(e, prefix) })
	})
	cmd.Env = append(append(cmd.Env, replaceEnv(s.life.role)+"=true"), variables...)
	if parentPipe.Load() {
		cmd.Env = append(cmd.Env, PipeEnv+"=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.life.log.Error().Err(err).Msg("upgrade: the new process can't be started; this one goes on")
		return
	}
	pid := cmd.Process.Pid
	s.spawned, s.came = pid, false
	late := time.AfterFunc(s.come, func() { s.giveUp(pid) })
	s.life.log.Info().Int("process", pid).Str("program", program).Msg("upgrade: a new process was started")
	go func() {
		err := cmd.Wait()
		late.Stop()
		stands := s.life.replacedBy.Load() != 0 && isFirst()
		if stands { // it has ended as this process does
			select {
			case s.ended <- err:
			default:
			}
		}
		s.mu.Lock()
		if s.spawned == pid {
			s.spawned = 0
		}
		s.mu.Unlock()
		if !stands {
			s.life.log.Error().Err(err).Msg("upgrade: the new process has ended; its own log says why")
		}
	}()
}

// waits tells whether what was started here has not ended.
func (s *successors) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spawned != 0
}

// giveUp ends the process that was started here, if nobody has asked for the sockets.
func (s *successors) giveUp(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.came || s.spawned != pid {
		return
	}
	s.life.log.Error().Int("process", pid).Msg("upgrade: the new process has not asked for the sockets, and is killed; this one goes on")
	_ = syscall.Kill(-pid, syscall.SIGKILL) // a group of its own
}

func (s *successors) close() {
	if s == nil {
		return
	}
	_ = s.ln.Close()
	s.mu.Lock()
	s.closed = true
	if s.talking != nil {
		_ = s.talking.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// replaceEnv is the variable of the setting --replace.
func replaceEnv(role string) string { return "TANDEM_" + strings.ToUpper(role) + "_REPLACE" }

// dies tells whether the process that was to be ready will never be. It closes its end of
// the link when it ends, which is before it has ended: that is waited for, and meanwhile
// the listening sockets stay open here.
func dies(pid int32, why error) bool {
	if errors.Is(why, os.ErrDeadlineExceeded) {
		return !alive(pid)
	}
	for until := time.Now().Add(meetLimit); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			return false
		}
	}
	return true
}

// alive tells whether a process is there and has not ended.
func alive(pid int32) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The state stands behind the name, which is in parentheses.
	_, rest, ok := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	return ok && rest != "" && rest[0] != 'Z' && rest[0] != 'X'
}
