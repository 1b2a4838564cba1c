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
	for _, row := range []struct{ each, most, fits, want int }{
		{1000, 20000, 20000, 1000},
		{1000, 20000, 1488, 186},
		{1000, 20000, 360, 64},
		{1000, 20000, 48, 36},
		{4000, 20000, 672, 134},
		{1000, 20000, 16, 12},
		{5, 20000, 360, 5},
		{6000, 6000, 360, 360}, // one client may have all
		{1, 20000, 7, 1},
	} {
		if got := FittingEach(row.each, row.most, row.fits); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || Descriptors() != uint64(limit.Cur) {
		t.Errorf("%d, %+v, %v", Descriptors(), limit, err)
	}
}
