package lb

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/raftfsm/placement"
)

const entryPath = "/film/master.m3u8"

func TestViewerIsSentToItsSlotAndGetsItsBytes(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	resp, _ := c.viewer(nil, entryPath+"?quality=high")
	token, path := c.sessionAt(resp)
	if path != entryPath || !strings.HasSuffix(resp.Header.Get("Location"), "?quality=high") || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("sent to %q, %v", resp.Header.Get("Location"), resp.Header)
	}
	if stream, ok := c.lb.Placement().StreamBy(token.Stream); !ok || stream != "/film/" {
		t.Fatalf("the token is for %q, %v", stream, ok)
	}
	if got := c.lb.Placement().Stream("/film/"); len(got) != 1 || got[0] != token.Pair || c.opened() != 1 {
		t.Fatalf("placed on %v, %d slots given", got, c.opened())
	}
	left := time.Until(time.Unix(token.Expires, 0))
	if left < 23*time.Hour || left > 24*time.Hour {
		t.Fatalf("the token is good for %s", left)
	}
	at := strings.Replace(resp.Header.Get("Location"), "master.m3u8?quality=high", "720/one.m4s", 1)
	resp, body := c.viewer(nil, at)
	if resp.StatusCode != http.StatusOK || string(body) != "object /film/720/one.m4s" {
		t.Fatalf("%s %q", resp.Status, body)
	}
}

func TestManyViewersOfANewStreamPlaceItOnce(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 100})
	var under sync.WaitGroup
	for range 30 {
		under.Go(func() {
			client := c.person()
			resp, err := client.Get(c.url + entryPath)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusFound {
				t.Error(resp.Status)
			}
		})
	}
	under.Wait()
	if got := c.lb.Placement().Stream("/film/"); len(got) != 1 || c.opened() != 30 {
		t.Fatalf("placed on %v, %d slots given", got, c.opened())
	}
}

func TestEntryAskedAgainIsTheSameViewer(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 100})
	again := func(name string, ask func() *http.Response) {
		t.Run(name, func(t *testing.T) {
			first, _ := c.sessionAt(ask())
			before := c.opened()
			second, _ := c.sessionAt(ask())
			if first != second || c.opened() != before {
				t.Fatalf("%+v, then %+v; %d new slots", first, second, c.opened()-before)
			}
		})
	}
	again("CMCD in the query", func() *http.Response {
		resp, _ := c.viewer(nil, entryPath+`?CMCD=bl%3D100%2Csid%3D%22one%22`)
		return resp
	})
	again("CMCD in a header", func() *http.Response {
		resp, _ := c.viewer(nil, entryPath, "CMCD-Session", `cid="x",sid="two"`)
		return resp
	})
	again("the player's header", func() *http.Response {
		resp, _ := c.viewer(nil, entryPath, "X-Playback-Session-Id", "three")
		return resp
	})
	person := c.person()
	again("its connection", func() *http.Response {
		resp, _ := c.viewer(person, entryPath)
		return resp
	})
	again("its segments without a token", func() *http.Response {
		resp, _ := c.viewer(nil, "/film/manifest.mpd", "User-Agent", "Lavf/1")
		loose, _ := c.viewer(nil, "/film/seg-1.m4s", "User-Agent", "Lavf/1")
		if loose.StatusCode != http.StatusOK {
			t.Fatal(loose.Status)
		}
		return resp
	})
	inside := 0
	for _, m := range c.members {
		m.locked(func() { inside += m.inside["/film/seg-1.m4s"] })
	}
	if inside != 2 {
		t.Fatalf("%d segments without a token were counted to their viewer's session, want 2", inside)
	}
}

func TestViewersBehindOneAddressHaveTheirOwnSessions(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 100})
	differ := func(name string, a, b *http.Response) {
		t.Helper()
		one, _ := c.sessionAt(a)
		other, _ := c.sessionAt(b)
		if one.SessionID == other.SessionID {
			t.Errorf("%s: both have %+v", name, one.SessionID)
		}
	}
	ask := func(client *http.Client, header ...string) *http.Response {
		resp, _ := c.viewer(client, entryPath, header...)
		return resp
	}
	differ("two connections", ask(nil), ask(nil))
	differ("two names", ask(nil, "X-Playback-Session-Id", "a"), ask(nil, "X-Playback-Session-Id", "b"))
	one := c.person()
	differ("two players on one connection", ask(one, "User-Agent", "a"), ask(one, "User-Agent", "b"))
	differ("two names on one connection", ask(one, "X-Playback-Session-Id", "c"), ask(one, "X-Playback-Session-Id", "d"))
	proxy := c.person()
	differ("a proxy's connection", ask(proxy, "X-Forwarded-For", "192.0.2.1"), ask(proxy, "X-Forwarded-For", "192.0.2.2"))
}

