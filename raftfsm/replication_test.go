package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A follower whose disk fails once answers one append with a no. It is not left
// behind: what the leader commits is on it a second later, and every node ends
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
				_, _ = c.propose(short, Command{Kind: Place, Stream: fmt.Sprintf("/s%d-%d/", client, i%20), Pair: 1})
				cancel()
			}
		})
	}
	for round := range 50 {
		leader := c.leader()
		for _, n := range c.nodes {
			if n != leader {
				faults[n.Name()].Store(true)
			}
		}
		want := leader.raft.LastIndex() + 200
		caught(t, c, want, fmt.Sprintf("round %d", round))
	}
	stop()
	clients.Wait()
	for name, n := range c.nodes {
		endsSoon(t, n)
		delete(c.nodes, name)
	}
}

// caught waits until the leader has committed that index, and then wants it on
// every node within a second.
func caught(t *testing.T, c *cluster, index uint64, what string) {
	t.Helper()
	limit := time.Now().Add(10 * time.Second)
	for c.leader().raft.CommitIndex() < index {
		if time.Now().After(limit) {
			t.Fatalf("%s: nothing is committed any more", what)
		}
		time.Sleep(time.Millisecond)
	}
	limit = time.Now().Add(time.Second)
	for _, n := range c.nodes {
		for n.raft.AppliedIndex() < index {
			if time.Now().After(limit) {
				t.Fatalf("%s: %s is at %d, %d was committed a second ago", what, n.Name(), n.raft.AppliedIndex(), index)
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
// would try it every few seconds only, has what was committed a second after it
// is healed. The wait is what makes the library's pace slow; nothing else tells.
func TestAFollowerThatWasAwayForLongCatchesUpAtOnce(t *testing.T) {
	t.Parallel()
	const away = 6 * time.Second // after 5.1 s the library would wait for another 5.1 s
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	full := fullDisks(c)
	c.open(3)
	c.must(up("e1", 1))
	place := func() uint64 {
		return c.must(Command{Kind: Place, Stream: "/" + NewID() + "/", Pair: 1}).Version
	}
	follower := func() *Node {
		for _, n := range c.nodes {
			if !n.IsLeader() {
				return n
			}
		}
		return nil
	}
	f := follower()
	full[f.Name()].Store(true)
	place()
	time.Sleep(away)
	if f.log.state() == nil {
		t.Error("a node whose disk is full does not say so")
	}
	full[f.Name()].Store(false)
	caught(t, c, place(), "its disk was full")
	if err := f.log.state(); err != nil {
		t.Error(err)
	}
	f = follower()
	c.kill(f.Name())
	place()
	time.Sleep(away)
	c.restart(f.Name())
	caught(t, c, place(), "it was dead")
}
