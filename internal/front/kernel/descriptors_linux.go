//go:build linux && !portable

package kernel

import "golang.org/x/sys/unix"

// descriptorsMost bounds what ReserveDescriptors makes room for: a table of 512 KB, enough
// for 20,000 connections of a balancer, each with one to an edge.
const descriptorsMost = 64 << 10

// ReserveDescriptors makes the process's table of descriptors as large as it may become.
// The kernel doubles it when it is full, and whoever opens one meanwhile waits until every
// processor has passed on (synchronize_rcu in expand_fdtable): 10 to 20 ms at 256, 512,
// 1024 and so on, for all loops at once, just when a crowd comes.
func ReserveDescriptors() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	last := int(min(limit.Cur, descriptorsMost)) - 1
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if fd, err := unix.FcntlInt(uintptr(root), unix.F_DUPFD_CLOEXEC, last); err == nil {
		_ = unix.Close(fd)
	}
	_ = unix.Close(root)
}
