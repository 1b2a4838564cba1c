package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tandem/internal/serve"
)

// ErrNotRunning is returned for a node whose process is gone.
var ErrNotRunning = errors.New("the node does not run")

// ErrEnded is returned for a node whose process has ended before it was ready.
var ErrEnded = errors.New("it ended at its start")

// Running tells whether the process with the node's id is the node. A zombie
// has no command line and does not run.
func (n *Node) Running() bool { return n.PID > 0 && n.runsAs(n.PID) }

// Halted tells whether the node's process is stopped: it is there, and does nothing.
func (n *Node) Halted() bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(n.PID), "stat"))
	if err != nil || !n.Running() {
		return false
	}
	// The state stands behind the name, which is in parentheses.
	rest := bytes.TrimSpace(text[bytes.LastIndexByte(text, ')')+1:])
	return len(rest) > 0 && rest[0] == 'T'
}

// Others lists the other processes that run the node's command line.
func (n *Node) Others() []int {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(filepath.Base(name)); err == nil && pid != n.PID && n.runsAs(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (n *Node) runsAs(pid int) bool {
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	var args []string
	for _, a := range bytes.Split(bytes.TrimSuffix(line, []byte{0}), []byte{0}) {
		args = append(args, string(a))
	}
	return slices.Equal(args, n.Args)
}

// Signal sends a signal to the node's process.
func (n *Node) Signal(sig syscall.Signal) error {
	if !n.Running() {
		return fmt.Errorf("%s: %w", n.Name, ErrNotRunning)
	}
	if err := syscall.Kill(n.PID, sig); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	return nil
}

// AwaitGone waits until the node's process has ended.
func (n *Node) AwaitGone(limit time.Duration) error {
	for end := time.Now().Add(limit); n.Running(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s: process %d still runs after %s", n.Name, n.PID, limit)
		}
	}
	return nil
}

// AwaitReady waits until the node says that it is ready. It returns at once when its
// process has ended, with the last that it wrote.
func (n *Node) AwaitReady(ctx context.Context, o *Operator, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reason := "it says nothing yet"
	for {
		if !n.Running() {
			return fmt.Errorf("%w: %s", ErrEnded, n.LastLine())
		}
		if err := o.Call(ctx, http.MethodGet, n.Admin+"/readyz", nil, nil); err == nil && n.Running() {
			return nil
		} else if err != nil && ctx.Err() == nil {
			reason = err.Error()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it runs, as process %d, and is not ready after %s: %s", n.PID, limit, reason)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// LastLine is the end of the node's log: why it ended.
func (n *Node) LastLine() string {
	text, err := os.ReadFile(filepath.Join(n.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// Start runs the node's command line. Its output is appended to the log in its
// directory. With a lifeline it ends when that reading end closes; without one
// it is on its own, in a session of its own. Who calls Start also calls Wait.
func (n *Node) Start(lifeline *os.File) (*exec.Cmd, error) {
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	log, err := os.OpenFile(filepath.Join(n.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(n.Args[0], n.Args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C on the terminal goes to the demo alone, which
	// then ends its nodes in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if lifeline != nil {
		cmd.Stdin = lifeline
		cmd.Env = append(os.Environ(), serve.PipeEnv+"=1")
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, serve.PipeEnv+"=") })
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	n.PID = cmd.Process.Pid
	return cmd, nil
}
