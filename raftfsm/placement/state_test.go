package placement

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// The document's example, from figure 16 to figure 17 and back: edge 1 dies
// under full load, nobody is lost, it returns and all is as before.
func TestADeathAndAReturnAreTheDocumentsExample(t *testing.T) {
	s := four(t)
	s.boundaries(4, 4, 4, 4)
	loads := full(s.state.Placement())

	r := s.must(Command{Kind: EdgeDown, Name: "e1", Incarnation: 1, Noticed: 77, By: "lb-1", Cause: "silent", Loads: loads})
	s.state4("down up up up")
	if r.Plan.Lost != 0 || r.Plan.Moved != 8 {
		t.Fatalf("plan %+v", r.Plan)
	}
	count := ring.Delivering(s.state.Placement(), loads)
	if count["e1"] != 0 || count["e2"] != 8 || count["e3"] != 8 || count["e4"] != 8 {
		t.Fatalf("delivering %v", count)
	}
	d := s.state.Deaths()
	if len(d) != 1 || d[0].Edge != "e1" || d[0].Noticed != 77 || d[0].By != "lb-1" || d[0].Cause != "silent" || d[0].Moved != 8 || d[0].Lost != 0 || d[0].Version != r.Version || d[0].Returned != 0 {
		t.Fatalf("receipts %+v", d)
	}

	s.must(up("e1", 2))
	s.state4("recovering up up up")
	since := s.edge("e1").Since
	if r := s.do(Command{Kind: EdgeReady, Name: "e1", Incarnation: 2, Version: since - 1, Loads: loads}); r.Code != "stale" {
		t.Fatalf("ready for an older version: %+v", r)
	}
	s.must(Command{Kind: EdgeReady, Name: "e1", Incarnation: 2, Version: since, Loads: loads, CopiedBytes: 99})
	s.state4("up up up up")
	s.boundaries(4, 4, 4, 4)
	d = s.state.Deaths()
	if len(d) != 1 || d[0].Returned == 0 || d[0].CopiedBytes != 99 {
		t.Fatalf("receipts %+v", d)
	}
}

func TestAnOlderIncarnationChangesNothing(t *testing.T) {
	s := four(t)
	s.must(up("e2", 5))
	s.must(Command{Kind: EdgeReady, Name: "e2", Incarnation: 5, Version: s.edge("e2").Since})
	before := text(t, s.state.Placement())
	for _, c := range []Command{
		up("e2", 4),
		{Kind: EdgeDown, Name: "e2", Incarnation: 4},
		{Kind: EdgeDown, Name: "e2", Incarnation: 6},
		{Kind: EdgeReady, Name: "e2", Incarnation: 4, Version: 1 << 40},
	} {
		r := s.do(c)
		if !errors.Is(r.Failed(), ErrStale) || r.Changed {
			t.Errorf("%s: %+v", c.Kind, r)
		}
	}
	if after := text(t, s.state.Placement()); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
}

func TestTheSameIDIsCarriedOutOnce(t *testing.T) {
	s := four(t)
	c := Command{Kind: MoveBoundary, ID: "once", Pair: 1, Before: 4, Boundary: 5}
	first := s.must(c)
	s.must(Command{Kind: MoveBoundary, Pair: 1, Before: 5, Boundary: 4})
	again := s.do(c) // would be possible again
	if !again.Again || again.Version != first.Version || !again.Changed {
		t.Fatalf("first %+v, again %+v", first, again)
	}
	s.boundaries(4, 4, 4, 4)
	for i := range keepAnswers {
		s.do(Command{Kind: Unplace, ID: fmt.Sprint("filler-", i), Stream: "/none/"})
	}
	if r := s.do(c); r.Again { // forgotten by now: the list is bounded
		t.Fatalf("%+v", r)
	}
}

