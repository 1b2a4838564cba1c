package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/fetch"
	"tandem/edge/prefetch"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// kitchen is a prefetcher with manifests and a store of the test's.
type kitchen struct {
	*prefetch.Prefetcher
	tables *tables
	ids    []wire.SessionID

	mu      sync.Mutex
	listed  map[string]int // last segment that a manifest lists; not there: the manifest is not here
	ended   bool           // manifests say no more
	loads   []string       // in their order
	takes   time.Duration  // a load
	broken  map[string]bool
	renews  map[string]int
	publish func(manifest string) // what a renewal does
}

// newKitchen has a session of "e2" for each of these, which "e1" delivers.
func newKitchen(t *testing.T, tracks ...[]wire.Track) (*kitchen, *trio) {
	r := newTrio(t, 64)
	k := &kitchen{
		Prefetcher: prefetch.New(prefetch.Deps{Logger: zerolog.Nop(), Now: time.Now}), tables: r.tables["e2"],
		listed: map[string]int{}, broken: map[string]bool{}, renews: map[string]int{}, publish: func(string) {},
	}
	k.Ahead = func(t *wire.Track, n int) (objects []media.Object, more bool) {
		k.mu.Lock()
		defer k.mu.Unlock()
		last, ok := k.listed[t.Manifest]
		for i := int(t.Sequence) + 1; ok && i <= last && len(objects) < n; i++ {
			objects = append(objects, media.Object{Target: segment(t.Manifest, i), Duration: 2 * time.Second})
		}
		return objects, !ok || !k.ended
	}
	k.Renew = func(_ context.Context, manifest string, _ wire.PairID, _ bool) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.renews[manifest]++
		k.publish(manifest)
	}
	k.Load = func(_ context.Context, what prefetch.Wanted, _ wire.PairID) error {
		time.Sleep(k.takes)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.loads = append(k.loads, what.Target)
		if k.broken[what.Target] {
			return errors.New("it is broken")
		}
		return nil
	}
	k.Expect = k.tables.expect
	for _, list := range tracks {
		id := r.open("e1", time.Now().UnixMilli())
		for _, track := range list {
			r.tables["e1"].delivered(1, id.Slot, track, false)
		}
		k.ids = append(k.ids, id)
	}
	r.tell("e1", "e2")
	return k, r
}

func segment(manifest string, n int) string { return fmt.Sprintf("%s/%d.m4s", manifest, n) }

// at is a track's position.
func at(kind wire.TrackKind, manifest string, n int, ago time.Duration) wire.Track {
	return wire.Track{
		Kind: kind, Manifest: manifest, Target: segment(manifest, n), Sequence: int64(n), Duration: 2000, At: time.Now().Add(-ago).UnixMilli(),
	}
}

// takeover lets e1 die while f looks on.
func (k *kitchen) takeover(t *testing.T, r *trio, f func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done, takeovers := make(chan struct{}), make(chan []prefetch.Inherited, 1)
	go func() {
		defer close(done)
		if err := k.Run(ctx, takeovers); err != nil {
			t.Error(err)
		}
	}()
	r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDown })
	takeovers <- r.tables["e2"].follow(r.placement, time.Now().UnixMilli())
	f()
	cancel()
	<-done
}

// asks lets a viewer ask for a segment and get it.
func (k *kitchen) asks(i int, kind wire.TrackKind, manifest string, n int) {
	binding, _ := k.tables.touch(k.ids[i], "/s/", "192.0.2.1", time.Now().UnixMilli())
	if binding.Inherited {
		k.tables.asks(1, binding.Slot, segment(manifest, n), 0)
	}
	k.tables.delivered(1, binding.Slot, at(kind, manifest, n, 0), binding.Inherited)
}

