package api

import (
	"strconv"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// A death's receipt counts from its first suspicion on, and for that life alone.
func TestAReceiptCountsFromTheFirstSuspicion(t *testing.T) {
	r := NewReceipts()
	died := time.Unix(10_000, 0)
	of := ring.Life{Edge: "edge-1", Incarnation: 3}
	for _, before := range []time.Duration{time.Hour, 10 * time.Second} {
		r.Moved(of, died.Add(-before), time.Minute, true)
		r.Moved(of, died.Add(-before), 0, false)
	}
	r.Moved(of, died.Add(-time.Second), 5*time.Millisecond, true) // before the others noticed
	r.Moved(of, died.Add(time.Second), 70*time.Millisecond, true)
	r.Moved(of, died.Add(20*time.Second), 0, false)
	r.Moved(ring.Life{Edge: "edge-1", Incarnation: 4}, died, time.Minute, true)
	got := r.counts([]wire.Receipt{{Edge: "edge-1", Incarnation: 3, Noticed: died.UnixMilli()}, {Edge: "edge-2", Incarnation: 3}})
	if len(got) != 1 || got[0] != (wire.DeathCount{Edge: "edge-1", Incarnation: 3, Finished: 2, Broken: 1, LongestGap: 70}) {
		t.Errorf("%+v", got)
	}
}

// What is kept of takeovers is bounded, by lives and within one.
func TestReceiptsAreBounded(t *testing.T) {
	r := NewReceipts()
	for i := range 3 * keepLives {
		for second := range int64(3) {
			r.Moved(ring.Life{Edge: "edge-" + strconv.Itoa(i)}, time.Unix(second, 0), 0, true)
		}
	}
	last := ring.Life{Edge: "edge-" + strconv.Itoa(3*keepLives-1)}
	for second := range int64(10 * keepSeconds) {
		r.Moved(last, time.Unix(second, 0), 0, true)
		r.Moved(last, time.Unix(second, 0), 0, false)
	}
	if n := r.lives[last]; len(r.lives) != keepLives || len(r.order) != keepLives || len(n) != keepSeconds || n[keepSeconds-1].finished != 1 || n[keepSeconds-1].second != 10*keepSeconds-1 {
		t.Errorf("%d lives, %d seconds, the last %+v", len(r.lives), len(n), n[len(n)-1])
	}
}
