package lb

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

// TestSessionThatItsEdgeRefusesIsPlacedWhereThereIsRoom: the edge that has a session's
// slot can't take it back (it is full by now), and others have room: the viewer is
// served there, on every request, whatever it asks and by whatever connection.
func TestSessionThatItsEdgeRefusesIsPlacedWhereThereIsRoom(t *testing.T) {
	for name, header := range map[string][]string{"on a loop": nil, "in a goroutine": {"Connection", "x"}} {
		t.Run(name, func(t *testing.T) {
			c := newStage(t, stageOptions{edges: 4, capacity: 8})
			c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
			pair, _ := c.lb.Placement().Pair(1)
			full := c.member(pair.Low)
			full.locked(func() { full.full, full.refusal = true, wire.ReasonLimit })
			old := c.token(wire.SessionID{Pair: 1, Slot: 0, Generation: 77}, "/film/", time.Now().Add(time.Hour))
			for _, path := range []string{"/film/1.m4s", "/film/2.m4s?x=1", "/film/3.m4s"} {
				resp, body := c.viewer(nil, old+path, header...)
				if want := "object " + strings.TrimSuffix(path, "?x=1"); resp.StatusCode != http.StatusOK || string(body) != want {
					t.Fatalf("%s: %s %q", path, resp.Status, body)
				}
			}
			if n := c.opened(); n != 1 {
				t.Fatalf("%d sessions were opened for one viewer", n)
			}
			asked := 0
			full.locked(func() { asked = full.inside["/film/1.m4s"] + full.inside["/film/2.m4s"] + full.inside["/film/3.m4s"] })
			if asked != 1 {
				t.Fatalf("the full edge was asked %d times, once is enough to know", asked)
			}
			// A playlist leads the player to its new place, which every balancer knows.
			resp, _ := c.viewer(nil, old+entryPath+"?x=1")
			token, path := c.sessionAt(resp)
			q, _ := c.lb.Placement().Pair(token.Pair)
			if edge, _ := ring.Route(c.lb.Placement(), q, token.Slot); edge == full.edge.Name || path != entryPath || !strings.HasSuffix(resp.Header.Get("Location"), "?x=1") {
				t.Fatalf("led to %s by %q", edge, resp.Header.Get("Location"))
			}
		})
	}
}

// TestTracksOfOnePlayerGetOneNewPlace: a player asks for video and audio at once.
func TestTracksOfOnePlayerGetOneNewPlace(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	pair, _ := c.lb.Placement().Pair(1)
	full := c.member(pair.Low)
	full.locked(func() { full.full, full.refusal = true, wire.ReasonLimit })
	old := c.token(wire.SessionID{Pair: 1, Slot: 0, Generation: 77}, "/film/", time.Now().Add(time.Hour))
	var under sync.WaitGroup
	for _, path := range []string{"/film/v1.m4s", "/film/a1.m4s", "/film/s1.vtt", "/film/v2.m4s"} {
		client := c.person()
		under.Go(func() {
			resp, err := client.Get(c.url + old + path)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", path, resp.Status)
			}
		})
	}
	under.Wait()
	if n := c.opened(); n != 1 {
		t.Fatalf("%d sessions were opened for one player", n)
	}
}

// TestWhoHadASessionIsTakenInUpToTheCapacity: limits keep room for a death; whoever
// played already is not sent away for it. When all edges are full the refusal is the
// answer, with its reason.
func TestWhoHadASessionIsTakenInUpToTheCapacity(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	pair, _ := c.lb.Placement().Pair(1)
	full := c.member(pair.Low)
	full.locked(func() { full.full, full.refusal = true, wire.ReasonLimit })
	old := c.token(wire.SessionID{Pair: 1, Slot: 0, Generation: 77}, "/film/", time.Now().Add(time.Hour))
	tell := func(delivering int) {
		for _, m := range c.members {
			m.locked(func() { m.over = delivering })
			c.report(m)
		}
	}
	tell(8)
	resp, _ := c.viewer(nil, old+"/film/1.m4s")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(wire.HeaderReason) != wire.ReasonLimit || c.opened() != 0 {
		t.Fatalf("%s %v, %d opened", resp.Status, resp.Header, c.opened())
	}
	tell(7) // the limit is 6
	if resp, body := c.viewer(nil, old+"/film/1.m4s"); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, body)
	}
	again := 0
	for _, m := range c.members {
		m.locked(func() { again += m.again })
	}
	if again != 1 {
		t.Fatalf("%d openings said that the viewer had a session before", again)
	}
	if resp, _ := c.viewer(nil, entryPath); resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a new viewer was taken in above the limit: %s", resp.Status)
	}
}

// TestANewStreamGoesAboveTheLimitWhereAnEdgeIsDead: with one edge of three dead and the
// others at their limits nobody is left to keep room for; with fail-safe strict a new
// stream is refused.
func TestANewStreamGoesAboveTheLimitWhereAnEdgeIsDead(t *testing.T) {
	for rule, want := range map[string]int{ring.FailSafeRoom: http.StatusFound, ring.FailSafeStrict: http.StatusServiceUnavailable} {
		c := newStage(t, stageOptions{edges: 3, capacity: 8, config: func(c *Config) { c.FailSafe = rule }})
		c.propose(placement.Command{Kind: placement.Place, Stream: "/other/", Pair: 1})
		c.members[0].Close()
		c.lb.control.Checks.Failed("edge-1", proxy.CauseRefused)
		until(t, "edge-1 is down", func() bool { return c.state("edge-1") == wire.EdgeDown })
		for _, m := range c.members[1:] {
			m.locked(func() { m.over = 6 }) // the limit is 5
			c.report(m)
		}
		resp, body := c.viewer(nil, entryPath)
		if resp.StatusCode != want {
			t.Errorf("%s: %s %s", rule, resp.Status, body)
		}
		if asked := c.members[1].again + c.members[2].again; want == http.StatusFound && asked != 1 {
			t.Errorf("%s: the edge was asked %d times to go up to its capacity", rule, asked)
		}
	}
}