// counted compares the outcomes with "video ready 1" and the like.
func (k *kitchen) counted(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, c := range k.tables.counts.List() {
		got = append(got, fmt.Sprint(c.Track, " ", c.Outcome, " ", c.Count))
	}
	if !slices.Equal(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// Every track of every session, two segments each, and each of them once.
func TestTheNextTwoOfEveryTrackAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t,
			[]wire.Track{at(wire.VideoTrack, "/s/v1", 10, 100*time.Millisecond), at(wire.AudioTrack, "/s/a1", 12, 1900*time.Millisecond)},
			[]wire.Track{at(wire.VideoTrack, "/s/v2", 30, 1000*time.Millisecond)},
			[]wire.Track{at(wire.VideoTrack, "/s/v2", 30, 1500*time.Millisecond)}, // the same segments, sooner
		)
		k.listed = map[string]int{"/s/v1": 99, "/s/a1": 99, "/s/v2": 99}
		k.takes = 10 * time.Millisecond
		k.takeover(t, r, func() {
			time.Sleep(time.Second)
			want := []string{"/s/a1/13.m4s", "/s/a1/14.m4s", "/s/v1/11.m4s", "/s/v1/12.m4s", "/s/v2/31.m4s", "/s/v2/32.m4s"}
			if loads := k.loaded(); !slices.Equal(loads, want) {
				t.Errorf("got %v", loads)
			}
			k.asks(0, wire.VideoTrack, "/s/v1", 11)
			k.asks(0, wire.AudioTrack, "/s/a1", 13)
			k.asks(0, wire.AudioTrack, "/s/a1", 14)
			k.asks(1, wire.VideoTrack, "/s/v2", 32) // its last segment was not told any more
			k.asks(2, wire.VideoTrack, "/s/v2", 31)
			k.counted(t, "video ready 3", "audio ready 1")
		})
	})
}

// A live playlist lists the next segment a second after the takeover: it is asked for
// anew until then, but not all the time, and the segment is got as soon as it is named.
func TestWhatALivePlaylistDoesNotListYetIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t, []wire.Track{at(wire.VideoTrack, "/s/live", 10, 0)})
		began := time.Now()
		k.publish = func(m string) { k.listed[m] = 10 + int(time.Since(began)/time.Second) }
		k.takeover(t, r, func() {
			time.Sleep(2700 * time.Millisecond)
			if loads, renews := k.loaded(), k.renewals("/s/live"); !slices.Equal(loads, []string{"/s/live/11.m4s", "/s/live/12.m4s"}) || renews < 4 || renews > 6 {
				t.Errorf("got %v after %d renewals", loads, renews)
			}
			time.Sleep(10 * time.Second)
			if n := k.renewals("/s/live"); n > 7 {
				t.Errorf("%d renewals of what is known", n)
			}
			k.asks(0, wire.VideoTrack, "/s/live", 11)
			k.counted(t, "video ready 1")
		})
	})
}

func (k *kitchen) renewals(manifest string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.renews[manifest]
}

// Once the viewer has asked, or has gone, nobody waits for the playlist any more, and
// not for ever otherwise.
func TestAPlaylistIsNotAskedForWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := func(m string) []wire.Track { return []wire.Track{at(wire.VideoTrack, m, 10, 0)} }
		k, r := newKitchen(t, live("/s/asked"), live("/s/gone"), live("/s/missing"))
		k.listed = map[string]int{"/s/asked": 10, "/s/gone": 10}
		k.takeover(t, r, func() {
			time.Sleep(1200 * time.Millisecond)
			k.asks(0, wire.VideoTrack, "/s/asked", 11)
			k.tables.close(k.ids[1])
			time.Sleep(time.Minute)
			if asked, gone, missing := k.renewals("/s/asked"), k.renewals("/s/gone"), k.renewals("/s/missing"); asked < 2 || asked > 4 || gone < 2 || gone > 4 || missing < 20 || missing > 70 {
				t.Errorf("renewals: %d, %d, %d", asked, gone, missing)
			}
			k.counted(t, "video unlisted 1")
		})
	})
}

