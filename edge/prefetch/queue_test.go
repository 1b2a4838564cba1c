package prefetch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/media"
	"tandem/internal/wire"
)

func TestTheEarliestDeadlineComesFirst(t *testing.T) {
	p, now := New(Deps{Logger: zerolog.Nop(), Now: time.Now}), time.Now()
	for i, after := range []int{5, 1, 4, 1, 3} {
		p.want(&Job{What: Wanted{Target: fmt.Sprint(i)}, pair: 1, deadline: now.Add(time.Duration(after) * time.Second)})
	}
	p.want(&Job{What: Wanted{Target: "0"}, pair: 1, deadline: now})                       // sooner than it was thought
	p.want(&Job{What: Wanted{Target: "1"}, pair: 1, deadline: now.Add(10 * time.Second)}) // later: for somebody else
	var order []string
	for j := p.next(); j != nil; j = p.next() {
		order = append(order, j.What.Target)
	}
	if want := []string{"0", "1", "3", "4", "2"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// Await returns when the next segment is ready, and not before.
func TestTheNextSegmentIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		p := New(Deps{Logger: zerolog.Nop(), Now: time.Now})
		p.Ahead = func(*wire.Track, int) ([]media.Object, bool) {
			return []media.Object{{Target: "/2.m4s"}, {Target: "/3.m4s"}}, false
		}
		p.Load = func(_ context.Context, what Wanted, _ wire.PairID) error {
			time.Sleep(map[string]time.Duration{"/2.m4s": time.Second, "/3.m4s": time.Minute}[what.Target])
			return nil
		}
		var told []*Job
		p.Expect = func(_ *Inherited, _ wire.TrackKind, jobs []*Job) bool { told = jobs; return true }
		var under sync.WaitGroup
		under.Go(func() { _ = p.Run(ctx, nil) })
		for _, stallAfter := range []time.Duration{time.Second / 2, time.Hour} {
			began := time.Now()
			waiting, stop := context.WithTimeout(ctx, stallAfter)
			p.Await(waiting, Inherited{Tracks: []wire.Track{{Kind: wire.VideoTrack}}})
			stop()
			if waited := time.Since(began); waited != time.Second/2 || len(told) != Ahead {
				t.Errorf("waited %s, told of %d", waited, len(told))
			}
		}
		if told[0].Outcome() != Ready || told[1].Outcome() != Late {
			t.Errorf("%s, %s", told[0].Outcome(), told[1].Outcome())
		}
		end()
		under.Wait()
	})
}

// Who has died may have known of a newer manifest than is here: the first time it is
// asked for anew though it is fresh.
func TestAManifestIsAskedForAnyhowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithTimeout(t.Context(), 3*renewEvery-again/2)
		defer end()
		p := New(Deps{Logger: zerolog.Nop(), Now: time.Now})
		p.Ahead = func(*wire.Track, int) ([]media.Object, bool) { return nil, true }
		p.Expect = func(*Inherited, wire.TrackKind, []*Job) bool { return true }
		var asked []bool
		p.Renew = func(_ context.Context, _ string, _ wire.PairID, anyhow bool) { asked = append(asked, anyhow) }
		inherited := make(chan []Inherited, 1)
		inherited <- []Inherited{{Tracks: []wire.Track{{Manifest: "/live.m3u8", At: time.Now().UnixMilli()}}}}
		_ = p.Run(ctx, inherited)
		if !slices.Equal(asked, []bool{true, false, false}) {
			t.Errorf("%v", asked)
		}
	})
}

// Who lacks the manifest of what it takes over gets it, and what it lists at once then.
func TestWhatAManifestListsIsMadeReadyWhenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		p, began := New(Deps{Logger: zerolog.Nop(), Now: time.Now}), time.Now()
		var here atomic.Bool
		p.Ahead = func(*wire.Track, int) ([]media.Object, bool) {
			if !here.Load() {
				return nil, true
			}
			return []media.Object{{Target: "/2.m4s"}, {Target: "/3.m4s"}}, false
		}
		p.Expect = func(*Inherited, wire.TrackKind, []*Job) bool { return true }
		p.Renew = func(context.Context, string, wire.PairID, bool) {
			time.Sleep(again / 4)
			here.Store(true)
		}
		got := make(chan time.Duration, Ahead)
		p.Load = func(context.Context, Wanted, wire.PairID) error { got <- time.Since(began); return nil }
		inherited := make(chan []Inherited, 1)
		inherited <- []Inherited{{Tracks: []wire.Track{{Manifest: "/v.m3u8", At: began.UnixMilli()}}}}
		var under sync.WaitGroup
		under.Go(func() { _ = p.Run(ctx, inherited) })
		for range Ahead {
			if after := <-got; after != again/4 {
				t.Errorf("read %s after the takeover; the manifest came after %s", after, again/4)
			}
		}
		end()
		under.Wait()
	})
}

// Who may be about to take sessions over whose manifest is not here, as one that is no member of
// their pair, gets that first, at a mere sign of a death; not where a living edge is about to give
// them, which may give a newer one meanwhile.
func TestAManifestThatIsNotHereIsForeseenToo(t *testing.T) {
	for limit, want := range map[time.Duration]int{0: Ahead, time.Minute: 0} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			p, began := New(Deps{Logger: zerolog.Nop(), Now: time.Now}), time.Now()
			var here atomic.Bool
			p.Ahead = func(*wire.Track, int) ([]media.Object, bool) {
				if !here.Load() {
					return nil, true
				}
				return []media.Object{{Target: "/2.m4s"}, {Target: "/3.m4s"}}, false
			}
			told := make(chan int, 100)
			p.Expect = func(_ *Inherited, _ wire.TrackKind, jobs []*Job) bool { told <- len(jobs); return false }
			p.Renew = func(_ context.Context, _ string, _ wire.PairID, anyhow bool) {
				if time.Sleep(again / 4); anyhow {
					t.Error("asked for though it is fresh")
				}
				here.Store(true)
			}
			p.Load = func(context.Context, Wanted, wire.PairID) error { time.Sleep(again / 4); return nil }
			var under sync.WaitGroup
			under.Go(func() { _ = p.Run(ctx, nil) })
			p.Foresee(ctx, []Inherited{{Foreseen: began.UnixMilli(), Tracks: []wire.Track{{Manifest: "/v.m3u8", At: began.UnixMilli()}}}}, limit)
			if waited := time.Since(began); waited != 0 {
				t.Errorf("limit %s: waited %s", limit, waited)
			}
			time.Sleep(again / 2)
			synctest.Wait()
			if n := p.Loaded(); int(n) != want {
				t.Errorf("limit %s: %d are ready", limit, n)
			}
			time.Sleep(2 * foreseeFor)
			synctest.Wait()
			last := 0
			for len(told) > 0 {
				last = <-told
			}
			if last != want || len(p.follows) != 0 {
				t.Errorf("limit %s: the session was told of %d, %d are followed still", limit, last, len(p.follows))
			}
			end()
			under.Wait()
		})
	}
}
