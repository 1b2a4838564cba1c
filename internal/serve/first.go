package serve

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// standEvery is how often the first process of a container looks whether somebody still
// runs who has replaced it.
const standEvery = 200 * time.Millisecond

// isFirst tells whether this process is the first of its container, with which all others
// end. Changed by tests.
var isFirst = func() bool { return os.Getpid() == 1 }

// stand waits, in the first process of a container, for those that have replaced it, and
// gives signals on to them. It ends when the last of them has, and as that has.
func (l *Life) stand() error {
	tick := time.NewTicker(standEvery)
	defer tick.Stop()
	var last error
	for {
		select {
		case s := <-l.signals:
			l.passOn(s)
		case ended := <-l.successor.ended:
			last = cmp.Or(last, ended)
		case <-tick.C:
			running, ended := l.replacements()
			for _, pid := range ended {
				last = reap(pid, last)
			}
			if len(running) > 0 || l.successor.waits() {
				continue
			}
			select {
			case ended := <-l.successor.ended: // what is heard of the one that this process started may be older than last
				last = cmp.Or(last, ended)
			default:
			}
			if last != nil {
				return fmt.Errorf("the process that has replaced this one: %w", last)
			}
			return nil
		}
	}
}

// reap takes note of how a process has ended that nobody else waits for: one that was
// started by one that has ended.
func reap(pid int, last error) error {
	var status syscall.WaitStatus
	if got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); err != nil || got != pid {
		return last
	}
	switch {
	case status.Signaled():
		return fmt.Errorf("signal: %s", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

// passOn gives a signal to those that have replaced this process: an order to be replaced to
// the newest of them.
func (l *Life) passOn(s os.Signal) {
	n, ok := s.(syscall.Signal)
	replacements, _ := l.replacements()
	if !ok || len(replacements) == 0 {
		return
	}
	if n == syscall.SIGUSR2 {
		replacements = replacements[len(replacements)-1:]
	}
	for _, pid := range replacements {
		_ = syscall.Kill(pid, n)
	}
}

// replacements are the processes that run in place of this one: the one that has taken over from
// it, and what descends from both; the oldest first. Those that have ended, and that this
// process has to take note of, are told apart.
func (l *Life) replacements() (running, ended []int) {
	parents, own, replacedBy := map[int]int{}, os.Getpid(), int(l.replacedBy.Load())
	names, _ := os.ReadDir("/proc")
	for _, name := range names {
		pid, err := strconv.Atoi(name.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// State and parent stand behind the name, which is in parentheses.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		switch gone := fields[0] == "Z" || fields[0] == "X"; {
		case !gone:
			parents[pid] = parent
			running = append(running, pid)
		case parent == own && pid != replacedBy: // that one is waited for by who has started it
			ended = append(ended, pid)
		}
	}
	slices.Sort(running)
	running = slices.DeleteFunc(running, func(pid int) bool {
		for at := pid; at != 0 && at != own; at = parents[at] {
			if at == replacedBy || parents[at] == own {
				return false
			}
		}
		return true
	})
	return running, ended
}
