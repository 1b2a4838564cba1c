package raftfsm

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/raft"
	"github.com/rs/zerolog"

	"tandem/internal/identity"
	"tandem/internal/setting"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Defaults of the settings. A machine that is busy, or whose disk is slow to
// sync, must not lose its leader by that: heartbeats pass Raft's disk writes by,
// so these only have to outlast a process that gets no processor for a while.
const (
	DefaultHeartbeat = 700 * time.Millisecond
	DefaultElection  = 700 * time.Millisecond
	DefaultLease     = 500 * time.Millisecond
	DefaultCommit    = 5 * time.Millisecond
	DefaultSnapshot  = 4096
)

// Config is what a node needs to know.
type Config struct {
	Name      string          // of this node, the same for ever
	Dir       string          // its directory; it is made if its parent is there
	Bind      string          // address to listen at for Raft; empty: that of Advertise or Peers
	Listener  net.Listener    // instead of Bind; the node takes it over
	Advertise string          // address that the others dial; empty: the one it listens at
	Also      string          // address that the others dial where nobody answers at that one; empty: none
	Peers     []wire.Balancer // the first voters, the same on each of them; without this node it waits to be joined
	Secret    wire.Secret
	Identity  *identity.Bundle // nodes prove themselves by certificates, and what they say is encrypted; nil: by the secret alone
	Recover   string           // an order to make this node the only voter, from its disk; the same one is carried out once
	Aside     uint64           // what is on the disk of before this era is put aside; 0: it counts
	Hold      bool             // with an empty disk the node waits for Found or Learn, whatever Peers are

	Heartbeat time.Duration // without a leader for this long, up to twice as long: a vote
	Election  time.Duration // a vote without an end for this long: the next one
	Lease     time.Duration // a leader without a majority for this long steps down
	Commit    time.Duration // a quiet leader tells the others of commits this late at most
	Snapshot  int           // commands between snapshots

	Logger zerolog.Logger
	Now    func() time.Time // for Command.At; time.Now when nil

	Committed func(wire.Event) // told each event once in the cluster, by the node that has committed it; nil: nobody

	diskFault func() error // tests: asked before each write to the log
	noSync    bool         // tests: a machine whose disk is busy for seconds fails none
}

// Settings is the table of what an operator can set.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.Bind, "raft-listen", "", "Address on which the balancers' copies of the placement talk to each other; empty: the one that the first voters know this balancer by."),
		setting.String(&c.Advertise, "raft-advertise", "", "Raft address that other balancers dial, when it is not the one listened at (default for all addresses: the host of advertise)."),
		setting.Duration(&c.Heartbeat, "raft-heartbeat", DefaultHeartbeat, 50*time.Millisecond, time.Minute, "How long without a leader before a vote."),
		setting.Duration(&c.Election, "raft-election", DefaultElection, 50*time.Millisecond, time.Minute, "How long a vote may take before the next one; at least raft-heartbeat."),
		setting.Duration(&c.Lease, "raft-lease", DefaultLease, 50*time.Millisecond, time.Minute, "How long a leader without a majority stays one; at most raft-heartbeat."),
		setting.Duration(&c.Commit, "raft-commit", DefaultCommit, time.Millisecond, time.Second, "How late a quiet leader tells the others of commits."),
		setting.Int(&c.Snapshot, "raft-snapshot", DefaultSnapshot, 16, 1_000_000, "commands", "How many changes of the placement lie between two snapshots."),
	}
}

// complete fills in defaults and says in one line what can't be.
func (c Config) complete() (Config, error) {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&c.Heartbeat, DefaultHeartbeat)
	set(&c.Election, max(DefaultElection, c.Heartbeat))
	set(&c.Lease, min(DefaultLease, c.Heartbeat))
	set(&c.Commit, DefaultCommit)
	if c.Snapshot == 0 {
		c.Snapshot = DefaultSnapshot
	}
	if c.Committed == nil {
		c.Committed = func(wire.Event) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := placement.CheckName("balancer", c.Name); err != nil {
		return c, err
	}
	seen := map[string]bool{}
	for i := range c.Peers {
		if err := placement.CheckBalancer(&c.Peers[i]); err != nil {
			return c, err
		}
		if seen[c.Peers[i].Name] {
			return c, fmt.Errorf("balancer %s is named twice among the first voters", c.Peers[i].Name)
		}
		seen[c.Peers[i].Name] = true
	}
	switch {
	case !c.Secret.Valid():
		return c, fmt.Errorf("raft: a secret is needed")
	case c.Dir == "":
		return c, fmt.Errorf("raft: a directory is needed")
	}
	return c, c.CheckTimes()
}

// CheckTimes says which of the times can't be beside another one.
func (c Config) CheckTimes() error {
	switch {
	case c.Election < c.Heartbeat:
		return fmt.Errorf("--raft-election: %s is shorter than --raft-heartbeat %s", c.Election, c.Heartbeat)
	case c.Lease > c.Heartbeat:
		return fmt.Errorf("--raft-lease: %s is longer than --raft-heartbeat %s", c.Lease, c.Heartbeat)
	}
	return nil
}

// advertised is the address by which the first voters know this node, unless
// another one was given.
func (c *Config) advertised() string {
	if c.Advertise != "" {
		return c.Advertise
	}
	for _, p := range c.Peers {
		if p.Name == c.Name {
			return p.Raft
		}
	}
	return ""
}

// ofRaft is what Raft needs to know; its lines go to lines.
func (c *Config) ofRaft(lines io.Writer) *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.Name)
	rc.HeartbeatTimeout = c.Heartbeat
	rc.ElectionTimeout = c.Election
	rc.LeaderLeaseTimeout = c.Lease
	rc.CommitTimeout = c.Commit
	rc.SnapshotThreshold = uint64(c.Snapshot)
	// So long that the snapshot before the last one can still be gone on from.
	rc.TrailingLogs = 2 * uint64(c.Snapshot)
	rc.SnapshotInterval = 30 * time.Second
	rc.LogOutput = lines
	rc.LogLevel = "INFO"
	rc.NoLegacyTelemetry = true
	return rc
}
