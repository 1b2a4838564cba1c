//go:build linux

package guide

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// managerEnv makes this test's binary a host's systemctl.
const managerEnv = "TANDEM_GUIDE_SYSTEMCTL"

// ownUnits is where a host's administrator puts units.
const ownUnits = "/etc/systemd/system"

// startLimit is how long a unit may take to be ready, stopLimit how long to end.
const (
	startLimit = 60 * time.Second
	stopLimit  = 60 * time.Second
)

// unit is what the manager reads of a unit's file.
type unit struct {
	name string
	ours bool // not Debian's: those speak to systemd itself alone, if it is their parent
	keys map[string][]string
}

func load(name string) (*unit, error) {
	name = strings.TrimSuffix(name, ".service")
	u := &unit{name: name, keys: map[string][]string{}}
	var text []byte
	err := os.ErrNotExist
	for _, dir := range []string{ownUnits, "/lib/systemd/system"} {
		if text, err = os.ReadFile(filepath.Join(dir, name+".service")); err == nil {
			u.ours = dir == ownUnits
			break
		}
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			u.keys[key] = append(u.keys[key], u.specified(value))
		}
	}
	return u, err
}

func (u *unit) specified(text string) string {
	host, _ := os.Hostname()
	return strings.NewReplacer("%H", host, "%%", "%").Replace(text)
}

func (u *unit) one(key string) string {
	if v := u.keys[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// path is where the manager keeps something about the unit.
func (u *unit) path(what string) string { return "/run/unit." + u.name + "." + what }

func (u *unit) main() int {
	text, _ := os.ReadFile(u.path("main"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// manage is systemctl: what the guide uses of it.
func manage(args []string) error {
	flags := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--now" || a == "--kill-who=main" })
	if len(flags) == 1 && flags[0] == "daemon-reload" {
		return nil
	}
	if len(flags) < 2 {
		return fmt.Errorf("systemctl %q: not known here", args)
	}
	u, err := load(flags[len(flags)-1])
	if err != nil {
		return err
	}
	switch verb := flags[0]; {
	case verb == "supervise":
		return u.supervise()
	case verb == "enable" && slices.Contains(args, "--now"), verb == "start":
		return u.start()
	case verb == "stop":
		return u.stop()
	case verb == "restart":
		if err := u.stop(); err != nil {
			return err
		}
		return u.start()
	case verb == "reload":
		return u.orders("ExecReload")
	case verb == "kill" && flags[1] == "-s":
		return syscall.Kill(u.main(), unix.SignalNum("SIG"+flags[2]))
	}
	return fmt.Errorf("systemctl %q: not known here", args)
}

func (u *unit) start() error {
	if u.main() != 0 {
		return nil
	}
	_ = os.Remove(u.path("ready"))
	log, err := os.OpenFile(u.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "supervise", u.name)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return u.await("ready", startLimit, func() bool { _, err := os.Stat(u.path("ready")); return err == nil })
}

func (u *unit) stop() error {
	pid := u.main()
	if pid == 0 {
		return nil
	}
	if err := os.WriteFile(u.path("stop"), nil, 0o600); err != nil {
		return err
	}
	if err := u.orders("ExecStop"); err != nil {
		return err
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	if _, alien := os.Stat(u.path("alien")); alien == nil && syscall.Kill(pid, syscall.SIGKILL) == nil { // no child of systemd's is waited for
		_ = u.note("killed", strconv.Itoa(pid))
	}
	return u.await("gone", stopLimit, func() bool { return u.main() == 0 })
}

func (u *unit) await(what string, limit time.Duration, is func() bool) error {
	for end := time.Now().Add(limit); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(u.path("log"))
			return fmt.Errorf("%s is not %s after %s: %s", u.name, what, limit, log)
		}
	}
	return nil
}

// environment is the unit's: its own lines, then the files that there are.
func (u *unit) environment() ([]string, error) {
	env := []string{"PATH=" + os.Getenv("PATH"), "NOTIFY_SOCKET=" + u.path("notify")}
	for _, line := range u.keys["Environment"] {
		env = append(env, strings.Fields(line)...)
	}
	for _, file := range u.keys["EnvironmentFile"] {
		name, optional := strings.CutPrefix(file, "-")
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) && optional {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
				env = append(env, key+"="+strings.Trim(value, `"`))
			}
		}
	}
	return env, nil
}

// supervise runs the unit until it is told to stop, again when it ends by itself,
// and follows the main process when that hands over to another one.
func (u *unit) supervise() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	if dir := u.one("RuntimeDirectory"); dir != "" {
		if err := os.MkdirAll("/run/"+dir, 0o755); err != nil {
			return err
		}
	}
	if err := u.state(); err != nil {
		return err
	}
	_ = os.Remove(u.path("notify"))
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: u.path("notify"), Net: "unixgram"})
	if err != nil {
		return err
	}
	if err := os.Chmod(u.path("notify"), 0o666); err != nil {
		return err
	}
	go u.listen(heard)
	_ = os.Remove(u.path("stop"))
	for {
		if err := u.once(); err != nil {
			return err
		}
		if _, err := os.Stat(u.path("stop")); err == nil {
			return os.Remove(u.path("main"))
		}
		fmt.Println("systemd: the main process has ended; it is started again")
		time.Sleep(time.Second) // RestartSec
	}
}

// once runs the unit until its main process has ended.
func (u *unit) once() error {
	cmd, err := u.process(os.Expand(u.one("ExecStart"), func(string) string { return "" }))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = os.Remove(u.path("alien"))
	if err := u.note("main", strconv.Itoa(cmd.Process.Pid)); err != nil {
		return err
	}
	if u.one("Type") != "notify" || !u.ours {
		if err := u.note("ready", ""); err != nil {
			return err
		}
	}
	for {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid == u.main() {
			return nil
		}
	}
}

func (u *unit) listen(heard *net.UnixConn) {
	buf := make([]byte, 4096)
	for {
		n, err := heard.Read(buf)
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(strings.NewReader(string(buf[:n]))); lines.Scan(); {
			switch key, value, _ := strings.Cut(lines.Text(), "="); key {
			case "READY":
				_ = u.note("ready", "")
			case "MAINPID":
				_, _ = u.note("main", value), u.note("alien", "")
			}
		}
	}
}

// note writes a file of the unit's in one go.
func (u *unit) note(what, text string) error {
	at := u.path(what)
	if err := os.WriteFile(at+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(at+".new", at)
}