func TestNewEdges(t *testing.T) {
	s := newScript(t)
	for _, name := range []string{"edge-10", "edge-2", "edge-1"} {
		s.must(up(name, 1))
	}
	var order []string
	for _, e := range s.state.Placement().Edges {
		order = append(order, e.Name+" "+string(e.State))
	}
	if got := strings.Join(order, ", "); got != "edge-1 up, edge-2 up, edge-10 up" {
		t.Fatal(got)
	}
	s.must(Command{Kind: Place, Stream: "/a/", Pair: 1})
	join := up("edge-7", 1)
	join.After = "edge-2"
	s.must(join)
	if e := s.edge("edge-7"); e.State != wire.EdgeJoining || e.After != "edge-2" {
		t.Fatalf("%+v", e)
	}
	s.must(up("edge-7", 2)) // restarts while it joins
	if e := s.edge("edge-7"); e.State != wire.EdgeJoining || e.After != "edge-2" || e.Incarnation != 2 {
		t.Fatalf("%+v", e)
	}
	s.must(Command{Kind: EdgeReady, Name: "edge-7", Incarnation: 2, Version: s.edge("edge-7").Since})
	if p := s.state.Placement(); p.Edges[2].Name != "edge-7" || p.Edges[2].State != wire.EdgeUp || len(p.Pairs) != 4 {
		t.Fatalf("%+v", p)
	}
	s.must(up("edge-8", 1))
	s.must(Command{Kind: EdgeDown, Name: "edge-8", Incarnation: 1})
	if _, ok := s.state.Placement().Edge("edge-8"); ok {
		t.Fatal("an edge that died before it joined is still there")
	}
}

// A ring change gives those who copy other things to copy: what they report of
// the time before counts no longer.
func TestARingChangeLetsCopiersBeginAnew(t *testing.T) {
	s := four(t)
	s.must(up("e5", 1))
	old := s.edge("e5").Since
	s.must(Command{Kind: EdgeDown, Name: "e4", Incarnation: 1})
	s.must(Command{Kind: Remove, Name: "e4"})
	s.must(Command{Kind: Left, Name: "e4", Version: s.edge("e4").Since})
	if r := s.do(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: old}); r.Code != "stale" {
		t.Fatalf("%+v", r)
	}
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
}

func TestEdgesThatComeBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(*script)
		again  Command
		want   wire.EdgeState
		deaths int
	}{
		{"restarted while up", func(*script) {}, up("e2", 2), wire.EdgeRecovering, 1},
		{"registers again", func(*script) {}, up("e2", 1), wire.EdgeUp, 0},
		{"restarted while draining", func(s *script) { s.must(Command{Kind: Drain, Name: "e2"}) }, up("e2", 2), wire.EdgeRecovering, 1},
		{"restarted while leaving", func(s *script) { s.must(Command{Kind: Remove, Name: "e2"}) }, up("e2", 2), wire.EdgeRecovering, 1},
		{"declared dead, same process", func(s *script) { s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1}) }, up("e2", 1), wire.EdgeRecovering, 1},
		{"died, new process", func(s *script) { s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1}) }, up("e2", 2), wire.EdgeRecovering, 1},
		{"restarted while recovering", func(s *script) { s.must(up("e2", 2)) }, up("e2", 3), wire.EdgeRecovering, 1},
		{"no stream is placed", func(s *script) { s.must(Command{Kind: Unplace, Stream: "/sample/"}) }, up("e2", 2), wire.EdgeUp, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := four(t)
			c.before(s)
			s.do(c.again)
			if e := s.edge("e2"); e.State != c.want || e.Incarnation != c.again.Edge.Incarnation {
				t.Errorf("%+v, want %s", e, c.want)
			}
			if d := s.state.Deaths(); len(d) != c.deaths {
				t.Errorf("receipts %+v", d)
			}
		})
	}
}

