package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// The life of a cluster: it elects, takes changes, loses its leader, goes on,
// and the one that was lost comes back from its disk with the same state.
func TestALeaderDiesAndReturns(t *testing.T) {
	c := newCluster(t, 3)
	if err := c.any().WaitLeader(patient(t)); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		c.must(up(fmt.Sprintf("e%d", i), 1))
	}
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}).Version)

	leader := c.leader()
	for _, n := range c.nodes {
		if n == leader {
			continue
		}
		var not *NotLeaderError
		_, err := n.Propose(patient(t), placement.Command{Kind: placement.Unplace, Stream: "/a/"})
		if !errors.Is(err, ErrNotLeader) || !errors.As(err, &not) || not.Leader.Name != leader.Name() || not.Leader.Raft != leader.RaftAddr() {
			t.Fatalf("%v", err)
		}
	}

	c.kill(leader.Name())
	if _, err := leader.Propose(patient(t), up("e9", 1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	r := c.must(placement.Command{Kind: placement.EdgeDown, Name: "e2", Incarnation: 1, By: "lb", Cause: "refused"})
	c.same(r.Version)

	back := c.restart(leader.Name())
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/b/", Pair: 3}).Version)
	if d := back.Deaths(); len(d) != 1 || d[0].Edge != "e2" || d[0].Version != r.Version {
		t.Fatalf("receipts %+v", d)
	}
	if h := back.History(); len(h) != 6 || h[4].Kind != "edge_down" {
		t.Fatalf("history %+v", h)
	}
}

// Everybody stops and comes back: first from the log, then from snapshots.
func TestTheWholeClusterComesBackFromDisk(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	c.must(up("e2", 1))
	var last placement.Result
	for i := range 30 {
		last = c.must(placement.Command{Kind: placement.Place, Stream: fmt.Sprintf("/s%d/", i), Pair: 1})
	}
	c.same(last.Version)
	want := text(t, c.any().Placement())
	for round := range 2 {
		for _, n := range c.nodes {
			eventually(t, 10*time.Second, "its log is applied", func() bool { return n.raft.AppliedIndex() >= last.Version })
		}
		for _, p := range c.peers {
			if round == 1 {
				if err := c.nodes[p.Name].raft.Snapshot().Error(); err != nil {
					t.Fatal(err)
				}
			}
			c.kill(p.Name)
		}
		for _, p := range c.peers {
			c.restart(p.Name)
		}
		c.same(last.Version)
		if have := text(t, c.any().Placement()); have != want {
			t.Fatalf("round %d:\n%s\n%s", round, have, want)
		}
	}
}

func TestJoinAndLeave(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	l := listen(t)
	fourth := wire.Balancer{Name: "lb-4", Raft: l.Addr().String()}
	n := c.start("lb-4", l, nil)
	if _, ok := n.Leader(); ok {
		t.Fatal("a node that nobody knows has a leader")
	}
	if err := c.leader().Join(patient(t), fourth); err != nil {
		t.Fatal(err)
	}
	if err := c.leader().Join(patient(t), fourth); err != nil { // twice is once
		t.Fatal(err)
	}
	c.same(c.must(up("e2", 1)).Version)
	if got := fmt.Sprint(c.leader().Voters()); got != "[lb-1 lb-2 lb-3 lb-4]" {
		t.Fatal(got)
	}
	if err := c.leader().Leave(patient(t), "lb-4"); err != nil {
		t.Fatal(err)
	}
	c.kill("lb-4")
	// The leader takes its own vote away; the others elect one of them.
	gone := c.leader()
	if err := gone.Leave(patient(t), gone.Name()); err != nil {
		t.Fatal(err)
	}
	c.kill(gone.Name())
	c.same(c.must(up("e3", 1)).Version)
	if got := len(c.leader().Voters()); got != 2 {
		t.Fatalf("%d voters", got)
	}
}

func TestOneNodeAlone(t *testing.T) {
	config := (&cluster{t: t, dir: t.TempDir()}).config("lb-1")
	config.Bind, config.Peers = "127.0.0.1:0", []wire.Balancer{{Name: "lb-1"}}
	n, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if p := n.Placement(); p == nil || p.Version != 0 || p.Edges == nil {
		t.Fatalf("%+v", p)
	}
	events, cancel := n.Subscribe(16)
	changed := n.Watch()
	if err := n.WaitLeader(patient(t)); err != nil {
		t.Fatal(err)
	}
	if err := n.Barrier(patient(t)); err != nil {
		t.Fatal(err)
	}
	before := n.Placement()
	r, err := n.Propose(patient(t), up("e1", 1))
	if err != nil || !r.Changed || n.Placement().Version != r.Version || len(before.Edges) != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	<-changed
	for {
		if e := <-events; e.Kind == "edge_up" {
			break
		} else if e.Kind != "leader" {
			t.Fatalf("%+v", e)
		}
	}
	again := up("e1", 1)
	again.ID = "twice"
	for range 2 {
		if _, err := n.Propose(patient(t), again); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, open := <-events; open {
		t.Error("an event that a repeated command had caused before")
	}
	if err := n.Leave(patient(t), "lb-1"); !errors.Is(err, placement.ErrRefused) {
		t.Error(err)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	if _, err := n.Propose(over, again); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := n.Propose(patient(t), placement.Command{Kind: placement.Place, Stream: string(make([]byte, placement.MaxCommand))}); !errors.Is(err, placement.ErrMalformed) {
		t.Error(err)
	}
	checkMetrics(t, n)
}

func checkMetrics(t *testing.T, n *Node) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := n.Register(reg); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += "/" + l.GetValue()
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"tandem_raft_leader": 1, "tandem_raft_voters": 1, "tandem_placement_commands_total/changed": 1,
		"tandem_placement_commands_total/nothing": 1, "tandem_placement_commands_total/repeated": 1,
		"tandem_raft_proposals_total/committed": 3, "tandem_placement_version": float64(n.Placement().Version),
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestASlowSubscriberMissesEventsAndNobodyWaits(t *testing.T) {
	c := newCluster(t, 1)
	n := c.leader()
	events, _ := n.Subscribe(1)
	for i := 1; i <= 5; i++ {
		c.must(up(fmt.Sprintf("e%d", i), 1))
	}
	if dropped := n.dropped.Load(); dropped < 4 {
		t.Errorf("%d events were dropped", dropped)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	delete(c.nodes, n.Name())
	for range events { // closed with the node
	}
	late, cancel := n.Subscribe(1)
	cancel()
	if _, open := <-late; open {
		t.Error("an event of a closed node")
	}
}

// One of three is back alone with its disk: it shows the placement that it had,
// says that nobody leads, and changes nothing.
func TestOneOfThreeAloneShowsWhatItHad(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		c := newCluster(t, 3)
		c.must(up("e1", 1))
		c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}).Version)
		if snapshot {
			if err := c.any().raft.Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
		}
		last := c.must(up("e2", 1))
		c.same(last.Version)
		want, name := text(t, c.any().Placement()), c.any().Name()
		for _, p := range c.peers {
			c.kill(p.Name)
		}
		n := c.restart(name)
		if have := text(t, n.Placement()); have != want {
			t.Errorf("snapshot %t: it shows\n%s\nand had\n%s", snapshot, have, want)
		}
		if len(n.History()) == 0 {
			t.Error("it has forgotten what happened")
		}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := n.Propose(short, up("e3", 1)); err == nil {
			t.Error("it changes the placement alone")
		}
		cancel()
		// The others come back: it goes on from there.
		for _, p := range c.peers {
			if p.Name != name {
				c.restart(p.Name)
			}
		}
		c.same(c.must(up("e3", 1)).Version)
	}
}