func TestUnknownPathPlacesNothing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	for _, m := range c.members {
		m.locked(func() { m.missing = true })
	}
	for _, path := range []string{"/none/master.m3u8", "/none/manifest", "/none"} {
		if resp, _ := c.viewer(nil, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if c.lb.Placement().Streams.Len() != 0 || c.opened() != 0 {
		t.Fatalf("placed %v, %d slots", c.lb.Placement().Streams, c.opened())
	}
}

func TestRefusalSaysWhyAndWhenToComeBack(t *testing.T) {
	for refusal, want := range map[string]string{
		wire.ReasonLimit: wire.ReasonCluster, wire.ReasonDraining: wire.ReasonCluster, wire.ReasonFailSafe: wire.ReasonCluster, wire.ReasonPairFull: wire.ReasonCluster,
	} {
		t.Run(refusal, func(t *testing.T) {
			c := newStage(t, stageOptions{edges: 3, capacity: 8})
			for _, m := range c.members {
				m.locked(func() { m.refusal = refusal })
			}
			resp, body := c.viewer(nil, entryPath)
			var said call.Problem
			if err := json.Unmarshal(body, &said); err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "5" ||
				resp.Header.Get(wire.HeaderReason) != want || said.Reason != want || said.Error == "" || strings.Contains(said.Error, "\n") {
				t.Fatalf("%s %v %s", resp.Status, resp.Header, body)
			}
			if n := c.lb.counts.refusedAll.load(); n != 1 { // counted_test.go: status shows it
				t.Fatalf("%d refusals counted", n)
			}
		})
	}
	c := newStage(t, stageOptions{})
	if resp, _ := c.viewer(nil, entryPath); resp.Header.Get(wire.HeaderReason) != wire.ReasonNoEdge {
		t.Fatalf("without edges: %s %v", resp.Status, resp.Header)
	}
}

func TestEveryLimitIsUsedUpBeforeAnybodyIsRefused(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	for _, m := range c.members {
		c.report(m)
	}
	limits := ring.LimitsOf(c.lb.Placement())
	room := 0
	for _, n := range limits {
		room += n
	}
	for i := range room {
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatalf("viewer %d of %d: %s %s", i+1, room, resp.Status, body)
		}
	}
	resp, _ := c.viewer(nil, entryPath)
	if resp.StatusCode != http.StatusServiceUnavailable || c.opened() != room {
		t.Fatalf("one more than %d: %s", c.opened(), resp.Status)
	}
	for _, e := range c.lb.Placement().Edges {
		if n := c.lb.control.Loads.Delivering(e); n > limits[e.Name] {
			t.Errorf("%s delivers %d, its limit is %d", e.Name, n, limits[e.Name])
		}
	}
}

func TestFullSideMovesTheBoundary(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(c *Config) { c.Admission, c.Choose = ring.PairAdmission, ring.ChooseFirst }})
	until(t, "admission", func() bool { return c.lb.Placement().Admission == ring.PairAdmission })
	q := c.lb.Placement().Pairs[0]
	for range q.Boundary + 1 {
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatalf("%s %s", resp.Status, body)
		}
	}
	after := c.lb.Placement().Pairs[0]
	if after.Boundary <= q.Boundary || after.Home != after.Boundary {
		t.Fatalf("boundary %d -> %d, home %d", q.Boundary, after.Boundary, after.Home)
	}
	var low int
	for _, m := range c.members {
		if m.edge.Name == q.Low {
			m.locked(func() { low = m.opened })
		}
	}
	if low != q.Boundary+1 {
		t.Fatalf("the low member gave %d slots, want %d", low, q.Boundary+1)
	}
}

func TestDeadEdgeIsPassedBy(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	first := ring.Choose(c.lb.Placement(), c.lb.control.Loads.Figures(c.lb.Placement()), "/film/").Edge
	for _, m := range c.members {
		if m.edge.Name == first {
			m.Close()
		}
	}
	resp, _ := c.viewer(nil, entryPath)
	token, _ := c.sessionAt(resp)
	q, _ := c.lb.Placement().Pair(token.Pair)
	if edge, _ := ring.Route(c.lb.Placement(), q, token.Slot); edge == first {
		t.Fatalf("the slot is at %s, which is dead", edge)
	}
	until(t, "the failure was checked", func() bool { return c.state(first) == wire.EdgeDown })
}

func TestQueryAsksEveryEdgeAndTheLeastLoadedDelivers(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 100, config: func(c *Config) { c.StateSource = admission.StateQuery }})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	q, _ := c.lb.Placement().Pair(1)
	for _, m := range c.members {
		m.locked(func() { // both know that the low member delivers five already
			for range 5 {
				m.table(q).Allot([]wire.Run{{From: 0, To: q.Boundary}}, ring.ViewOf(q, q.Low), q.Slots)
			}
		})
	}
	resp, _ := c.viewer(nil, entryPath)
	if token, _ := c.sessionAt(resp); token.Slot < q.Boundary {
		t.Fatalf("slot %d is the low member's, which delivers five; the high one delivers none", token.Slot)
	}
}

