package segstore

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// machineMemory is how many bytes this machine has, or this control group, where it may
// have fewer; 0: it can't be known.
func machineMemory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	memory := uint64(info.Totalram) * uint64(info.Unit)
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if n, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil {
		memory = min(memory, n)
	}
	return memory
}
