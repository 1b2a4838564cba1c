package lb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

func (c *stage) place(stream string) {
	c.t.Helper()
	c.propose(placement.Command{Kind: placement.Place, Stream: stream, Pair: 1})
}

func (c *stage) placed(stream string) bool { return len(c.lb.Placement().Stream(stream)) > 0 }

// TestStreamsThatNobodyWatchesLeaveThePlacement: after a time without a session a
// stream makes room for other names; one that is watched stays, and one whose last
// session ends goes later.
func TestStreamsThatNobodyWatchesLeaveThePlacement(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.UnplaceAfter = 300 * time.Millisecond }})
	watch := func(streams map[string]int) {
		m := c.members[1]
		m.locked(func() { m.watched = streams })
	}
	watch(map[string]int{"/film/": 2})
	for _, stream := range []string{"/film/", "/old/", "/older/"} {
		c.place(stream)
	}
	began := time.Now()
	until(t, "what nobody watches is gone", func() bool { return !c.placed("/old/") && !c.placed("/older/") })
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Fatalf("gone after %s", took)
	}
	if !c.placed("/film/") {
		t.Fatal("a stream that is watched was taken off")
	}
	watch(nil)
	until(t, "the last viewer has gone, and the stream after it", func() bool { return !c.placed("/film/") })
}

// TestNothingIsUnplacedWhileAnEdgeSaysNothing: what its viewers watch is not known.
func TestNothingIsUnplacedWhileAnEdgeSaysNothing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.UnplaceAfter = 200 * time.Millisecond }})
	mute := c.members[2]
	mute.locked(func() { mute.mute = true })
	c.place("/film/")
	asked := func() (n int) {
		c.members[0].locked(func() { n = c.members[0].asked["streams"] })
		return n
	}
	before := asked()
	until(t, "edges were asked for long enough", func() bool { return asked() > before+20 })
	if !c.placed("/film/") {
		t.Fatal("unplaced, though an edge may have had viewers of it")
	}
	mute.locked(func() { mute.mute = false })
	until(t, "it has said that nobody watches", func() bool { return !c.placed("/film/") })
}

// TestAWatchedStreamThatIsNotPlacedIsPlacedAgain: its viewers came back after a long
// pause, in their old slots.
func TestAWatchedStreamThatIsNotPlacedIsPlacedAgain(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.UnplaceAfter = time.Second }})
	m := c.members[0]
	m.locked(func() { m.watched = map[string]int{"/film/": 1} })
	until(t, "placed", func() bool { return c.placed("/film/") })
	if pairs := c.lb.Placement().Stream("/film/"); len(pairs) != 1 || pairs[0] != 1 {
		t.Fatalf("placed on %v, its session is in pair 1", pairs)
	}
}

// TestAViewerWhoComesBackPutsItsStreamBack: it was away for so long that its stream was
// taken off its pair. Its name is told from what is asked for, in any folder of it; from
// what lies elsewhere it can't be, and that is served all the same.
func TestAViewerWhoComesBackPutsItsStreamBack(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	for _, row := range []struct {
		path string
		back bool
	}{{"/film/a.m4s", true}, {"/film/720p/sound/a.m4s?x=/y/z", true}, {"/elsewhere/a.m4s", false}} {
		c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 2})
		token := c.token(wire.SessionID{Pair: 2, Slot: 1, Generation: 5}, "/film/", time.Now().Add(time.Hour))
		c.propose(placement.Command{Kind: placement.Unplace, Stream: "/film/"})
		if resp, body := c.viewer(nil, token+row.path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", row.path, resp.Status, body)
		}
		if pairs := c.lb.Placement().Stream("/film/"); (len(pairs) == 1 && pairs[0] == 2) != row.back {
			t.Errorf("%s: the stream is on %v", row.path, pairs)
		}
		c.propose(placement.Command{Kind: placement.Unplace, Stream: "/film/"})
	}
	if n := c.lb.Placement().Streams.Len(); n != 0 {
		t.Errorf("%d streams are placed", n)
	}
}

