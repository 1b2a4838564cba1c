package files

import "testing"

// What is kept open of the store leaves most of what a process may open to connections.
func TestIdleFilesLeaveDescriptorsToOthers(t *testing.T) {
	for allowed, want := range map[uint64]int{0: 1, 64: 16, 4096: 1024, 1 << 20: mostIdle, 1 << 63: mostIdle} {
		if n := idleFiles(allowed); n != want {
			t.Errorf("of %d: %d, want %d", allowed, n, want)
		}
	}
	if idle, allowed := Idle(), descriptorsAllowed(); uint64(idle) > max(1, allowed/4) {
		t.Errorf("%d of %d", idle, allowed)
	}
}
