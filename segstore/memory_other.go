//go:build !linux

package segstore

// machineMemory is known on Linux.
func machineMemory() uint64 { return 0 }
