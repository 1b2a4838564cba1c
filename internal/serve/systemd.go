package serve

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// firstFD is the descriptor from which on sockets are passed, as sd_listen_fds(3)
// says.
const firstFD = 3

// activated are the sockets that systemd has opened for this process, by their
// FileDescriptorName. It takes them out of the environment, so that no child
// takes them for its own.
func activated(getenv func(string) string, unset func(string)) ([]passed, error) {
	defer func() {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			unset(name)
		}
	}()
	if pid, err := strconv.Atoi(getenv("LISTEN_PID")); err != nil || pid != os.Getpid() || getenv("LISTEN_FDS") == "" {
		return nil, nil
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 0 || count > maxSockets {
		return nil, fmt.Errorf("LISTEN_FDS=%q: want a number of sockets from 0 to %d", getenv("LISTEN_FDS"), maxSockets)
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	var all []passed
	for i := range count {
		fd := firstFD + i
		unix.CloseOnExec(fd)
		p := passed{file: os.NewFile(uintptr(fd), "socket")}
		if i < len(names) {
			p.name = names[i]
		}
		all = append(all, p)
	}
	return all, nil
}

// notifier tells systemd how the process does (sd_notify(3)). Without a
// NOTIFY_SOCKET it tells nobody.
type notifier struct {
	addr     string
	watchdog time.Duration // 0: none is expected
}

func newNotifier(getenv func(string) string) notifier {
	n := notifier{addr: getenv("NOTIFY_SOCKET")}
	if pid := getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
			n.watchdog = time.Duration(us) * time.Microsecond
		}
	}
	return n
}

// tell sends lines like READY=1. What goes wrong is systemd's to notice.
func (n notifier) tell(lines ...string) {
	if n.addr == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.addr, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}

// reloading are the lines that Type=notify-reload wants at the beginning of one.
func reloading() []string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return []string{"RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000)}
}
