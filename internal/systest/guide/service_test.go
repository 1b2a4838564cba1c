//go:build linux

package guide

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a unit's processes may do, and whose files they have, as systemd 252 has it
// (src/core/execute.c): commands that root runs between two starts have to fit.

// runsAs is the user of a unit's processes; nil: root.
func (u *unit) runsAs() (*syscall.Credential, error) {
	if u.one("DynamicUser") != "yes" {
		return nil, nil
	}
	sum := fnv.New32()
	_, _ = sum.Write([]byte(u.name))
	id := 61184 + sum.Sum32()%4336
	who := &syscall.Credential{Uid: id, Gid: id}
	for _, name := range strings.Fields(u.one("SupplementaryGroups")) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return nil, err // 216/GROUP
		}
		gid, err := strconv.ParseUint(g.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		who.Groups = append(who.Groups, uint32(gid))
	}
	return who, nil
}

// process is a command of the unit's.
func (u *unit) process(line string) (*exec.Cmd, error) {
	env, err := u.environment()
	if err != nil {
		return nil, err
	}
	who, err := u.runsAs()
	if err != nil {
		return nil, err
	}
	args := words(line)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = env, "/", &syscall.SysProcAttr{Credential: who}
	if u.one("AmbientCapabilities") == "CAP_NET_BIND_SERVICE" {
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_BIND_SERVICE}
	}
	return cmd, nil
}

// words are those of a command: what stands in single quotes is one.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}

// orders runs the commands of a key, until one fails.
func (u *unit) orders(key string) error {
	for _, line := range u.keys[key] {
		main := strconv.Itoa(u.main())
		if !strings.Contains(line, "'") { // there the shell knows it
			line = strings.ReplaceAll(line, "$MAINPID", main)
		}
		cmd, err := u.process(line)
		if err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, "MAINPID="+main)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, out)
		}
	}
	return nil
}

// state makes the unit's directory. That of a dynamic user lies below /var/lib/private, with
// a link to it where it was asked for: what root has made there before the first start is
// moved, and a directory there beside one below private is an error. The files in one that is
// the user's already are left as they are.
func (u *unit) state() error {
	who, err := u.runsAs()
	name := u.one("StateDirectory")
	if err != nil || name == "" {
		return err
	}
	at, private := "/var/lib/"+name, "/var/lib/private/"+name
	if who == nil {
		return os.MkdirAll(at, 0o700)
	}
	if err := os.MkdirAll(filepath.Dir(private), 0o711); err != nil { // systemd's is shut, and its units have another root
		return err
	}
	info, err := os.Lstat(at)
	if _, none := os.Stat(private); err == nil && info.IsDir() && errors.Is(none, fs.ErrNotExist) {
		err = os.Rename(at, private)
	} else {
		err = os.MkdirAll(private, 0o700)
	}
	if err != nil {
		return err
	}
	if to, _ := os.Readlink(at); to != private {
		if err := os.Symlink(private, at); err != nil {
			return err // 238/STATE_DIRECTORY
		}
	}
	if info, err = os.Stat(private); err != nil || info.Sys().(*syscall.Stat_t).Uid == who.Uid {
		return err
	}
	return filepath.WalkDir(private, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(who.Uid), int(who.Gid)))
	})
}
