package raftfsm

import (
	"bytes"
	"errors"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// A backup becomes the state again, at another time and in another cluster: with a
// version above everything that anybody has followed.
func TestABackupIsRestored(t *testing.T) {
	c := newCluster(t, 3)
	c.must(placement.Command{Kind: placement.Found, Name: "c1"})
	c.must(up("e1", 1))
	c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1})
	c.must(placement.Command{Kind: placement.KeyNew, Secret: &placement.Secret{Purpose: wire.ForTokens, Key: bytes.Repeat([]byte{7}, 32)}})
	var backup bytes.Buffer
	if err := c.leader().Backup(&backup); err != nil {
		t.Fatal(err)
	}
	last := c.must(placement.Command{Kind: placement.Place, Stream: "/later/", Pair: 1})
	c.same(last.Version)
	for _, n := range c.nodes {
		if !n.IsLeader() {
			if err := n.Restore(patient(t), bytes.NewReader(backup.Bytes()), 0); !errors.Is(err, ErrNotLeader) {
				t.Fatal(err)
			}
		}
	}
	if err := c.leader().Restore(patient(t), bytes.NewReader(backup.Bytes()[:backup.Len()-3]), 0); !errors.Is(err, placement.ErrSnapshot) {
		t.Fatal(err)
	}
	const newest = 5_000_000 // an edge has been seen to follow this one
	if err := c.leader().Restore(patient(t), bytes.NewReader(backup.Bytes()), newest); err != nil {
		t.Fatal(err)
	}
	r := c.must(placement.Command{Kind: placement.Place, Stream: "/b/", Pair: 1})
	c.same(r.Version)
	p := c.any().Placement()
	if r.Version <= newest || p.Cluster != "c1" || p.Stream("/a/") == nil || p.Stream("/b/") == nil || p.Stream("/later/") != nil {
		t.Fatalf("version %d of cluster %q: %s", r.Version, p.Cluster, text(t, p))
	}
	if keys := c.any().Keys(); keys.Version != p.Trust.Keys || keys.Version <= newest {
		t.Errorf("keys of version %d, the placement tells of %d", keys.Version, p.Trust.Keys)
	}
	for _, p := range c.peers { // and it is on the disks
		c.kill(p.Name)
	}
	for _, p := range c.peers {
		c.restart(p.Name)
	}
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/c/", Pair: 1}).Version)
}

// Two of three are lost for good: the third goes on alone from its disk, once, and
// the others come back with empty disks.
func TestTheLastOneGoesOnAlone(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	last := c.must(placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1})
	c.same(last.Version)
	for _, p := range c.peers {
		c.kill(p.Name)
	}
	order := "order-1"
	c.adjust = func(cfg *Config) { cfg.Recover = order }
	alone := c.restart("lb-1")
	r := c.must(placement.Command{Kind: placement.Place, Stream: "/b/", Pair: 1})
	if p := alone.Placement(); r.Version <= last.Version+leap || p.Stream("/a/") == nil || len(alone.Voters()) != 1 {
		t.Fatalf("version %d, voters %v: %s", r.Version, alone.Voters(), text(t, p))
	}
	c.adjust = nil
	for _, name := range []string{"lb-2", "lb-3"} {
		n := c.lose(name)
		if err := n.Enter(alone.Era()); err != nil {
			t.Fatal(err)
		}
		if err := alone.Admit(patient(t), wire.Balancer{Name: name, Raft: n.RaftAddr()}, true); err != nil {
			t.Fatal(err)
		}
		n.Learn()
		eventually(t, timeout(patient(t)), name+" votes", func() bool {
			_, err := alone.Promote(t.Context())
			return err == nil && n.voters.votes()
		})
	}
	// The same order again changes nothing: it would take their votes away.
	c.kill("lb-1")
	c.adjust = func(cfg *Config) { cfg.Recover = order }
	c.restart("lb-1")
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/c/", Pair: 1}).Version)
	if got := len(c.leader().Voters()); got != 3 {
		t.Fatalf("%d voters", got)
	}
	// On an empty disk there is nothing to recover.
	c.adjust = nil
	config := c.config("lb-9")
	config.Listener, config.Recover = listen(t), order
	if n, err := Open(config); err == nil {
		n.Close()
		t.Fatal("recovered from an empty disk")
	}
}
