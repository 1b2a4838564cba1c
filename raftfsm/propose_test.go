package raftfsm

import (
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// What a command's proposer knows goes with it.
func TestWhoProposesKnowsWhetherAClusterIsNew(t *testing.T) {
	config := (&cluster{t: t, dir: t.TempDir()}).config("lb-1")
	config.Bind, config.Peers = "127.0.0.1:0", []wire.Balancer{{Name: "lb-1"}}
	n, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.WaitLeader(patient(t)); err != nil {
		t.Fatal(err)
	}
	guess, large := up("e2", 1), up("e3", 1)
	guess.Edge.Capacity, guess.Edge.Assumed, large.Edge.Capacity = 1000, true, 1000
	for _, c := range []placement.Command{up("e1", 1), guess, {Kind: placement.Place, Stream: "/s/", Pair: 1}, {Kind: placement.Unplace, Stream: "/s/"}, large} {
		if _, err := n.Propose(patient(t), c); err != nil {
			t.Fatal(err)
		}
	}
	if p := n.Placement(); p.Edges[1].Capacity != p.Edges[0].Capacity || p.Edges[2].State != wire.EdgePending {
		t.Fatalf("what the proposer knows is not in the commands: %+v", p.Edges)
	}
}
