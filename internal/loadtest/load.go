package loadtest

import (
	"context"
	"sync"
	"time"

	"tandem/internal/player"
)

// progressEvery is how often progress is told.
const progressEvery = 200 * time.Millisecond

// load collects what the viewers have seen so far.
type load struct {
	began time.Time // owned by Run

	mu      sync.Mutex
	reports []player.Report // guarded by mu; one a viewer
}

func (l *load) set(i int, r player.Report) {
	l.mu.Lock()
	l.reports[i] = r
	l.mu.Unlock()
}

func (l *load) sum() player.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum player.Report
	for _, r := range l.reports {
		sum.Add(r)
	}
	return sum
}

// Progress is how far a run is.
type Progress struct {
	Passed, Length time.Duration
	Sum            player.Report
	Fault          string // what goes on with an edge; empty: nothing
}

func (t *Test) progress(ctx context.Context, tell func(Progress)) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		tell(Progress{Passed: time.Since(t.load.began), Length: t.cfg.Length, Sum: t.load.sum(), Fault: t.faults.now()})
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
