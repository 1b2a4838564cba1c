package segstore

import (
	"strings"
	"testing"
	"time"
)

// Times that a neighbour or the disk has told are by this process's own time from then on:
// a clock that is set back by an hour keeps no playlist fresh for an hour. A copy that was made
// in the future is fresh for as long as it was to be, from now on.
func TestTimesThatAreToldAreByThisProcessesOwn(t *testing.T) {
	now := time.Now()
	wall := func(d time.Duration) time.Time { return time.UnixMilli(now.Add(d).UnixMilli()) }
	for what, row := range map[string]struct{ stored, fresh, wantStored, wantFresh time.Duration }{
		"made before":              {-time.Minute, time.Minute, -time.Minute, time.Minute},
		"made before, and stale":   {-time.Hour, -time.Minute, -time.Hour, -time.Minute},
		"made in the future":       {time.Hour, time.Hour + 2*time.Second, 0, 2 * time.Second},
		"stale before it was made": {time.Hour, time.Hour - time.Second, 0, -time.Second},
	} {
		m := Meta{Stored: wall(row.stored), Fresh: wall(row.fresh)}
		m.Rebase(now)
		for _, x := range []struct {
			got  time.Time
			want time.Duration
		}{{m.Stored, row.wantStored}, {m.Fresh, row.wantFresh}} {
			if d := x.got.Sub(now) - x.want; d.Abs() > time.Millisecond || !strings.Contains(x.got.String(), "m=") {
				t.Errorf("%s: %s is off by %s, or has no monotonic reading", what, x.got, d)
			}
		}
	}
	m := Meta{Stored: wall(0)}
	m.Rebase(now)
	if !m.Fresh.IsZero() {
		t.Errorf("what is fresh for ever ends at %s", m.Fresh)
	}
}
