package raftfsm

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tandem/internal/wire"
)

const (
	logFile         = "raft.db"
	lockTimeout     = time.Second
	peerTimeout     = 3 * time.Second // for one exchange with a peer
	peerConnections = 3               // kept open to each peer
	keepSnapshots   = 2
)

// nameKey is where a log says whose it is.
var nameKey = []byte("tandem node")

// Open starts a node on its directory. It returns when the state is restored,
// not when there is a leader (WaitLeader).
func Open(given Config) (*Node, error) {
	c, err := given.complete()
	if err != nil {
		return nil, errors.Join(err, closeListener(given.Listener))
	}
	n := newNode(c)
	if err := n.open(); err != nil {
		close(n.done)
		_ = n.closeParts()
		return nil, fmt.Errorf("balancer %s: %w", c.Name, err)
	}
	n.loops.Go(n.watchLeader)
	n.loops.Go(n.keepApplied)
	return n, nil
}

func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

func (n *Node) open() error {
	if n.listener == nil {
		bind := n.config.Bind
		if bind == "" {
			bind = n.advertised()
		}
		if bind == "" {
			bind = "127.0.0.1:0"
		}
		l, err := net.Listen("tcp", bind)
		if err != nil {
			return portTaken(bind, err)
		}
		n.listener = l
	}
	if err := n.openLog(); err != nil {
		return err
	}
	if n.config.Aside > 0 {
		if err := n.putAside(); err != nil {
			return fmt.Errorf("%s: what is of before the recovery can't be put aside: %w", n.config.Dir, err)
		}
	}
	snapshots, err := raft.NewFileSnapshotStore(n.config.Dir, keepSnapshots, n.lines)
	if err != nil {
		return fmt.Errorf("snapshots in %s: %w", n.config.Dir, err)
	}
	n.snapshots = snapshots
	era, err := eraOf(n.log)
	if err != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, err)
	}
	n.streams, err = listenRaft(n.listener, n.advertised(), n.config.Name, n.config.Secret.Key("raft"), n.config.Identity, era)
	if err != nil {
		return err
	}
	n.transport = n.newTransport()
	rc := n.raftConfig()
	if err := n.recoverAlone(rc); err != nil {
		return err
	}
	if err := n.bootstrap(rc); err != nil {
		return err
	}
	n.showLast()
	return n.startRaft(rc)
}

// advertised is the address by which the first voters know this node, unless
// another one was given.
func (n *Node) advertised() string {
	if n.config.Advertise != "" {
		return n.config.Advertise
	}
	for _, p := range n.config.Peers {
		if p.Name == n.config.Name {
			return p.Raft
		}
	}
	return ""
}

// openLog opens the log, and lets no two processes and no other node have it. A
// file of damaged pages makes bbolt panic, which is a damaged log like others.
func (n *Node) openLog() (err error) {
	dir := n.config.Dir
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--data: %w", err)
	}
	path := filepath.Join(dir, logFile)
	defer damaged(path, &err)()
	var store *raftboltdb.BoltStore
	if err = whole(path); err == nil {
		store, err = raftboltdb.New(raftboltdb.Options{
			Path:        path,
			NoSync:      n.config.noSync,
			BoltOptions: &bbolt.Options{Timeout: lockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
		})
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("--data: %s is locked by another process: end it (one that was told to stop may take its --drain-time), or take over from it (--replace)", path)
	case errors.As(err, new(syscall.Errno)): // the disk's, and not the file's: full, read-only, not to be had
		return fmt.Errorf("--data: %w", err)
	case err != nil:
		return errDamaged(path, err)
	}
	n.log = &disk{BoltStore: store, now: n.config.Now, done: n.done, path: path, fault: n.config.diskFault}
	n.log.file, _ = os.Stat(path) // nil: it is not looked at
	name, err := n.log.Get(nameKey)
	if err != nil && !errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(name) > 0 && string(name) != n.config.Name {
		return fmt.Errorf("--data: %s belongs to balancer %s: start it as --name %s, or give this one a directory of its own", path, name, name)
	}
	return n.log.Set(nameKey, []byte(n.config.Name))
}

// errDamaged says what can be done with a log that can't be read.
func errDamaged(path string, what any) error {
	return fmt.Errorf("--data: %s is damaged: %v; put the directory aside and start with an empty one: the others let it in anew, or one alone is given a backup (tandem cluster restore)", path, what)
}

// damaged turns a panic, also one of a page that is not there, into an error.
func damaged(path string, err *error) func() {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		if p := recover(); p != nil {
			*err = errDamaged(path, p)
		}
	}
}

func (n *Node) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.config.Name)
	c.HeartbeatTimeout = n.config.Heartbeat
	c.ElectionTimeout = n.config.Election
	c.LeaderLeaseTimeout = n.config.Lease
	c.CommitTimeout = n.config.Commit
	c.SnapshotThreshold = uint64(n.config.Snapshot)
	// So long that the snapshot before the last one can still be gone on from.
	c.TrailingLogs = 2 * uint64(n.config.Snapshot)
	c.SnapshotInterval = 30 * time.Second
	c.LogOutput = n.lines
	c.LogLevel = "INFO"
	c.NoLegacyTelemetry = true
	return c
}

// bootstrap writes the first list of voters, or lets a node with an empty disk
// wait. Every one of the first voters writes the same, so nobody has to be first.
func (n *Node) bootstrap(rc *raft.Config) error {
	old, err := raft.HasExistingState(n.log, n.log, n.snapshots)
	if err != nil || old {
		return err
	}
	if n.config.Hold || n.emptied() {
		n.hold.state.Store(waiting)
		return nil
	}
	list, err := n.firstVoters(n.config.Peers)
	if err != nil || len(list.Servers) == 0 {
		return err
	}
	if err := raft.BootstrapCluster(rc, n.log, n.log, n.snapshots, n.transport, list); err != nil {
		return fmt.Errorf("the list of first voters: %w", err)
	}
	return nil
}

// firstVoters is a list that this node is in; empty: it is not.
func (n *Node) firstVoters(peers []wire.Balancer) (list raft.Configuration, err error) {
	mine := false
	for _, p := range peers {
		if p.Name == n.config.Name {
			mine = true
			if p.Raft == "" && len(peers) == 1 {
				p.Raft = n.streams.Addr().String()
			}
		}
		if p.Raft == "" {
			return list, fmt.Errorf("the raft address of balancer %s is missing", p.Name)
		}
		list.Servers = append(list.Servers, raft.Server{ID: raft.ServerID(p.Name), Address: raft.ServerAddress(p.Raft)})
	}
	if !mine {
		return raft.Configuration{}, nil
	}
	return list, nil
}

func (n *Node) startRaft(rc *raft.Config) (err error) {
	defer damaged(filepath.Join(n.config.Dir, logFile), &err)()
	n.raft, err = raft.NewRaft(rc, n.fsm, n.log, n.log, n.snapshots, n.transport)
	if err != nil && n.fsm.failure != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, n.fsm.failure)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, err)
	}
	n.running.Store(n.raft)
	return nil
}