func TestAnotherCapacityTakesEffect(t *testing.T) {
	s := four(t)
	c := up("e2", 1)
	c.Edge.Capacity, c.Edge.HTTP = 4, "http://elsewhere"
	c.Loads = full(s.state.Placement())
	s.must(c)
	p := s.state.Placement()
	if e := s.edge("e2"); e.Capacity != 4 || e.HTTP != "http://elsewhere" || e.State != wire.EdgeUp {
		t.Fatalf("%+v", e)
	}
	if n := ring.Delivering(p, c.Loads)["e2"]; n > 4 {
		t.Fatalf("e2 has to deliver %d of 4", n)
	}
	if p.Pairs[0].Slots != 8 {
		t.Fatal("a table changed its size while it lives")
	}
}

func TestDrainResumeRemove(t *testing.T) {
	s := four(t)
	loads := full(s.state.Placement())
	r := s.must(Command{Kind: Drain, Name: "e3", Loads: loads})
	if r.Plan.Lost != 0 || ring.Delivering(s.state.Placement(), loads)["e3"] != 0 {
		t.Fatalf("%+v", r.Plan)
	}
	s.must(Command{Kind: Resume, Name: "e3", Loads: loads})
	s.boundaries(4, 4, 4, 4)

	s.must(Command{Kind: Place, Stream: "/three/", Pair: 3})
	s.must(Command{Kind: Remove, Name: "e3", Loads: loads})
	s.state4("up up leaving up")
	if r := s.do(Command{Kind: Left, Name: "e3", Version: s.edge("e3").Since - 1}); r.Code != "stale" {
		t.Fatalf("%+v", r)
	}
	s.must(Command{Kind: Left, Name: "e3", Version: s.edge("e3").Since, Loads: loads})
	p := s.state.Placement()
	q, _ := p.Pair(p.Stream("/three/")[0])
	if len(p.Edges) != 3 || q == nil || q.Retiring || q.Low != "e2" || q.High != "e4" {
		t.Fatalf("%+v", p)
	}
	// Its second pair is there until its sessions have ended.
	if q, ok := p.Pair(3); !ok || !q.Retiring {
		t.Fatalf("%+v", p.Pairs)
	}
	if r := s.do(Command{Kind: Place, Stream: "/new/", Pair: 3}); r.Code != "refused" {
		t.Fatalf("%+v", r)
	}
	s.must(Command{Kind: Settle, Loads: []ring.Load{{Pair: 3}}})
	if _, ok := s.state.Placement().Pair(3); ok {
		t.Fatal("the empty retiring pair is still there")
	}
}

func TestStreamsArePlacedOnceAndInOrder(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: Place, Stream: "/b/", Pair: 2})
	s.must(Command{Kind: Place, Stream: "/a/", Pair: 3})
	s.must(Command{Kind: Place, Stream: "/b/", Pair: 1})
	if r := s.do(Command{Kind: Place, Stream: "/b/", Pair: 2}); r.Err != "" || r.Changed {
		t.Fatalf("%+v", r)
	}
	if r := s.do(Command{Kind: Place, Stream: "/b/", Pair: 9}); !errors.Is(r.Failed(), ErrUnknown) {
		t.Fatalf("%+v", r)
	}
	p := s.state.Placement()
	if got := fmt.Sprint(slices.Collect(p.Streams.All())); got != "[{/a/ 0 [3]} {/b/ 0 [2 1]} {/sample/ 0 [1]}]" {
		t.Fatal(got)
	}
	s.must(Command{Kind: Unplace, Stream: "/b/", Pair: 2})
	s.must(Command{Kind: Unplace, Stream: "/sample/"})
	if got := fmt.Sprint(slices.Collect(s.state.Placement().Streams.All())); got != "[{/a/ 0 [3]} {/b/ 0 [1]}]" {
		t.Fatal(got)
	}
	if got := fmt.Sprint(slices.Collect(p.Streams.All())); got != "[{/a/ 0 [3]} {/b/ 0 [2 1]} {/sample/ 0 [1]}]" {
		t.Fatalf("a published placement changed: %s", got)
	}
	r := s.must(Command{Kind: Unplace, Streams: []string{"/b/", "/none/", "/a/", "/b/"}, By: "lb-1", Cause: "nobody has watched"})
	if n := s.state.Placement().Streams.Len(); n != 0 {
		t.Fatalf("%d streams are left", n)
	}
	if h := s.state.History(); h[len(h)-1].Version != r.Version || h[len(h)-1].Text != "/b/ and 1 other stream are on no pair now (nobody has watched, by lb-1)." {
		t.Fatalf("%+v", h[len(h)-1])
	}
	if r := s.do(Command{Kind: Unplace, Streams: []string{"/b/"}}); r.Err != "" || r.Changed {
		t.Fatalf("a second time: %+v", r)
	}
}

