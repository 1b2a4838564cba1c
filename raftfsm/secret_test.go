package raftfsm

import "testing"

// A node with another secret is no part of the cluster: it neither hears nor
// votes, and the others go on.
func TestANodeWithAnotherSecretStaysOutside(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	var out string
	for name := range c.nodes {
		if name != c.leader().Name() {
			out = name
		}
	}
	c.kill(out)
	config := c.config(out)
	config.Secret, config.Peers = secretOf(t, "another secret of the tests"), c.peers
	for _, p := range c.peers {
		if p.Name == out {
			config.Bind = p.Raft
		}
	}
	foreign, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	r := c.must(up("e2", 1))
	c.same(r.Version)
	if _, ok := foreign.Leader(); ok || foreign.Placement().Version >= r.Version {
		t.Errorf("a stranger hears the placement: %+v", foreign.Placement())
	}
}