func TestOperatorsUnplaceWhatNobodyWatches(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.place("/film/")
	c.place("/other/")
	m := c.members[0]
	m.locked(func() { m.watched = map[string]int{"/other/": 3} })
	c.api(http.MethodPost, "/streams/unplace", map[string]string{"stream": "/film/"}, http.StatusOK, nil)
	if c.placed("/film/") {
		t.Fatal("still placed")
	}
	for _, row := range []struct {
		body   any
		status int
		says   string
	}{
		{map[string]string{"stream": "/film/"}, http.StatusNotFound, "no stream"},
		{map[string]string{"stream": "/other/"}, http.StatusConflict, "3 sessions"},
		{map[string]string{"name": "/other/"}, http.StatusBadRequest, "unknown field"},
		{map[string]string{}, http.StatusBadRequest, "stream: "},
	} {
		text := c.api(http.MethodPost, "/streams/unplace", row.body, row.status, nil)
		var said call.Problem
		if err := json.Unmarshal(text, &said); err != nil || !strings.Contains(said.Error, row.says) {
			t.Errorf("%v: %s", row.body, text)
		}
	}
	m.locked(func() { m.mute = true })
	c.api(http.MethodPost, "/streams/unplace", map[string]string{"stream": "/other/"}, http.StatusServiceUnavailable, nil)
	if !c.placed("/other/") {
		t.Fatal("unplaced under its viewers")
	}
}

// TestAStreamIsPlacedByOneOfThoseWhoWantIt: many balancers choose a pair for the same new
// stream at once, each another one; the others see where it is, and different streams
// don't wait for each other.
func TestAStreamIsPlacedByOneOfThoseWhoWantIt(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	var under sync.WaitGroup
	var placed atomic.Int64
	for i := range 40 {
		under.Go(func() {
			_, err := c.lb.control.Proposals.Propose(t.Context(), placement.Command{
				Kind: placement.Place, Stream: fmt.Sprintf("/film-%d/", i%4), Pair: c.lb.Placement().Pairs[i/4%3].ID,
			})
			switch {
			case err == nil:
				placed.Add(1)
			case !errors.Is(err, placement.ErrStale):
				t.Error(err)
			}
		})
	}
	under.Wait()
	if placed.Load() != 4 {
		t.Errorf("%d of 40 proposals were carried out, want one a stream", placed.Load())
	}
	for i := range 4 {
		if pairs := c.lb.Placement().Stream(fmt.Sprintf("/film-%d/", i)); len(pairs) != 1 {
			t.Errorf("film %d is on %v", i, pairs)
		}
	}
}

// A stream that nobody has watched may be taken off its pairs in the moment in which a
// viewer opens it: it is put back, and the viewer let in.
func TestAStreamThatIsUnplacedWhileItIsOpenedIsPutBack(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.viewer(nil, entryPath) // placed
	opens := make(chan struct{})
	awaited := func() (n int) {
		for _, m := range c.members {
			m.locked(func() { n += m.awaited })
		}
		return n
	}
	for _, m := range c.members {
		m.locked(func() { m.opens = opens })
	}
	answer := make(chan *http.Response, 1)
	go func() {
		resp, _ := c.viewer(nil, entryPath)
		answer <- resp
	}()
	until(t, "an edge is asked for a slot", func() bool { return awaited() > 0 })
	c.propose(placement.Command{Kind: placement.Unplace, Stream: "/film/"})
	close(opens)
	resp := <-answer
	if token, _ := c.sessionAt(resp); !c.placed("/film/") || c.lb.Placement().StreamID("/film/") != token.Stream {
		t.Errorf("the token names stream %d, placed as %d", token.Stream, c.lb.Placement().StreamID("/film/"))
	}
}
