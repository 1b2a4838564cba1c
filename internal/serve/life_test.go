package serve

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// A process is replaced while clients ask, each on a new connection: nobody is
// refused, and the older process ends.
func TestSocketsAreHandedOver(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, nil)
	stop := make(chan struct{})
	asked := hammer(t, first.url, stop)
	second := startChild(t, dir, nil, "TANDEM_TEST_REPLACE=true")
	if second.url != first.url {
		t.Errorf("it listens at %s, not at %s", second.url, first.url)
	}
	must(t, first.awaitEnd(t, 10*time.Second))
	third := startChild(t, dir, nil, "TANDEM_TEST_REPLACE=true")
	must(t, second.awaitEnd(t, 10*time.Second))
	await(t, "the third answers", func() bool { _, body, _ := ask(first.url); return body == pid(third) })
	close(stop)
	if pids := <-asked; pids[pid(first)] == 0 || pids[pid(second)]+pids[pid(third)] == 0 {
		t.Errorf("who answered: %v", pids)
	}
}

// SIGUSR2 does the same without anybody's help.
func TestAProcessReplacesItself(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, nil)
	stop := make(chan struct{})
	asked := hammer(t, first.url, stop)
	must(t, first.cmd.Process.Signal(syscall.SIGUSR2))
	must(t, first.awaitEnd(t, 10*time.Second))
	_, next, err := ask(first.url)
	must(t, err)
	close(stop)
	if pids := <-asked; next == pid(first) || pids[pid(first)] == 0 {
		t.Errorf("who answered: %v", pids)
	}
	endAt(t, first.url)
}

// A role that can't be replaced says so, and goes on.
func TestWhoCantBeReplacedSaysSo(t *testing.T) {
	var log bytes.Buffer
	l := &Life{role: "edge", log: zerolog.New(&log), notify: newNotifier(func(string) string { return "" }), signals: make(chan os.Signal)}
	ended := make(chan error)
	go func() {
		l.signals <- syscall.SIGUSR2
		ended <- nil
	}()
	must(t, l.watch(t.Context(), ended, func() { t.Error("it stops") }))
	if !strings.Contains(log.String(), `"role":"edge"`) || !strings.Contains(log.String(), "restart it for a new version") {
		t.Errorf("it says %q", log.String())
	}
}

// endAt ends whatever process answers at a URL; it is not a child of ours.
func endAt(t *testing.T, url string) {
	t.Helper()
	_, body, err := ask(url)
	must(t, err)
	n := 0
	for _, c := range body {
		n = 10*n + int(c-'0')
	}
	must(t, syscall.Kill(n, syscall.SIGKILL))
}

// The one that is to replace it dies when the older one has let go of everything:
// the older one's own program takes over, and clients have only waited.
func TestASuccessorThatDiesIsReplacedByTheOldProgram(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, nil)
	stop := make(chan struct{})
	asked := hammer(t, first.url, stop)
	second := startChild(t, dir, nil, "TANDEM_TEST_REPLACE=true", failEnv+"=1")
	if second.awaitEnd(t, 10*time.Second) == nil {
		t.Fatal("it was told to fail")
	}
	must(t, first.awaitEnd(t, 10*time.Second))
	_, next, err := ask(first.url)
	must(t, err)
	close(stop)
	if pids := <-asked; next == pid(first) || pids[pid(first)] == 0 {
		t.Errorf("who answered: %v, then %s", pids, next)
	}
	endAt(t, first.url)
}

// A program that hangs before it asks for the sockets stands in no other one's way.
func TestASuccessorThatDoesNotComeIsEnded(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\nsleep 600 &\nwait\n"), 0o700))
	var log lockedBuffer
	s := &successors{life: &Life{role: "test", log: zerolog.New(&log)}, come: time.Millisecond}
	for range 2 {
		s.spawn(program)
		await(t, "another one may be started", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.spawned == 0
		})
	}
	if text := log.String(); strings.Count(text, "is killed; this one goes on") != 2 || strings.Contains(text, "under way") {
		t.Error(text)
	}
	s.come = time.Hour
	s.spawn(program)
	s.mu.Lock()
	s.came = true
	pid := s.spawned
	s.mu.Unlock()
	s.giveUp(pid)
	if !alive(int32(pid)) {
		t.Error("one that has come is killed")
	}
	must(t, syscall.Kill(-pid, syscall.SIGKILL))
	await(t, "it is gone", func() bool { return !alive(int32(pid)) })
}

// The process that is to be replaced dies in the middle of it: the other one starts in its
// place. One that says no is obeyed.
func TestAPredecessorThatDiesIsReplaced(t *testing.T) {
	for _, row := range []struct {
		op      string // after which message of the newer process the older one ...
		says    string // ... says no, or dies: ""
		refused string
	}{{opTake, "", ""}, {opRelease, "", ""}, {opTake, "not now", "not now"}, {opRelease, "not now", "not now"}} {
		dir := t.TempDir()
		ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, handoverSocket), Net: "unixpacket"})
		must(t, err)
		older := make(chan error, 1)
		go func() {
			conn, err := ln.AcceptUnix()
			if err != nil {
				older <- err
				return
			}
			defer conn.Close()
			k := link{conn}
			m, _, err := k.receive(meetLimit)
			if row.op == opRelease && err == nil {
				if err = k.send(message{Op: opSockets, Role: "test"}); err == nil {
					m, _, err = k.receive(meetLimit)
				}
			}
			if err == nil && m.Op != row.op {
				err = fmt.Errorf("%q came in place of %q", m.Op, row.op)
			}
			if row.says != "" {
				_ = k.send(message{Op: opNo, Error: row.says})
			}
			older <- err
		}()
		life, err := Begin(Config{Replace: true}, "test", dir, zerolog.Nop())
		if err == nil {
			err = life.Claim()
			life.Sockets.Close()
		}
		if text := fmt.Sprint(err); (err != nil) != (row.refused != "") || !strings.Contains(text, row.refused) {
			t.Errorf("after %q, %q: %v", row.op, row.says, err)
		}
		must(t, <-older)
		must(t, ln.Close())
	}
}

