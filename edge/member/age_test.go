package member

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/wire"
)

// TestAPositionIsAtTheNeighbourWithinAnInterval: what a session was given is known to the
// neighbour one notice interval later at most, and the time that a notice takes; where
// one is lost, or comes after the next, one more interval later. Nothing is told twice
// where none is lost.
func TestAPositionIsAtTheNeighbourWithinAnInterval(t *testing.T) {
	const interval, takes, silent = 200 * time.Millisecond, 7 * time.Millisecond, 600 * time.Millisecond
	for _, c := range []struct {
		name  string
		every int // notices of which one is lost; 0: none
		most  time.Duration
	}{
		{"all arrive", 0, interval + takes},
		{"one in five is lost", 5, 2*interval + takes},
		{"one in two is lost", 2, 2*interval + takes},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &visit{trio: newTrio(t, 64), every: c.every, takes: takes, silent: silent}
				oldest := v.play(interval)
				t.Logf("%d positions in %d notices, the oldest %s", v.given, v.sent, oldest)
				if oldest > c.most || oldest < interval/2 {
					t.Errorf("the oldest was %s old, want %s at most", oldest, c.most)
				}
				if c.every == 0 && v.changes > v.given {
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

func (v *visit) next(tb *table, to string) *outgoing {
	if tb.pair.ID != 1 || to != "e2" {
		return nil
	}
	return v.send("e1", "e2")
}

func (v *visit) notice(_ context.Context, tb *table, _ string, o *outgoing) {
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
		_ = v.tables["e1"].tell(ctx, interval, v.next, v.notice)
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

// TestANoticeThatIsOvertakenChangesNothing: the next one said all that it said. It is
// refused for its age, and that is no reason to tell the table whole.
func TestANoticeThatIsOvertakenChangesNothing(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tell("e2", "e1")
	r.segment("e1", id, 20)
	late := r.send("e1", "e2")
	r.segment("e1", id, 21)
	r.tell("e1", "e2")
	if r.take(late, "e2") {
		t.Fatal("taken")
	}
	r.of("e1").refused(late)
	if s := r.has("e2", id); s.tracks[wire.VideoTrack].Sequence != 21 {
		t.Errorf("e2 is at %d", s.tracks[wire.VideoTrack].Sequence)
	}
	if o := r.send("e1", "e2"); o.notice.Covers.To != 0 || len(o.notice.Changes) != 0 {
		t.Errorf("told again: %+v", o.notice)
	}
	// Its answer is overtaken as well.
	r.segment("e1", id, 22)
	first := r.send("e1", "e2")
	r.segment("e1", id, 23)
	next := r.send("e1", "e2")
	for _, o := range []*outgoing{first, next} {
		if !r.take(o, "e2") {
			t.Fatal("refused")
		}
	}
	r.of("e1").acknowledged(next)
	r.of("e1").acknowledged(first)
	if o := r.send("e1", "e2"); len(o.notice.Changes) != 0 {
		t.Errorf("told again: %+v", o.notice.Changes)
	}
}

// TestWhatANewDelivererHasSaidIsNotEndedByTheFormer: e3 has not heard yet that slots are
// another one's. What that one has told it stays when the former one says that it has
// ended a session there: it had, and the new one has it all the same.
func TestWhatANewDelivererHasSaidIsNotEndedByTheFormer(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.change(func(p *wire.Placement) {
		p.Edges[2].State = wire.EdgeUp
		p.Pairs[0].Adopted = []wire.Adoption{{Edge: "e3", From: 7, To: 8}}
	})
	r.follow("e1", "e2", "e3")
	for range 2 {
		for _, way := range [][2]string{{"e1", "e2"}, {"e1", "e3"}, {"e2", "e1"}, {"e2", "e3"}, {"e3", "e1"}, {"e3", "e2"}} {
			r.tell(way[0], way[1])
		}
	}
	if r.has("e3", id) == nil {
		t.Fatal("e3 does not know it")
	}
	r.tables["e1"].close(id)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2") // e3 is behind
	r.tables["e2"].delivered(1, id.Slot, wire.Track{Kind: wire.VideoTrack, Target: "/s/30", Sequence: 30, At: 30}, false)
	r.tell("e2", "e3")
	r.tell("e1", "e3")
	if r.has("e3", id) == nil {
		t.Error("e2 has it, and has told e3")
	}
}

// TestWhoTellsItsSideWholeEndsNobodyOfANewDeliverers: the slots are another one's by a
// placement that neither the former deliverer nor e3 has. A session that the new one has
// opened there, and told e3 of, stays when the former one tells its whole side without it;
// and goes when the new one's has become the placement, and says so.
func TestWhoTellsItsSideWholeEndsNobodyOfANewDeliverers(t *testing.T) {
	r := newTrio(t, 8)
	r.tell("e2", "e3")
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e2")
	var id wire.SessionID
	for range 5 { // from above: the fifth is in a slot that was e1's
		id = r.open("e2", 10)
	}
	r.tell("e2", "e3")
	r.tell("e1", "e3") // all of its side, and nobody is there
	if id.Slot != 3 || r.has("e3", id) == nil {
		t.Fatalf("slot %d: e2 has a session there, has told e3, and tells it never again", id.Slot)
	}
	r.tell("e2", "e3")
	r.follow("e1", "e3")
	r.tables["e2"].close(id)
	r.tell("e2", "e3")
	if r.has("e3", id) != nil {
		t.Error("it has ended, and e3 keeps it")
	}
}

// TestWhoHasEndedASessionIsNotToldOfItByOneWhoHasNotHeard: also when the slot is another
// one's by now, who knows nothing of the session and so never says that it is gone.
func TestWhoHasEndedASessionIsNotToldOfItByOneWhoHasNotHeard(t *testing.T) {
	r := newTrio(t, 8)
	r.change(func(p *wire.Placement) { p.Pairs[0].Adopted = []wire.Adoption{{Edge: "e3", From: 7, To: 8}} })
	r.follow("e1", "e2", "e3")
	id := r.open("e1", 10)
	r.tell("e1", "e3")
	late := r.send("e3", "e1")
	r.tables["e1"].close(id)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2", "e3")
	r.take(late, "e1")
	if r.has("e1", id) != nil {
		t.Error("it is back")
	}
}

// TestATableThatIsToldWholeIsToldAlone: until its answer has come nothing else is sent to that
// watcher, however many intervals that takes: it may be large.
func TestATableThatIsToldWholeIsToldAlone(t *testing.T) {
	const interval = 200 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		v := &visit{trio: newTrio(t, 8)}
		id := v.open("e1", 10)
		var under, beside atomic.Int32
		send := func(_ context.Context, tb *table, _ string, o *outgoing) {
			if under.Add(1) > 1 {
				beside.Add(1)
			}
			if o.notice.Covers.To > 0 {
				time.Sleep(3*interval + interval/2)
			}
			v.take(o, "e2")
			tb.acknowledged(o)
			under.Add(-1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*interval)
		defer cancel()
		_ = v.tables["e1"].tell(ctx, interval, v.next, send)
		if v.has("e2", id) == nil || beside.Load() > 0 {
			t.Errorf("e2 knows %v; %d notices were sent beside the whole", v.has("e2", id), beside.Load())
		}
	})
}
