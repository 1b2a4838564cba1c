package serve

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// credentials are those of the process at the other end.
func credentials(conn *net.UnixConn) (*unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) { cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return cred, errors.Join(err, inner)
}

func pidOf(cred *unix.Ucred) int32 {
	if cred == nil {
		return 0
	}
	return cred.Pid
}
