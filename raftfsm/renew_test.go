package raftfsm

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// otherwise stops a node and lets it have reckoned otherwise: its disk holds what another
// build would have made of the same log.
func (c *cluster) otherwise(name string, change func(*wire.Placement)) {
	c.t.Helper()
	n := c.nodes[name]
	list, err := n.disk.snapshots.List()
	if err != nil || len(list) == 0 {
		c.t.Fatal(list, err)
	}
	meta, r, err := n.disk.snapshots.Open(list[0].ID)
	if err != nil {
		c.t.Fatal(err)
	}
	s, err := placement.ReadState(r)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = r.Close()
	p := *s.Placement()
	p.Pairs = slices.Clone(p.Pairs)
	change(&p)
	image := s.Image()
	image.Placement = p.Index()
	c.kill(name)
	sink, err := n.disk.snapshots.Create(raft.SnapshotVersionMax, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, n.transport)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := image.WriteTo(sink); err != nil {
		c.t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// follower is a node that does not lead.
func (c *cluster) follower() *Node {
	leader := c.leader()
	for _, p := range c.peers {
		if n := c.nodes[p.Name]; n != nil && n != leader {
			return n
		}
	}
	c.t.Fatal("nobody follows")
	return nil
}

// A replica whose build reckons otherwise finds that out by the next command, asks for what
// the leader has, and has it; who proposes meanwhile is answered once, and nothing is lost.
func TestAReplicaThatReckonsOtherwiseIsGivenTheLeadersPlacement(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	for i := range 3 {
		c.must(up(fmt.Sprintf("e%d", i+1), 1))
	}
	once := placement.Command{Kind: placement.Place, ID: "once", Stream: "/a/", Pair: 1}
	c.same(c.must(once).Version)
	for _, n := range c.nodes {
		if err := n.raft.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	odd := c.follower().Name()
	c.otherwise(odd, func(p *wire.Placement) { p.Pairs[0].Boundary, p.Streams = 0, p.Streams.Without("/a/") })
	n := c.restart(odd)
	told := c.must(placement.Command{Kind: placement.Reckoned})
	eventually(t, 10*time.Second, "it has all", func() bool { return n.Placement().Version >= told.Version })
	if n.Differs() == 0 || n.Placement().Stream("/a/") != nil {
		t.Fatalf("it differs in version %d; the stream is on %v", n.Differs(), n.Placement().Stream("/a/"))
	}
	leader := c.leader()
	var proposers sync.WaitGroup
	for i := range 4 {
		proposers.Go(func() {
			for j := range 10 {
				if r := c.must(placement.Command{Kind: placement.Place, Stream: fmt.Sprintf("/%d/%d/", i, j), Pair: 1}); !r.Changed {
					t.Errorf("stream %d of %d: %+v", j, i, r)
				}
			}
		})
	}
	asked := placement.Command{Kind: placement.Renew, Name: odd, Version: n.Differs()}
	r, err := leader.Renew(patient(t), asked)
	if err != nil || !r.Changed {
		t.Fatal(r, err)
	}
	proposers.Wait()
	if again, err := leader.Renew(patient(t), asked); err != nil || again.Changed {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	if r := c.must(once); !r.Again {
		t.Errorf("what was carried out is carried out anew: %+v", r)
	}
	c.same(c.must(placement.Command{Kind: placement.Reckoned}).Version)
	for name, n := range c.nodes {
		p := n.Placement()
		if n.Differs() != 0 || p.Streams.Len() != 41 || p.Pairs[0].Boundary == 0 || !reflect.DeepEqual(p.Pairs, leader.Placement().Pairs) {
			t.Errorf("%s differs in version %d; %d streams, pairs %v", name, n.Differs(), p.Streams.Len(), p.Pairs)
		}
		if !slices.ContainsFunc(n.History(), func(e wire.Event) bool { return e.Kind == "renewed" }) {
			t.Errorf("%s does not tell of it", name)
		}
	}
}
