package edge

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// startOdd starts two edges, the second of which has a clock that is so far ahead, and ends
// soon what is opened there and does not play.
func startOdd(t *testing.T, o *testOrigin, ahead time.Duration) (*testBalancer, *testEdge, *testEdge) {
	t.Helper()
	b := newBalancer(t)
	b.timed = true
	edge := func(name string, ahead, provisional time.Duration) *testEdge {
		e := startEdgeAt(t, Config{Name: name, Origin: o.URL, Balancers: []string{b.URL}, ProvisionalIdle: provisional}, func() time.Time { return time.Now().Add(ahead) })
		eventually(t, "registered", func() bool { _, ok := e.view.Placement().Edge(name); return ok })
		return e
	}
	right, odd := edge("edge-1", 0, time.Minute), edge("edge-2", ahead, 400*time.Millisecond)
	b.place("/v/x/", 1)
	followed(t, b, right, odd)
	eventually(t, "it knows how far its clock is off", func() bool { return odd.clock.Ahead() == ahead })
	return b, right, odd
}

var oddClocks = map[string]time.Duration{"an hour ahead": time.Hour, "an hour behind": -time.Hour}

// A live playlist that an edge whose clock is off gives its partner is no fresher there than
// it is, nor is what it copies itself: a playlist would stand still for all viewers for
// that hour, and everything be asked of the origin.
func TestACopyIsAsFreshWhereverTheClockIs(t *testing.T) {
	for what, ahead := range oddClocks {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			airs(o, 10, "60")
			_, right, odd := startOdd(t, o, ahead)
			paths := []string{"/v/x/live.m3u8"}
			for i := range 8 { // either one is the filler of some
				paths = append(paths, fmt.Sprintf("/v/x/seg%d.m4s", i))
			}
			for _, giver := range []*testEdge{odd, right} {
				for i, path := range paths {
					if resp, _ := get(t, giver.url+path); resp.StatusCode != http.StatusOK {
						t.Fatal(path, resp.Status)
					}
					for _, e := range []*testEdge{odd, right} {
						eventually(t, "both hold it", func() bool { return e.store.Has(path) })
						view, ok := e.store.Peek(path)
						if !ok {
							t.Fatal(e.cfg.Name, "lacks", path)
						}
						m, now := view.Meta(), e.now()
						view.Close()
						if fresh, age := m.Fresh.Sub(now), now.Sub(m.Stored); fresh > 61*time.Minute || i > 0 && fresh < 50*time.Minute || i == 0 && fresh > time.Minute || age.Abs() > time.Minute {
							t.Errorf("%s of %s at %s: fresh for %s, %s old", path, giver.cfg.Name, e.cfg.Name, fresh, age)
						}
					}
				}
			}
		})
	}
}

// Sessions that an edge whose clock is off takes over go on, and so do their positions; and
// those that it hands back: by its own clock nobody has asked for an hour, or will for one.
func TestSessionsOutliveATakeoverByAClockThatIsOff(t *testing.T) {
	for what, ahead := range oddClocks {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := filmOrigin(t)
			b, right, odd := startOdd(t, o, ahead)
			id, reason := open(t, right, 1, "/v/x/")
			if reason != "" {
				t.Fatal(reason)
			}
			v := &watching{t: t, id: id}
			for _, list := range []string{"top", "v", "a"} {
				v.ask(right, "/v/x/"+list+".m3u8")
			}
			v.play(right, right, odd)
			b.state("edge-1", wire.EdgeDraining, ring.AnchorCurrent)
			followed(t, b, right, odd)
			expired := odd.member.Counts.Expired.Load()
			if _, reason := open(t, odd, 1, "/v/x/"); reason != "" { // and never plays
				t.Fatal(reason)
			}
			eventually(t, "what has not played has ended", func() bool { return odd.member.Counts.Expired.Load() > expired })
			list, _ := odd.member.Sessions(10)
			if len(list) != 1 || list[0].SessionID != id {
				t.Fatalf("it delivers %+v", list)
			}
			v.play(odd, odd, right)
			for _, e := range []*testEdge{odd, right} {
				for _, track := range e.member.Tracks(id) {
					if off := time.Since(time.UnixMilli(track.At)).Abs(); off > time.Minute {
						t.Errorf("%s: %s, by a clock that is %s off", e.cfg.Name, track.Target, off)
					}
				}
			}
			b.state("edge-1", wire.EdgeUp, ring.AnchorHome)
			followed(t, b, right, odd)
			v.play(right, right, odd)
			if list, _ := right.member.Sessions(10); len(list) != 1 || time.Since(time.UnixMilli(list[0].Seen)).Abs() > time.Minute || time.Since(time.UnixMilli(list[0].Opened)).Abs() > time.Minute {
				t.Errorf("it is back as %+v", list)
			}
		})
	}
}
