package lb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proposals"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

func TestInternalEndpointsAreClosedToViewers(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	for _, path := range []string{wire.PathPing, wire.PathPlacement, wire.PathRegister, wire.PathPropose, wire.Internal, wire.Internal + "x"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			resp, _ := c.request(c.client, method, c.url+path, nil, wire.HeaderAuth, "guessed")
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %s", method, path, resp.Status)
			}
		}
	}
}

func TestPlacementIsTakenByALongPoll(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	until(t, "the balancer is known", func() bool { return len(c.lb.Placement().Balancers) == 1 })
	var now wire.Placement
	c.node(http.MethodGet, wire.PathPlacement, nil, http.StatusOK, &now)
	came := make(chan wire.Placement, 1)
	go func() {
		req, _ := http.NewRequest(http.MethodGet, c.url+wire.PathPlacement+"?after="+strconv.FormatUint(now.Version, 10), nil)
		req.Header.Set(wire.HeaderAuth, c.lb.cfg.Secret.Bearer())
		resp, err := c.client.Do(req)
		if err != nil {
			t.Error(err)
			close(came)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		p, err := wire.DecodePlacement(resp.Body)
		if err != nil {
			t.Error(err)
			p = &wire.Placement{}
		}
		came <- *p
	}()
	c.propose(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1})
	if p := <-came; p.Version <= now.Version || p.Streams.Len() != 1 {
		t.Fatalf("version %d after %d, streams %v", p.Version, now.Version, p.Streams)
	}
	// Who can take it in is told what has changed.
	resp, body := c.request(c.person(), http.MethodGet, c.url+wire.PathPlacement+"?after="+strconv.FormatUint(now.Version, 10), nil,
		wire.HeaderAuth, c.lb.cfg.Secret.Bearer(), "A-IM", wire.DeltaPlacement)
	d, err := wire.DecodeDelta(bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusIMUsed || resp.Header.Get("IM") != wire.DeltaPlacement || len(d.Edges)+len(d.Pairs) > 0 {
		t.Fatalf("%s %v %s", resp.Status, err, body)
	}
	if p, err := d.Apply(now.Index()); err != nil || p.Version != c.lb.Placement().Version || fmt.Sprint(p.Stream("/a/")) != "[1]" {
		t.Fatalf("%+v %v", p, err)
	}
	// Who shuts down lets those go who wait.
	gone := make(chan int, 1)
	go func() {
		resp, _ := c.request(c.person(), http.MethodGet, c.url+wire.PathPlacement+"?after=999999", nil, wire.HeaderAuth, c.lb.cfg.Secret.Bearer())
		gone <- resp.StatusCode
	}()
	until(t, "the poll waits", func() bool { return c.lb.connections.Open() >= 2 })
	c.lb.leave()
	if status := <-gone; status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
}

func TestMalformedBodiesAreRefusedInOneLine(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	for _, body := range []string{"", "{", `{"edge":1}`, `{"nonsense":true}`, `{} {}`, `[]`} {
		text := c.node(http.MethodPost, wire.PathRegister, body, http.StatusBadRequest, nil)
		var said call.Problem
		if err := json.Unmarshal(text, &said); err != nil || said.Error == "" || strings.Contains(said.Error, "\n") {
			t.Errorf("%q: %s", body, text)
		}
	}
	c.node(http.MethodPost, wire.PathPropose, "null", http.StatusBadRequest, nil)
	c.node(http.MethodPost, wire.PathReport, `{"edge":"`+strings.Repeat("x", call.MaxBody)+`"}`, http.StatusRequestEntityTooLarge, nil)
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: wire.Edge{Name: "edge x", HTTP: "http://127.0.0.1:1", Capacity: 1}}, http.StatusBadRequest, nil)
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: wire.Edge{Name: "edge-2", HTTP: "127.0.0.1:1", Capacity: 1}}, http.StatusBadRequest, nil)
}

