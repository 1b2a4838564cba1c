package raftfsm

import (
	"os"
	"path/filepath"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// One of three has gone on alone, and the others come back with their disks: a majority, by
// their own list. They overwrite nothing that it has; told of it they lead nobody; and with
// their disks put aside they are let in again.
func TestWhoWasLeftBehindOverwritesNothing(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}).Version)
	for _, p := range c.peers {
		c.kill(p.Name)
	}
	c.adjust = func(cfg *Config) { cfg.Recover = "order-1" }
	alone := c.restart("lb-1")
	after := c.must(placement.Command{Kind: placement.Place, Stream: "/b/", Pair: 1})
	era := alone.Era()
	if era <= leap || era > after.Version {
		t.Fatalf("era %d, version %d", era, after.Version)
	}
	c.adjust = nil
	left := []*Node{c.restart("lb-2"), c.restart("lb-3")}
	eventually(t, timeout(patient(t)), "they have a leader, which lb-1 does not hear", func() bool {
		for _, n := range left {
			if n.IsLeader() {
				for _, f := range n.Health().Followers {
					if f.Name == "lb-1" && f.Missed != nil {
						return true
					}
				}
			}
		}
		return false
	})
	if r, err := alone.Propose(patient(t), placement.Command{Kind: placement.Place, Stream: "/c/", Pair: 1}); err != nil || alone.Placement().Stream("/b/") == nil || r.Version <= after.Version {
		t.Fatalf("who went on alone: version %d, %v", r.Version, err)
	}
	if alone.Overtake(era) || alone.Overtaken() {
		t.Error("overtaken by its own era")
	}
	for _, n := range left {
		if !n.Overtake(era) {
			t.Errorf("%s is not overtaken", n.Name())
		}
	}
	for _, n := range left {
		if _, err := n.Propose(patient(t), placement.Command{Kind: placement.Place, Stream: "/d/", Pair: 1}); err == nil || n.IsLeader() {
			t.Errorf("%s leads: %v", n.Name(), err)
		}
		if _, led := n.Leader(); led || !n.Overtaken() {
			t.Errorf("%s follows somebody", n.Name())
		}
	}
	c.putAside(alone, left)
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/d/", Pair: 1}).Version)
	if p := c.nodes["lb-3"].Placement(); p.Stream("/b/") == nil || p.Stream("/d/") == nil || len(alone.Voters()) != 3 {
		t.Errorf("voters %v: %s", alone.Voters(), text(t, p))
	}
}

// putAside starts nodes anew, twice, with their disks of before put aside, and has them let
// in: the second time there is nothing to put aside.
func (c *cluster) putAside(alone *Node, left []*Node) {
	t, era := c.t, alone.Era()
	t.Helper()
	c.adjust = func(cfg *Config) { cfg.Aside, cfg.Hold = era, true }
	for range 2 {
		for _, old := range left {
			name := old.Name()
			c.kill(name)
			n := c.restart(name)
			if n.Fresh() {
				if err := n.Enter(era); err != nil {
					t.Fatal(err)
				}
				if err := alone.Admit(patient(t), wire.Balancer{Name: name, Raft: n.RaftAddr()}, true); err != nil {
					t.Fatal(err)
				}
				n.Learn()
			}
			eventually(t, timeout(patient(t)), name+" votes", func() bool {
				_, err := alone.Promote(t.Context())
				return err == nil && n.voters.votes()
			})
		}
	}
}

// One whose disk was put aside, and that ended before it was let in, begins no cluster of its
// own when it is started as the first balancer was.
func TestWhoWasPutAsideBeginsNoCluster(t *testing.T) {
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	t.Cleanup(c.close)
	config := c.config("lb-1")
	if err := os.MkdirAll(filepath.Join(config.Dir, setAside), 0o700); err != nil {
		t.Fatal(err)
	}
	n := c.start("lb-1", listen(t), []wire.Balancer{{Name: "lb-1"}})
	if !n.Fresh() {
		t.Error("it is a cluster")
	}
}