func TestMoveBoundaryHoldsOnlyIfNobodyWasFaster(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: MoveBoundary, Pair: 2, Before: 4, Boundary: 6})
	if q := s.state.Placement().Pairs[1]; q.Boundary != 6 || q.Home != 6 {
		t.Fatalf("%+v", q)
	}
	for _, c := range []struct {
		command Command
		code    string
	}{
		{Command{Pair: 2, Before: 4, Boundary: 5}, "stale"},
		{Command{Pair: 2, Before: 6, Boundary: 9}, "malformed"},
		{Command{Pair: 2, Before: 6, Boundary: -1}, "malformed"},
		{Command{Pair: 7, Before: 6, Boundary: 5}, "unknown"},
	} {
		c.command.Kind = MoveBoundary
		if r := s.do(c.command); r.Code != c.code {
			t.Errorf("%+v: %+v", c.command, r)
		}
	}
	loads := full(s.state.Placement())
	s.must(Command{Kind: EdgeDown, Name: "e1", Incarnation: 1, Loads: loads})
	if r := s.do(Command{Kind: MoveBoundary, Pair: 1, Before: 0, Boundary: 3}); r.Code != "refused" {
		t.Errorf("a takeover's boundary moved: %+v", r)
	}
	// A boundary that stands away from home for a death moves without its home.
	q := s.state.Placement().Pairs[1]
	if q.Boundary == q.Home {
		t.Fatalf("no overflow: %+v", q)
	}
	s.must(Command{Kind: MoveBoundary, Pair: 2, Before: q.Boundary, Boundary: q.Boundary + 1})
	if q := s.state.Placement().Pairs[1]; q.Home != 6 {
		t.Errorf("home was forgotten: %+v", q)
	}
}

// Upstreams are put in place as a whole, or refused as a whole; the same again is no change.
func TestUpstreamsAreReplacedAsAWhole(t *testing.T) {
	s := newScript(t)
	of := func(prefixes ...string) (all []wire.Upstream) {
		for _, prefix := range prefixes {
			all = append(all, wire.Upstream{Prefix: prefix, Servers: []wire.UpstreamServer{{URL: "http://origin"}}})
		}
		return all
	}
	for i, row := range []struct {
		given   []wire.Upstream
		changed bool
		code    string
	}{
		{of("/news/", "/"), true, ""},
		{of("/news/", "/"), false, ""},
		{of("/", "/"), false, "malformed"},
		{of("/films/"), true, ""},
		{nil, true, ""},
		{nil, false, ""},
	} {
		before := s.state.Placement()
		r := s.do(Command{Kind: Upstreams, Upstreams: row.given})
		want := before.Upstreams
		if row.changed {
			want = row.given
		}
		if r.Code != row.code || r.Changed != row.changed || !wire.SameUpstreams(s.state.Placement().Upstreams, want) {
			t.Errorf("%d: %+v: %+v, there is %+v", i, row, r, s.state.Placement().Upstreams)
		}
	}
}

