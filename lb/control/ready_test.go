package control

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

// Operators are told what the system says of a disk, and no names of files.
func TestADisksFailureIsToldInShort(t *testing.T) {
	path := &fs.PathError{Op: "write", Path: "/var/lib/tandem-lb/raft.db", Err: syscall.ENOSPC}
	if said := inShort(fmt.Errorf("append: %w", path)); said.Error() != "no space left on device" {
		t.Errorf("%q", said)
	}
	slow := errors.New("a write takes 3s")
	if said := inShort(slow); !errors.Is(said, slow) {
		t.Errorf("%q", said)
	}
}
