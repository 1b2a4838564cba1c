package raftfsm

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// lose wipes a killed node's disk and opens it again, held.
func (c *cluster) lose(name string) *Node {
	c.t.Helper()
	config := c.config(name)
	if err := os.RemoveAll(config.Dir); err != nil {
		c.t.Fatal(err)
	}
	for _, p := range c.peers {
		if p.Name == name {
			l, err := net.Listen("tcp", p.Raft)
			if err != nil {
				c.t.Fatal(err)
			}
			config.Listener, config.Peers, config.Hold = l, c.peers, true
		}
	}
	n, err := Open(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name] = n
	return n
}

// fails wants that nothing can be changed for a while.
func (c *cluster) fails(what string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 1500*time.Millisecond) // a vote takes 250 to 500 ms
	defer cancel()
	if r, err := c.propose(ctx, up("e9", 1)); err == nil {
		c.t.Fatalf("%s: %+v", what, r)
	}
}

func (c *cluster) addressed(name string) wire.Balancer {
	for _, p := range c.peers {
		if p.Name == name {
			return p
		}
	}
	return wire.Balancer{}
}

// A voter that has lost its disk counts for nothing until the leader has taken it
// in anew: it acknowledges nothing, and votes for nobody. Then it proves that it
// holds what is committed, and counts again.
func TestAVoterThatHasLostItsDiskProvesItselfFirst(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}).Version)
	lost := ""
	for _, p := range c.peers {
		if p.Name != c.leader().Name() {
			lost = p.Name
		}
	}
	c.kill(lost)
	n := c.lose(lost)
	if !n.Fresh() {
		t.Fatal("a node with an empty disk does not say so")
	}
	c.must(up("e2", 1)) // the other two are a majority
	// Without the other one, what is left is the leader and one that has forgotten
	// everything: that is no majority.
	other := ""
	for _, p := range c.peers {
		if p.Name != lost && p.Name != c.leader().Name() {
			other = p.Name
		}
	}
	c.kill(other)
	c.fails("a node with an empty disk makes a majority")
	if n.Placement().Version != 0 || !n.Fresh() {
		t.Fatalf("it holds version %d", n.Placement().Version)
	}
	c.restart(other)
	c.must(up("e3", 1))
	if err := c.leader().Admit(patient(t), c.addressed(lost), true); err != nil {
		t.Fatal(err)
	}
	if got := len(c.leader().Voters()); got != 2 {
		t.Fatalf("%d voters while it proves itself", got)
	}
	n.Learn()
	eventually(t, 10*time.Second, "it votes", func() bool {
		_, err := c.leader().Promote(t.Context())
		return err == nil && len(c.leader().Voters()) == 3
	})
	c.same(c.must(up("e4", 1)).Version)
	if n.Fresh() {
		t.Error("it still waits")
	}
	c.kill(other) // now it makes a majority with the leader
	c.same(c.must(up("e5", 1)).Version)
	c.kill(c.leader().Name())
	c.restart(other)
	c.must(up("e6", 1)) // and it votes
}

// First balancers that are held begin a cluster when they are told to, all the same
// one; one that is told later takes part in it.
func TestFirstVotersBeginTogether(t *testing.T) {
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	c.adjust = func(cfg *Config) { cfg.Hold = true }
	c.open(3)
	for _, n := range c.nodes {
		if !n.Fresh() {
			t.Fatal("it waits for nobody")
		}
	}
	c.fails("nobody has been told to begin")
	for i, p := range c.peers {
		if err := c.nodes[p.Name].Found(c.peers); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			c.must(up("e1", 1)) // two of three are enough
		}
	}
	c.same(c.must(placement.Command{Kind: placement.Found, Name: "c1"}).Version)
	if r := c.must(placement.Command{Kind: placement.Found, Name: "c2"}); r.Changed || c.any().Placement().Cluster != "c1" {
		t.Fatalf("%+v; the cluster is %s", r, c.any().Placement().Cluster)
	}
	if got := fmt.Sprint(c.leader().Voters()); got != "[lb-1 lb-2 lb-3]" {
		t.Fatal(got)
	}
}

// A further node comes in without a vote, is given one when it has what the others
// have, and is found at another address when it says so.
func TestANewcomerIsALearnerFirst(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	config := c.config("lb-4")
	config.Hold = true
	config.Listener = listen(t)
	n, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	c.nodes["lb-4"] = n
	fourth := wire.Balancer{Name: "lb-4", Raft: n.RaftAddr()}
	for range 2 { // twice is once
		if err := c.leader().Admit(patient(t), fourth, true); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := c.leader().Promote(t.Context()); err != nil || len(names) > 0 {
		t.Fatalf("promoted before it has answered: %v %v", names, err)
	}
	n.Learn()
	eventually(t, 10*time.Second, "it votes", func() bool {
		_, err := c.leader().Promote(t.Context())
		return err == nil && len(c.leader().Voters()) == 4
	})
	c.same(c.must(up("e2", 1)).Version)
	c.kill("lb-4")
	c.must(up("e1", 2))                            // so that it is being called where it was
	config.Listener, config.Hold = listen(t), true // a disk with something on it is not held
	moved, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	c.nodes["lb-4"] = moved
	if moved.Fresh() || moved.Stored() != fourth.Raft {
		t.Fatalf("fresh %t, known at %s", moved.Fresh(), moved.Stored())
	}
	fourth.Raft = moved.RaftAddr()
	if err := c.leader().Admit(patient(t), fourth, false); err != nil {
		t.Fatal(err)
	}
	c.same(c.must(up("e3", 1)).Version)
	if len(c.leader().Voters()) != 4 {
		t.Error("it has lost its vote")
	}
}

// All three have moved at once. They hear of each other where they are, agree again,
// and nobody has lost anything.
func TestAMajorityThatHasMovedIsFollowed(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}).Version)
	for _, p := range c.peers {
		c.kill(p.Name)
	}
	c.adjust = func(cfg *Config) { cfg.Advertise = cfg.Listener.Addr().String() }
	for _, p := range c.peers {
		c.start(p.Name, listen(t), c.peers)
	}
	c.fails("they find each other at the old addresses")
	for _, n := range c.nodes {
		for _, other := range c.nodes {
			n.Heard(other.Name(), other.RaftAddr(), "")
		}
	}
	c.same(c.must(up("e2", 1)).Version)
}
