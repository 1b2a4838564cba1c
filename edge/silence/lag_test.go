package silence

import (
	"testing"
	"time"
)

// A poll goes on as long as what others have comes within the limit, however fast
// versions follow each other; it ends when one does not come, and is tried less often when
// nobody tells it.
func TestPollEndsWhenTheBalancerLags(t *testing.T) {
	const limit = 2 * time.Second
	start := time.Unix(1_800_000_000, 0)
	for what, row := range map[string]struct {
		told, own func(tick int) uint64 // of 100 ms
		ends      []int                 // ticks at which the poll is ended
	}{
		"nothing changes":        {func(int) uint64 { return 7 }, func(int) uint64 { return 7 }, nil},
		"others are behind":      {func(int) uint64 { return 3 }, func(int) uint64 { return 7 }, nil},
		"always a little behind": {func(i int) uint64 { return uint64(100 + i) }, func(i int) uint64 { return uint64(100 + i - 5) }, nil},
		"it comes in time":       {func(int) uint64 { return 8 }, func(i int) uint64 { return uint64(7 + i/20) }, nil},
		"it stands still":        {func(i int) uint64 { return uint64(8 + i) }, func(int) uint64 { return 7 }, []int{20, 60}},
		"and comes elsewhere": {func(int) uint64 { return 8 }, func(i int) uint64 {
			if i > 22 {
				return 8
			}
			return 7
		}, []int{20}},
	} {
		var l Lag
		var ended []int
		ctx, cancel := l.Poll(t.Context(), time.Hour)
		for tick := range 90 {
			l.Told(row.told(tick), row.own(tick), start.Add(time.Duration(tick)*100*time.Millisecond), limit)
			if ctx.Err() != nil {
				ended = append(ended, tick)
				cancel()
				ctx, cancel = l.Poll(t.Context(), time.Hour)
			}
		}
		cancel()
		if len(ended) != len(row.ends) {
			t.Errorf("%s: ended at %v, want %v", what, ended, row.ends)
			continue
		}
		for i := range ended {
			if ended[i] != row.ends[i] {
				t.Errorf("%s: ended at %v, want %v", what, ended, row.ends)
			}
		}
	}
}
