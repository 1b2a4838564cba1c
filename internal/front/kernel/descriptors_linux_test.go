//go:build linux && !portable

package kernel

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tableOf is for how many descriptors this process's table has room.
func tableOf(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "FDSize:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(size), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no FDSize")
	return 0
}

// While the table grows all loops wait, so it has to be there before the crowd is.
func TestTableOfDescriptorsIsThereBeforeTheCrowd(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	before := open(t)
	ReserveDescriptors()
	if has, want := tableOf(t), min(limit.Cur, descriptorsMost); has < want {
		t.Errorf("room for %d descriptors, want %d", has, want)
	}
	if after := open(t); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

func open(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