// An edge that joins behind one that is not there is told so, and nothing changes; where
// there is nothing to copy yet the ring has no order to keep, and who is known is let back in.
func TestAJoinBehindNobodyIsRefused(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 8})
	join := func(name, after string, status int) string {
		e := c.members[0].edge
		e.Name, e.HTTP = name, "http://127.0.0.1:1"
		if name == c.members[0].edge.Name {
			e.HTTP = c.members[0].edge.HTTP
		}
		return string(c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: e, After: after}, status, nil))
	}
	join("edge-8", "edge-99", http.StatusOK)
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	before := c.lb.Placement().Version
	if said := join("edge-9", "edge-99", http.StatusBadRequest); !strings.Contains(said, "--after: no edge is called") || c.lb.Placement().Version != before {
		t.Errorf("%s, version %d after %d", said, c.lb.Placement().Version, before)
	}
	join(c.members[0].edge.Name, "edge-99", http.StatusOK)
	join("edge-9", "edge-8", http.StatusOK)
}

func TestReturnedEdgeDeliversWhenItIsReady(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	m := c.members[0]
	m.locked(func() { m.edge.Incarnation = 2 })
	c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: m.edge}, http.StatusOK, nil)
	if c.state(m.edge.Name) != wire.EdgeRecovering {
		t.Fatal(c.state(m.edge.Name))
	}
	r := m.report()
	r.Recovery = &wire.Recovery{Bytes: 4711}
	c.node(http.MethodPost, wire.PathReport, r, http.StatusOK, nil)
	c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: m.edge.Name, Incarnation: 1, Version: 1 << 40}, http.StatusConflict, nil)
	c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: m.edge.Name, Incarnation: 2, Version: 1}, http.StatusConflict, nil)
	c.node(http.MethodPost, wire.PathReady, wire.Ready{Edge: m.edge.Name, Incarnation: 2, Version: c.lb.Placement().Version}, http.StatusNoContent, nil)
	if c.state(m.edge.Name) != wire.EdgeUp {
		t.Fatal(c.state(m.edge.Name))
	}
	var receipts []wire.Receipt
	c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
	if len(receipts) != 1 || receipts[0].CopiedBytes != 4711 || receipts[0].Returned == 0 {
		t.Fatalf("%+v", receipts)
	}
}

// three balancers: two from the start, one that joins.
func threeBalancers(t *testing.T, config func(c *Config)) []*stage {
	t.Helper()
	return balancersOf(t, stageOptions{}, config)
}

// balancersOf is threeBalancers with more of their surroundings.
func balancersOf(t *testing.T, o stageOptions, config func(c *Config)) []*stage {
	t.Helper()
	var lns, rafts [2]net.Listener
	var list []string
	for i := range lns {
		lns[i], rafts[i] = listen(t), listen(t)
		name := "lb-" + strconv.Itoa(i+1)
		list = append(list, name+"="+rafts[i].Addr().String()+"=http://"+lns[i].Addr().String())
	}
	var all []*stage
	for i := range lns {
		all = append(all, newStage(t, stageOptions{listener: lns[i], deps: o.deps, config: func(c *Config) {
			c.Name, c.Peers, c.raft.Listener = "lb-"+strconv.Itoa(i+1), list, rafts[i]
			c.raft.Heartbeat, c.raft.Election, c.raft.Lease = 400*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
			config(c)
		}}))
	}
	all = append(all, newStage(t, stageOptions{deps: o.deps, config: func(c *Config) {
		c.Name, c.Join = "lb-3", all[0].url
		c.raft.Heartbeat, c.raft.Election, c.raft.Lease = 400*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
		config(c)
	}}))
	return all
}

