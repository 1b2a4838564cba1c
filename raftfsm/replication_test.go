package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/raftfsm/placement"
)

// A follower whose disk fails once answers one append with a no. It is not left
// behind: what the leader commits comes to it, and every node ends
// when it is told to. (hashicorp/raft 612: with pipelined appends the leader's
// goroutine for it is parked for ever, while heartbeats go on.)
func TestAFollowerThatRefusesOneAppendIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	faults := map[string]*atomic.Bool{}
	c.adjust = func(cfg *Config) {
		fails := &atomic.Bool{}
		faults[cfg.Name] = fails
		cfg.diskFault = func() error {
			if fails.CompareAndSwap(true, false) {
				return errors.New("no space left on device")
			}
			return nil
		}
	}
	c.open(3)
	c.must(up("e1", 1))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				short, cancel := context.WithTimeout(ctx, time.Second)
				_, _ = c.propose(short, placement.Command{Kind: placement.Place, Stream: fmt.Sprintf("/s%d-%d/", client, i%20), Pair: 1})
				cancel()
			}
		})
	}
	for round := range 20 {
		leader := c.leader()
		for _, n := range c.nodes {
			if n != leader {
				faults[n.Name()].Store(true)
			}
		}
		want := leader.raft.LastIndex() + 100
		caught(t, c, want, fmt.Sprintf("round %d", round), time.Minute)
	}
	stop()
	clients.Wait()
	for name, n := range c.nodes {
		endsSoon(t, n)
		delete(c.nodes, name)
	}
}

// caught waits until the leader has committed that index, and then wants it on
// every node in time.
func caught(t *testing.T, c *cluster, index uint64, what string, within time.Duration) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for c.leader().raft.CommitIndex() < index {
		if time.Now().After(limit) {
			t.Fatalf("%s: nothing is committed any more", what)
		}
		time.Sleep(time.Millisecond)
	}
	limit = time.Now().Add(within)
	for _, n := range c.nodes {
		for n.raft.AppliedIndex() < index {
			if time.Now().After(limit) {
				t.Fatalf("%s: %s is at %d, %d was committed %s ago", what, n.Name(), n.raft.AppliedIndex(), index, within)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// endsSoon closes a node and wants it closed within 5 s.
func endsSoon(t *testing.T, n *Node) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- n.Close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%s: %v", n.Name(), err)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("%s does not end", n.Name())
	}
}

// A follower that was away, or could not write, for so long that the library
// would try it every ten seconds only, has what was committed long before that once it
// is healed. The wait is what makes the library's pace slow; nothing else tells.
func TestAFollowerThatWasAwayForLongCatchesUpAtOnce(t *testing.T) {
	t.Parallel()
	const (
		away   = 12 * time.Second // after 11 s the library would wait for another 10 s
		within = 7 * time.Second  // it is tried ten times a second
	)
	for what, lets := range map[string]func(c *cluster, f *Node, full map[string]*atomic.Bool) (back func()){
		"its disk was full": func(c *cluster, f *Node, full map[string]*atomic.Bool) func() {
			full[f.Name()].Store(true)
			return func() {
				if f.disk.state() == nil {
					c.t.Error("a node whose disk is full does not say so")
				}
				full[f.Name()].Store(false)
			}
		},
		"it was dead": func(c *cluster, f *Node, _ map[string]*atomic.Bool) func() {
			c.kill(f.Name())
			return func() { c.restart(f.Name()) }
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
			full := fullDisks(c)
			c.open(3)
			c.must(up("e1", 1))
			place := func() uint64 {
				return c.must(placement.Command{Kind: placement.Place, Stream: "/" + NewID() + "/", Pair: 1}).Version
			}
			var f *Node
			for _, n := range c.nodes {
				if !n.IsLeader() {
					f = n
				}
			}
			back := lets(c, f, full)
			place()
			time.Sleep(away)
			back()
			caught(t, c, place(), what, within)
			if err := c.nodes[f.Name()].disk.state(); err != nil {
				t.Error(err)
			}
		})
	}
}
