package member

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/wire"
)

// TestAPositionIsAtTheNeighbourWithinAnInterval: what a session was given is known to the
// neighbour one notice interval later at most, and the time that a notice takes; where
// one is lost, after as long again as it is waited for. Nothing is told twice meanwhile.
func TestAPositionIsAtTheNeighbourWithinAnInterval(t *testing.T) {
	const interval, takes, silent = 200 * time.Millisecond, 7 * time.Millisecond, 600 * time.Millisecond
	for _, c := range []struct {
		name  string
		every int // notices of which one is lost; 0: none
		most  time.Duration
	}{
		{"all arrive", 0, interval + takes},
		{"one in five is lost", 5, interval + silent + interval + takes},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &visit{trio: newTrio(t, 64), every: c.every, takes: takes, silent: silent}
				oldest := v.play(interval)
				t.Logf("%d positions in %d notices, the oldest %s", v.given, v.sent, oldest)
				if oldest > c.most || oldest < interval/2 {
					t.Errorf("the oldest was %s old, want %s at most", oldest, c.most)
				}
				if v.changes > v.given {
					t.Errorf("%d changes were told of %d", v.changes, v.given)
				}
			})
		})
	}
}

// visit is some viewers of e1, of whom e2 is told.
type visit struct {
	*trio
	every                int
	takes, silent        time.Duration
	sent, changes, given int
}

func (v *visit) notice(_ context.Context, tb *table, to string) {
	if tb.pair.ID != 1 || to != "e2" {
		return
	}
	o := v.send("e1", "e2")
	if v.sent++; v.every > 0 && v.sent%v.every == 0 {
		time.Sleep(noticeLimit(v.silent, o.notice))
		return
	}
	time.Sleep(v.takes)
	if !v.take(o, "e2") {
		v.t.Error("refused")
	}
	v.changes += len(o.notice.Changes)
	tb.acknowledged(o)
}

// at is when a session's picture was at its position, as an edge knows it.
func (v *visit) at(edge string, id wire.SessionID) int64 {
	tb := v.of(edge)
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return v.has(edge, id).tracks[wire.VideoTrack].At
}

// play is how old a position became that e2 did not know.
func (v *visit) play(interval time.Duration) (oldest time.Duration) {
	ids := make([]wire.SessionID, 20)
	for i := range ids {
		ids[i] = v.open("e1", time.Now().UnixMilli())
	}
	v.tell("e1", "e2")
	ctx, cancel := context.WithCancel(v.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = v.tables["e1"].tell(ctx, interval, v.notice)
	}()
	since := map[int]time.Time{} // what e2 does not know, by session
	for ms := range 20_000 {
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for i, id := range ids {
			if (ms+137*i)%1931 == 0 {
				v.segment("e1", id, time.Now().UnixMilli())
				v.given++
				if _, waits := since[i]; !waits {
					since[i] = time.Now()
				}
			}
			if at, waits := since[i]; waits && v.at("e2", id) >= at.UnixMilli() {
				oldest = max(oldest, time.Since(at))
				delete(since, i)
			}
		}
	}
	cancel()
	<-ended
	return oldest
}
