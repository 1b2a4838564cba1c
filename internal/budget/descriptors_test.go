package budget

import (
	"syscall"
	"testing"
)

// A process takes no more connections than it has descriptors for, with what each asks of
// others, and never so few that it is none.
func TestNoMoreConnectionsThanDescriptors(t *testing.T) {
	for _, row := range []struct {
		most, per   int
		descriptors uint64
		want        int
	}{
		{20000, 2, 262144, 20000},
		{20000, 2, 1024, 360},
		{20000, 1, 128, 48},
		{100, 2, 1024, 100},
		{20000, 2, 24, leastConnections},
		{20000, 2, 1 << 63, 20000}, // unlimited
	} {
		if got := Fitting(row.most, row.per, 48, row.descriptors); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || Descriptors() != uint64(limit.Cur) {
		t.Errorf("%d, %+v, %v", Descriptors(), limit, err)
	}
}