// Told to end, a process says first that it is not ready, lets clients in all the
// same, tells each that its connection ends, and waits for what is in flight.
func TestStoppingInOrder(t *testing.T) {
	dir := t.TempDir()
	p := startChild(t, dir, nil)
	slow, err := http.Get(p.url + "/slow")
	must(t, err)
	defer slow.Body.Close()
	kept := &http.Client{Transport: &http.Transport{}}
	resp, err := kept.Get(p.url)
	must(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.Close {
		t.Error("the connection ends before anybody said so")
	}
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	await(t, "it is not ready", func() bool { status, _, _ := ask(p.url + "/readyz"); return status == http.StatusServiceUnavailable })
	resp, err = kept.Get(p.url)
	must(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	if !resp.Close {
		t.Error("a client is not told that its connection ends")
	}
	await(t, "nobody gets in", func() bool { _, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); return err != nil })
	must(t, os.WriteFile(filepath.Join(dir, "go-on"), nil, 0o600))
	if body, err := io.ReadAll(slow.Body); err != nil || string(body) != "whole" {
		t.Errorf("what was in flight: %q %v", body, err)
	}
	must(t, p.awaitEnd(t, 5*time.Second))
}

// What does not end within the drain time is cut off, and a second signal waits
// for nothing; the same one, heard twice at once, is none.
func TestStoppingHasAnEnd(t *testing.T) {
	for _, again := range []bool{false, true} {
		p := startChild(t, t.TempDir(), nil)
		slow, err := http.Get(p.url + "/slow")
		must(t, err)
		defer slow.Body.Close()
		begun := time.Now()
		must(t, p.cmd.Process.Signal(syscall.SIGTERM))
		must(t, p.cmd.Process.Signal(syscall.SIGINT))
		await(t, "it stops", func() bool { status, _, _ := ask(p.url + "/readyz"); return status == http.StatusServiceUnavailable })
		must(t, p.cmd.Process.Signal(syscall.SIGUSR2)) // which leaves nobody behind
		limit := 10 * time.Second                      // 0.2 s of lame duck and 3 s of drain
		if again {
			await(t, "it is not ready", func() bool { status, _, _ := ask(p.url + "/readyz"); return status == http.StatusServiceUnavailable })
			time.Sleep(2 * echoLimit)
			must(t, p.cmd.Process.Signal(syscall.SIGTERM))
			limit = 2 * time.Second
		}
		must(t, p.awaitEnd(t, limit))
		if conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
			t.Errorf("somebody listens still at %s", conn.RemoteAddr())
		}
		if took := time.Since(begun); !again && took < 3*time.Second {
			t.Errorf("what is in flight had %s: two signals at once were taken for two", took)
		}
		if _, err := io.ReadAll(slow.Body); err == nil {
			t.Error("a response that was cut off looks whole")
		}
	}
}

// systemd's socket is used, and systemd is told how the process does.
func TestSystemd(t *testing.T) {
	ln := tcp(t)
	file, err := ln.File()
	must(t, err)
	addr := "http://" + ln.Addr().String()
	must(t, ln.Close())
	dir := t.TempDir()
	at := filepath.Join(dir, "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	must(t, err)
	defer heard.Close()
	next := func(want string) {
		t.Helper()
		b := make([]byte, 4096)
		must(t, heard.SetReadDeadline(time.Now().Add(10*time.Second)))
		for {
			n, err := heard.Read(b)
			must(t, err)
			if strings.Contains(string(b[:n]), want) {
				return
			}
			if !strings.HasPrefix(string(b[:n]), "WATCHDOG") {
				t.Fatalf("%q comes before %s", b[:n], want)
			}
		}
	}
	p := startChild(t, dir, []*os.File{file}, "NOTIFY_SOCKET="+at, "WATCHDOG_USEC=200000", "LISTEN_FDS=1", "LISTEN_FDNAMES=listen")
	must(t, file.Close())
	if p.url != addr {
		t.Errorf("it listens at %s, not at systemd's %s", p.url, addr)
	}
	next("READY=1")
	next("WATCHDOG=1")
	must(t, p.cmd.Process.Signal(syscall.SIGHUP))
	next("RELOADING=1\nMONOTONIC_USEC=")
	next("READY=1")
	must(t, p.cmd.Process.Signal(syscall.SIGUSR2))
	next("MAINPID=")
	next("READY=1") // the new process, by the variable that it has inherited
	must(t, p.awaitEnd(t, 10*time.Second))
	endAt(t, addr)
}

// A socket goes to the setting that its name says, else to the one whose address
// it has.
func TestSocketsFindTheirSettings(t *testing.T) {
	a, b := tcp(t), tcp(t)
	fa, err := a.File()
	must(t, err)
	fb, err := b.File()
	must(t, err)
	s := &Sockets{from: "systemd", passed: []passed{{name: "web", file: fa}, {name: "listen", file: fb}}, open: map[string]*os.File{}}
	defer s.Close()
	l, err := s.Listen("listen", a.Addr().String())
	must(t, err)
	m, err := s.Listen("admin-listen", a.Addr().String())
	must(t, err)
	if l.Addr().String() != b.Addr().String() || m.Addr().String() != a.Addr().String() || len(s.passed) > 0 {
		t.Errorf("listen is at %s, admin-listen at %s, %d are left", l.Addr(), m.Addr(), len(s.passed))
	}
}
