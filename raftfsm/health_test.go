package raftfsm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tandem/raftfsm/placement"
)

// fullDisks gives every node of a cluster a disk that can be filled.
func fullDisks(c *cluster) map[string]*atomic.Bool {
	full := map[string]*atomic.Bool{}
	c.adjust = func(cfg *Config) {
		fails := &atomic.Bool{}
		full[cfg.Name] = fails
		cfg.diskFault = func() error {
			if fails.Load() {
				return errors.New("no space left on device")
			}
			return nil
		}
	}
	return full
}

// A node whose directory was removed, or has another one in its place, goes on and says so.
func TestADirectoryThatIsGoneIsTold(t *testing.T) {
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	c.open(1)
	n := c.leader()
	if err := n.Health().Disk; err != nil {
		t.Fatal(err)
	}
	dir := n.config.Dir
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	c.must(up("e1", 1))
	if err := n.Health().Disk; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, logFile), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := n.Health().Disk; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another one: %v", err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(dir+".moved", dir), n.Health().Disk); err != nil {
		t.Errorf("back: %v", err)
	}
}

// A leader whose disk is full lets another one lead. It says what is wrong with
// it, lives through the term that it can't write down, and is a member again when
// there is room.
func TestALeaderWhoseDiskIsFull(t *testing.T) {
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	full := fullDisks(c)
	c.open(3)
	c.must(up("e1", 1))
	old := c.leader()
	full[old.Name()].Store(true)
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, _ = old.Propose(short, placement.Command{Kind: placement.Place, Stream: "/a/", Pair: 1}) // finds out
	eventually(t, 10*time.Second, "somebody else leads", func() bool {
		for _, n := range c.nodes {
			if n != old && n.IsLeader() {
				return true
			}
		}
		return false
	})
	if h := old.Health(); h.Disk == nil {
		t.Error("a node whose disk is full does not say so")
	}
	late := func() uint64 {
		for _, f := range c.leader().Health().Followers {
			if f.Name == old.Name() && f.Late > 0 {
				return f.Behind
			}
		}
		return 0
	}
	c.must(placement.Command{Kind: placement.Place, Stream: "/b/", Pair: 1})
	eventually(t, 10*time.Second, "the leader knows who lacks what", func() bool { return late() > 0 })
	full[old.Name()].Store(false)
	c.same(c.must(placement.Command{Kind: placement.Place, Stream: "/c/", Pair: 1}).Version)
	eventually(t, 10*time.Second, "all is well", func() bool { return old.Health().Disk == nil && late() == 0 })
}

// A follower that hears heartbeats and is sent nothing knows that it is starved.
func TestAStarvedFollowerKnows(t *testing.T) {
	c := newCluster(t, 3)
	c.must(up("e1", 1))
	for _, n := range c.nodes {
		if n.IsLeader() {
			continue
		}
		if h := n.Health(); h.Starved != 0 || len(h.Followers) != 0 {
			t.Errorf("%+v", h)
		}
		now := time.Now()
		eventually(t, 5*time.Second, "it knows, an hour later, as if nothing had come since", func() bool { return n.healthAt(now.Add(time.Hour)).Starved > time.Hour-time.Minute })
		eventually(t, 5*time.Second, "what came since is noted", func() bool { return n.healthAt(now.Add(starvedAfter+50*time.Millisecond)).Starved == 0 })
	}
}