func TestPurgesBalancersAdmission(t *testing.T) {
	s := newScript(t)
	for i := range keepPurges + 5 {
		s.must(Command{Kind: Purge, Purge: &wire.Purge{Prefix: fmt.Sprintf("/p%d", i), Exact: i%2 == 0}})
	}
	p := s.state.Placement()
	if len(p.Purges) != keepPurges || p.Purges[0].Seq != 6 || p.Purges[keepPurges-1].Seq != p.Version {
		t.Fatalf("%d purges from %+v", len(p.Purges), p.Purges[0])
	}
	for _, wrong := range []wire.Purge{{Prefix: "no-path"}, {}, {Tag: "a b"}, {Tag: "a", Prefix: "/"}, {Prefix: "/" + strings.Repeat("x", wire.MaxPurge)}} {
		if r := s.do(Command{Kind: Purge, Purge: &wrong}); r.Code != "malformed" {
			t.Errorf("%+v: %+v", wrong, r)
		}
	}
	s.must(Command{Kind: Purge, Purge: &wire.Purge{Tag: "film-7"}})
	if last := s.state.Placement().Purges[keepPurges-1]; last.Tag != "film-7" || last.Prefix != "" {
		t.Errorf("%+v", last)
	}
	for _, name := range []string{"lb-2", "lb-1", "lb-3"} {
		s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: name, HTTP: "http://" + name}})
	}
	s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: "lb-2", HTTP: "http://new"}})
	s.must(Command{Kind: BalancerGone, Name: "lb-1"})
	if r := s.do(Command{Kind: BalancerGone, Name: "lb-1"}); r.Changed || r.Err != "" {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprint(s.state.Placement().Balancers); got != "[{lb-2 http://new  } {lb-3 http://lb-3  }]" {
		t.Error(got)
	}
	s.must(Command{Kind: Configure, Admission: "pair"})
	if r := s.do(Command{Kind: Configure, Admission: "all"}); r.Code != "malformed" || s.state.Placement().Admission != "pair" {
		t.Errorf("%+v", r)
	}
	if n := len(s.state.History()); n != keepHistory {
		t.Errorf("%d events are kept", n)
	}
}

func TestGarbageChangesNothing(t *testing.T) {
	s := four(t)
	before := text(t, s.state.Placement())
	for _, b := range []string{
		"", "null", "{}", "[]", "{", `{"kind":"no such"}`, `{"kind":"edge_up"}`, `{"kind":"edge_up","edge":{"name":"a b","capacity":1}}`,
		`{"kind":"edge_up","edge":{"name":"x","capacity":-1}}`, `{"kind":"edge_up","edge":{"name":"x","capacity":99999999999}}`,
		`{"kind":"place"}`, `{"kind":"balancer"}`, `{"kind":"purge"}`, `{"kind":"boundary","boundary":1e3}`, `{"kind":"drain"}`, `{"kind":"left","name":"e1"}`, "\xff\xfe",
	} {
		r := s.raw([]byte(b))
		if r.Err == "" || r.Changed || len(r.Events) > 0 || strings.Contains(r.Err, "\n") {
			t.Errorf("%q: %+v", b, r)
		}
	}
	if after := text(t, s.state.Placement()); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
	if r := s.state.Apply(3, []byte(`{"kind":"configure","admission":"pair"}`)); r.Code != "stale" {
		t.Errorf("an old index: %+v", r)
	}
}

// A malformed load must not keep a death from becoming true.
func TestADeathWithNonsenseForLoads(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: EdgeDown, Name: "e1", Incarnation: 1, Loads: []ring.Load{
		{Pair: 99},
		{Pair: 1, Taken: []wire.Run{{From: 5, To: 2}}},
		{Pair: 2, Taken: []wire.Run{{From: -4, To: 1 << 60}}},
		{Pair: 4, Taken: []wire.Run{{From: 0, To: 1 << 60}}},
		{Pair: 4},
	}})
	s.state4("down up up up")
}