// Whatever keeps a first segment from being ready is counted by its cause, once a
// track and takeover.
func TestWhatWasNotReadyIsCountedByItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		video := func(m string) []wire.Track { return []wire.Track{at(wire.VideoTrack, m, 10, 0)} }
		k, r := newKitchen(t, video("/s/slow"), video("/s/broken"), video("/s/unlisted"), video("/s/unforeseen"), video("/s/unplaced"), nil)
		k.ended = true
		k.listed = map[string]int{"/s/slow": 99, "/s/broken": 99, "/s/unlisted": 10, "/s/unforeseen": 99, "/s/unplaced": 99}
		k.broken["/s/broken/11.m4s"] = true
		k.takes = time.Second
		k.takeover(t, r, func() {
			time.Sleep(500 * time.Millisecond)
			k.asks(0, wire.VideoTrack, "/s/slow", 11)
			time.Sleep(5 * time.Second)
			k.asks(1, wire.VideoTrack, "/s/broken", 11)
			k.asks(2, wire.VideoTrack, "/s/unlisted", 11)
			k.asks(3, wire.VideoTrack, "/s/unforeseen", 50)
			k.asks(4, wire.AudioTrack, "/s/audio", 11)
			k.asks(5, wire.VideoTrack, "/s/first", 1) // it had not played: nothing is owed to it
			for i, m := range []string{"slow", "broken", "unlisted", "unforeseen"} {
				k.asks(i, wire.VideoTrack, "/s/"+m, 12) // the second request is no first one
			}
			k.counted(t, "video late 1", "video failed 1", "video unlisted 1", "video unforeseen 1", "audio unplaced 1")
		})
	})
}

// A response that was on its way when the session was taken over is no first request.
func TestAResponseThatWasOnItsWayIsNoFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t, []wire.Track{at(wire.VideoTrack, "/s/v", 10, 0)})
		k.listed["/s/v"] = 99
		binding, _ := k.tables.touch(k.ids[0], "/s/", "192.0.2.1", time.Now().UnixMilli())
		k.takeover(t, r, func() {
			time.Sleep(time.Second)
			k.tables.delivered(1, binding.Slot, at(wire.VideoTrack, "/s/v", 9, 0), binding.Inherited)
			k.counted(t)
			k.asks(0, wire.VideoTrack, "/s/v", 11)
			k.counted(t, "video ready 1")
		})
	})
}

// After a second takeover the first requests are counted again, and what has long been
// in memory is read again. What was brought here between the two, while another one delivered,
// is no first request of the second one.
func TestTheNextTakeoverIsCountedAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t, []wire.Track{at(wire.VideoTrack, "/s/v", 10, 0)})
		k.listed["/s/v"] = 99
		k.takeover(t, r, func() {
			time.Sleep(time.Second)
			k.asks(0, wire.VideoTrack, "/s/v", 11)
		})
		r.change(func(p *wire.Placement) { p.Edges[0].State, p.Edges[0].Incarnation = wire.EdgeRecovering, 2 })
		r.tables["e1"] = newTables("e1")
		r.follow("e1", "e2", "e3")
		r.tell("e2", "e1")
		r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeUp })
		r.follow("e1", "e2", "e3")
		time.Sleep(prefetch.Valid)
		binding, _ := k.tables.touch(k.ids[0], "/s/", "192.0.2.1", time.Now().UnixMilli())
		k.takeover(t, r, func() {
			time.Sleep(time.Second)
			k.tables.delivered(1, binding.Slot, at(wire.VideoTrack, "/s/v", 9, 0), binding.Inherited)
			k.asks(0, wire.VideoTrack, "/s/v", 12)
			k.counted(t, "video ready 2")
		})
		if want := []string{"/s/v/11.m4s", "/s/v/12.m4s", "/s/v/12.m4s", "/s/v/13.m4s"}; !slices.Equal(k.loaded(), want) {
			t.Errorf("got %v", k.loaded())
		}
	})
}