func TestBalancersActAsOne(t *testing.T) {
	all := threeBalancers(t, func(*Config) {})
	for _, c := range all {
		until(t, c.lb.cfg.Name+" knows three that vote", func() bool {
			return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3
		})
	}
	var leader, follower *stage
	for _, c := range all {
		if c.lb.node.IsLeader() {
			leader = c
		} else {
			follower = c
		}
	}
	// A follower tells who leads, and forwards what it wants itself.
	var told wire.Balancer
	text := follower.node(http.MethodPost, wire.PathPropose, placement.Command{Kind: placement.Settle}, http.StatusMisdirectedRequest, nil)
	if err := json.Unmarshal(text, &told); err != nil || told.HTTP != leader.url {
		t.Fatalf("%s: %v", text, err)
	}
	m := follower.addEdge("edge-1", 8)
	follower.addEdge("edge-2", 8)
	if _, ok := follower.lb.Placement().Edge(m.edge.Name); !ok {
		t.Fatal("not in the follower's own placement when it was answered")
	}
	until(t, "all have it", func() bool { _, ok := all[2].lb.Placement().Edge("edge-2"); return ok })
	// A token that one balancer gave is good at every other.
	resp, _ := all[0].viewer(nil, entryPath)
	all[0].sessionAt(resp)
	for _, c := range all {
		if got, body := c.viewer(nil, resp.Header.Get("Location")); got.StatusCode != http.StatusOK || string(body) != "object "+entryPath {
			t.Fatalf("%s: %s %q", c.lb.cfg.Name, got.Status, body)
		}
	}
	// The leader dies: the others go on, and it can be forgotten.
	leader.stop()
	var rest []*stage
	for _, c := range all {
		if c != leader {
			rest = append(rest, c)
		}
	}
	rest[0].propose(placement.Command{Kind: placement.Place, Stream: "/after/", Pair: 1})
	var s wire.Status
	until(t, "the dead one is seen to be dead", func() bool {
		rest[1].api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		for _, b := range s.Balancers {
			if b.Name == leader.lb.cfg.Name {
				return !b.Alive
			}
		}
		return false
	})
	rest[1].api(http.MethodDelete, "/balancers/"+leader.lb.cfg.Name, nil, http.StatusOK, nil)
	if n := len(rest[1].lb.Placement().Balancers); n != 2 {
		t.Fatalf("%d balancers are left", n)
	}
	servesAlone(t, rest, resp.Header.Get("Location"))
}

// servesAlone: the last one of them has no majority. It serves by the placement
// that it has, and whoever asks whether to send viewers is told so.
func servesAlone(t *testing.T, rest []*stage, location string) {
	t.Helper()
	var s wire.Status
	rest[1].stop()
	until(t, "nobody leads", func() bool {
		rest[0].api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		return s.Leader == ""
	})
	if got, body := rest[0].viewer(nil, location); got.StatusCode != http.StatusOK || string(body) != "object "+entryPath {
		t.Fatalf("alone: %s %q", got.Status, body)
	}
	if got, body := rest[0].request(rest[0].client, http.MethodGet, rest[0].admin.URL+"/readyz", nil); got.StatusCode != http.StatusOK {
		t.Fatalf("alone: %s %s", got.Status, body)
	}
}

// An order that nobody can carry out says what to do, and nothing of how it was tried.
func TestAnOrderWithoutAMajorityNamesTheNextStep(t *testing.T) {
	w := httptest.NewRecorder()
	control.RefuseCommand(w, fmt.Errorf("%w: %w", proposals.ErrNoQuorum, raftfsm.ErrNotLeader))
	if said := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(said, "start those that are gone: tandem status names them") || strings.Contains(said, "not the leader") {
		t.Errorf("%d %s", w.Code, said)
	}
}

func TestProposalWithoutAMajorityEndsInTime(t *testing.T) {
	alone := listen(t)
	c := newStage(t, stageOptions{config: func(c *Config) {
		other := listen(t)
		defer func() { _ = other.Close() }()
		c.raft.Listener = alone
		c.Peers = []string{"lb-1=" + alone.Addr().String() + "=http://" + c.Listen, "lb-2=" + other.Addr().String() + "=http://127.0.0.1:1"}
	}})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.lb.control.Proposals.Propose(ctx, placement.Command{Kind: placement.Settle}); !errors.Is(err, proposals.ErrNoQuorum) {
		t.Fatal(err)
	}
	if resp, text := c.request(c.client, http.MethodGet, c.admin.URL+"/readyz", nil); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "\nStart the ") {
		t.Fatal(resp.Status, string(text)) // why, and what to do
	}
}
