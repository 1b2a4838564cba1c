package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// heapFloor is in bytes.
const heapFloor = 32 << 20

// raiseHeap keeps the heap of a server that serves viewers from being so small
// that garbage is collected many times a second: what is alive in a balancer is a
// few MB, and Go collects whenever that has doubled. Nobody writes to the bytes,
// so they cost addresses and no memory; what they let lie is at most as much
// again. The caller defers keep.
//
// Where the process may have less than the machine has, garbage is collected in time to stay
// within that: it would be killed, or its next allocation refused, and that is its death as well.
func raiseHeap() (keep func()) {
	heap, addresses := allowed()
	if heap < math.MaxInt64 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heap)
	}
	if addresses {
		return func() {}
	}
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}

// allowed is how large the heap may be by the process's control group and resource limits.
// Addresses: by RLIMIT_DATA, of which what nobody writes to has its part, and what lies free
// between large bodies.
func allowed() (heap int64, addresses bool) {
	if heap = grouped("/proc/self/cgroup", "/sys/fs/cgroup"); heap < math.MaxInt64 {
		heap = heap/100*85 + heapFloor
	}
	var data syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_DATA, &data) == nil && data.Cur/2 < uint64(heap) {
		return int64(data.Cur / 2), true
	}
	return heap, false
}

// grouped is what a control group (version 2), and those above it, let a process have, as
// the file of the groups that it is in says.
func grouped(of, root string) int64 {
	limit := int64(math.MaxInt64)
	text, _ := os.ReadFile(of)
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for path = filepath.Clean("/" + path); ok; path = filepath.Dir(path) {
			most, _ := os.ReadFile(filepath.Join(root, path, "memory.max"))
			if n, err := strconv.ParseInt(strings.TrimSpace(string(most)), 10, 64); err == nil {
				limit = min(limit, n)
			}
			ok = path != "/"
		}
	}
	return limit
}