func TestLoadSourceAsksWhoStoresTheStream(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	c := newStage(t, stageOptions{edges: 4, capacity: 100, config: func(c *Config) { c.StateSource = admission.StateLoad }, now: now})
	for _, pair := range []wire.PairID{1, 3} {
		c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: pair, Before: len(c.lb.Placement().Stream("/film/"))})
	}
	c.lb.control.Loads.Follow(c.lb.Placement(), now())
	passed.Store(int64(time.Minute)) // what was placed a moment ago is taken for stored
	q, _ := c.lb.Placement().Pair(3)
	for _, m := range c.members {
		m.locked(func() {
			if m.streams = []string{}; m.edge.Name == q.Low {
				m.streams = []string{"/film/"}
			}
		})
	}
	resp, _ := c.viewer(nil, entryPath)
	if token, _ := c.sessionAt(resp); token.Pair != 3 {
		t.Fatalf("opened on pair %d; only pair 3 says that it stores the stream", token.Pair)
	}
}

// TestPushedReportsTellWhoStoresTheStream (claim 4): the placement wishes two pairs, and
// by what the edges have pushed only one of them stores it (the others were purged); no
// edge is asked.
func TestPushedReportsTellWhoStoresTheStream(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	c := newStage(t, stageOptions{edges: 4, capacity: 100, now: now})
	for _, pair := range []wire.PairID{1, 3} {
		c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: pair, Before: len(c.lb.Placement().Stream("/film/"))})
	}
	c.lb.control.Loads.Follow(c.lb.Placement(), now())
	passed.Store(int64(time.Minute)) // what was placed a moment ago is taken for stored
	q, _ := c.lb.Placement().Pair(3)
	for _, m := range c.members {
		m.locked(func() {
			if m.streams = []string{}; m.edge.Name == q.High {
				m.streams = []string{"/film/"}
			}
		})
		c.report(m)
	}
	for range 3 {
		resp, _ := c.viewer(nil, entryPath)
		token, _ := c.sessionAt(resp)
		if edge, _ := ring.Route(c.lb.Placement(), q, token.Slot); token.Pair != 3 || edge != q.High {
			t.Fatalf("opened on pair %d at %s; only %s says that it stores the stream", token.Pair, edge, q.High)
		}
	}
	for _, m := range c.members {
		m.locked(func() {
			if n := m.asked["report"]; n != 0 {
				t.Errorf("%s was asked %d times for what it pushes", m.edge.Name, n)
			}
		})
	}
}

// TestOneHotStreamSpreadsOverTheRing: 100 viewers of one stream on four edges that may
// have 75 each. One pair could take them all; the stream begins there and ends on more,
// within a tenth of even.
func TestOneHotStreamSpreadsOverTheRing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 100})
	for i := range 100 {
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatalf("viewer %d: %s %s", i+1, resp.Status, body)
		}
		if i%10 == 9 { // reports are a moment old, as in life
			c.mirror()
			for _, m := range c.members {
				c.report(m)
			}
		}
	}
	for _, m := range c.members {
		m.locked(func() {
			if m.opened < 22 || m.opened > 28 {
				t.Errorf("%s has %d of 100 sessions, want 25 within a tenth", m.edge.Name, m.opened)
			}
		})
	}
}

// TestSlotGivenAwayIsTakenBackForAViewer: an edge both of whose neighbours are
// dead has given slots away and empties; the next viewer is not refused for that
// (docs/decisions/0007).
func TestSlotGivenAwayIsTakenBackForAViewer(t *testing.T) {
	c := newStage(t, stageOptions{edges: 4, capacity: 2, config: func(c *Config) { c.Admission = ring.PairAdmission }})
	until(t, "admission", func() bool { return c.lb.Placement().Admission == ring.PairAdmission })
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	everything := []wire.Run{{From: 0, To: 2}}
	var loads []ring.Load
	for _, id := range []wire.PairID{1, 2} { // edge-2's
		loads = append(loads, ring.Load{Pair: id, Taken: everything})
	}
	for _, dead := range []string{"edge-1", "edge-3"} {
		c.propose(placement.Command{Kind: placement.EdgeDown, Name: dead, Incarnation: 1, Loads: loads})
	}
	given := 0
	for _, q := range c.lb.Placement().Pairs {
		for _, a := range q.Adopted {
			given += a.To - a.From
		}
	}
	if given != 2 {
		t.Fatalf("%d slots were given away: %+v", given, c.lb.Placement().Pairs)
	}
	for range 2 {
		if resp, body := c.viewer(nil, entryPath); resp.StatusCode != http.StatusFound {
			t.Fatalf("%s %s", resp.Status, body)
		}
	}
	for _, m := range c.members {
		if m.opened > 0 && m.edge.Name != "edge-2" {
			t.Errorf("%s gave %d slots of a stream that it does not store", m.edge.Name, m.opened)
		}
	}
}
