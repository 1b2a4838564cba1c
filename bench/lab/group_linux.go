package lab

import "syscall"

// ownGroup: nginx's workers get a signal as well, and nobody outlives the lab.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