// loaded lists what was got.
func (k *kitchen) loaded() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(slices.Values(k.loads))
}

// A viewer who has paused says nothing of the takeover an hour later.
func TestAPausedViewerIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t, []wire.Track{at(wire.VideoTrack, "/s/v", 10, 0)})
		k.listed["/s/v"] = 99
		k.takeover(t, r, func() {
			time.Sleep(61 * time.Second)
			k.tables.expire(time.Now().UnixMilli(), time.Hour.Milliseconds(), time.Hour.Milliseconds())
			k.asks(0, wire.VideoTrack, "/s/v", 50)
			k.counted(t)
		})
	})
}

// At the first sign that an edge may be dead what comes next in its sessions is made ready:
// who asks in the moment in which the placement says so finds it in memory, though a
// segment takes a second to be got.
func TestWhatComesNextIsForeseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, r := newKitchen(t,
			[]wire.Track{at(wire.VideoTrack, "/s/v", 10, 0), at(wire.AudioTrack, "/s/a", 12, 0)},
			[]wire.Track{at(wire.VideoTrack, "/s/v", 10, 0)},
		)
		k.listed, k.takes = map[string]int{"/s/v": 99, "/s/a": 99}, time.Second
		m := &Member{tables: k.tables, Prefetch: k.Prefetcher, now: time.Now, view: fetch.NewView("e2", time.Now)}
		m.view.Swap(r.placement)
		f := &foresight{member: m, signs: make(chan string, 8)}
		ctx, cancel := context.WithCancel(t.Context())
		var under sync.WaitGroup
		under.Go(func() { _ = k.Run(ctx, nil) })
		under.Go(func() { _ = f.run(ctx) })
		for _, edge := range []string{"e3", "e9", "e2"} { // it delivers nothing of this pair; there is none; it is this one
			f.sign(edge)
		}
		time.Sleep(5 * time.Second)
		if loads := k.loaded(); len(loads) > 0 {
			t.Errorf("got %v", loads)
		}
		f.sign("e1")
		f.sign("e1")
		time.Sleep(1500 * time.Millisecond)
		if want := []string{"/s/a/13.m4s", "/s/a/14.m4s", "/s/v/11.m4s", "/s/v/12.m4s"}; !slices.Equal(k.loaded(), want) {
			t.Errorf("got %v", k.loaded())
		}
		r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDown })
		r.tables["e2"].follow(r.placement, time.Now().UnixMilli())
		k.asks(0, wire.AudioTrack, "/s/a", 13)
		k.asks(0, wire.VideoTrack, "/s/v", 12) // the other one was asked for before
		k.asks(1, wire.VideoTrack, "/s/v", 50)
		k.counted(t, "video ready 1", "video late 1", "audio ready 1")
		cancel()
		under.Wait()
	})
}

// A neighbour that has not been heard for all but one of the intervals that are silence may be
// dead already.
func TestSilenceIsForeseenAnIntervalBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrio(t, 8)
		m := &Member{cfg: Config{Name: "e1", NoticeEvery: 200 * time.Millisecond, SilentFor: 3}, now: time.Now, view: fetch.NewView("e1", time.Now)}
		m.view.Swap(r.placement)
		m.Foresight.signs = make(chan string, 64)
		m.silence.Follow(r.placement, "e1", time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		var under sync.WaitGroup
		under.Go(func() { _ = m.detect(ctx) })
		time.Sleep(375 * time.Millisecond)
		if n := len(m.Foresight.signs); n > 0 {
			t.Errorf("%d signs", n)
		}
		time.Sleep(100 * time.Millisecond)
		if n, told := len(m.Foresight.signs), m.Counts.Suspected.Load(); n == 0 || told > 0 {
			t.Errorf("%d signs, %d suspicions", n, told)
		}
		cancel()
		under.Wait()
	})
}
