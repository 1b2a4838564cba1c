package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// Who goes on alone (recover.go) leaves the others behind with disks of a time before, on
// whose list they may be a majority: back, they would make a leader among them, which
// overwrites what the recovered one has. So a recovery begins an era, the version of its
// placement, which is written on the disk and part of the handshake: by Raft nodes of two
// eras hear nothing of each other. Who is let in with an empty disk is told the era before
// (Enter), and one of an earlier era (Overtake) leads nobody and answers nobody, until it
// is opened with what is on its disk put aside (Config.Aside). Era 0 is that of clusters
// that were never recovered, and of builds before.

var eraKey = []byte("tandem era")

// setAside is the directory, in a node's own, for what counts no longer.
const setAside = "before-recovery"

// Era is the one that this node is of.
func (n *Node) Era() uint64 { return n.transport.Era() }

// Enter makes a node that waits to be let in one of an era.
func (n *Node) Enter(era uint64) error {
	if !n.Fresh() || era == n.Era() {
		return nil
	}
	if err := n.disk.Set(eraKey, binary.BigEndian.AppendUint64(nil, era)); err != nil {
		return err
	}
	n.transport.Enter(era)
	return nil
}

// Overtake tells this node that its cluster has come to an era; true: to a later one than
// its own, so that what it has on its disk counts no longer.
func (n *Node) Overtake(era uint64) bool {
	if era <= n.Era() || n.Fresh() {
		return false
	}
	n.hold.state.Store(overtaken)
	n.look()
	return true
}

// era is what the log says; 0: nothing.
func (d *disk) era() (uint64, error) {
	text, err := d.Get(eraKey)
	switch {
	case errors.Is(err, raftboltdb.ErrKeyNotFound), err == nil && len(text) == 0:
		return 0, nil
	case err != nil:
		return 0, err
	case len(text) != 8:
		return 0, fmt.Errorf("an era of %d bytes", len(text))
	}
	return binary.BigEndian.Uint64(text), nil
}

// putAside moves what is on the disk of before an era out of the way: the node is then one
// with an empty disk. What was put aside before is removed.
func (d *disk) putAside() error {
	era, err := d.era()
	if err != nil || d.config.Aside <= era {
		return err
	}
	if old, err := raft.HasExistingState(d, d, &raft.DiscardSnapshotStore{}); err != nil || !old {
		return err // it was done
	}
	to := filepath.Join(d.config.Dir, setAside)
	if err := errors.Join(d.Close(), os.RemoveAll(to), os.Mkdir(to, 0o700)); err != nil {
		return err
	}
	for _, name := range []string{logFile, "snapshots"} {
		if err := os.Rename(filepath.Join(d.config.Dir, name), filepath.Join(to, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return d.openLog()
}

// emptied tells whether what this node had was put aside: with nothing else on its disk it
// waits to be let in again, and begins no cluster, whatever Peers and Hold are.
func (d *disk) emptied() bool {
	_, err := os.Stat(filepath.Join(d.config.Dir, setAside))
	return err == nil
}
