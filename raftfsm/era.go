package raftfsm

import (
	"crypto/hmac"
	"crypto/sha256"
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

// errOvertaken is what others are answered by a node of an earlier era.
var errOvertaken = errors.New("the cluster was recovered without this balancer, whose disk is of before")

// setAside is the directory, in a node's own, for what counts no longer.
const setAside = "before-recovery"

// Era is the one that this node is of.
func (n *Node) Era() uint64 { return n.streams.era.Load() }

// Enter makes a node that waits to be let in one of an era.
func (n *Node) Enter(era uint64) error {
	if !n.Fresh() || era == n.Era() {
		return nil
	}
	if err := n.log.Set(eraKey, binary.BigEndian.AppendUint64(nil, era)); err != nil {
		return err
	}
	n.streams.enter(era)
	return nil
}

// Overtake tells this node that its cluster has come to an era; true: to a later one than
// its own, so that what it has on its disk counts no longer.
func (n *Node) Overtake(era uint64) bool {
	if era <= n.Era() || n.Fresh() {
		return false
	}
	n.hold.state.Store(overtaken)
	n.leaderChanged()
	return true
}

// Overtaken tells whether the cluster has come to a later era than this node's.
func (n *Node) Overtaken() bool { return n.hold.state.Load() == overtaken }

// eraOf is what a log says; 0: nothing.
func eraOf(log interface{ Get([]byte) ([]byte, error) }) (uint64, error) {
	text, err := log.Get(eraKey)
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
func (n *Node) putAside() error {
	era, err := eraOf(n.log)
	if err != nil || n.config.Aside <= era {
		return err
	}
	if old, err := raft.HasExistingState(n.log, n.log, &raft.DiscardSnapshotStore{}); err != nil || !old {
		return err // it was done
	}
	to := filepath.Join(n.config.Dir, setAside)
	if err := errors.Join(n.log.Close(), os.RemoveAll(to), os.Mkdir(to, 0o700)); err != nil {
		return err
	}
	for _, name := range []string{logFile, "snapshots"} {
		if err := os.Rename(filepath.Join(n.config.Dir, name), filepath.Join(to, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return n.openLog()
}

// emptied tells whether what this node had was put aside: with nothing else on its disk it
// waits to be let in again, and begins no cluster, whatever Peers and Hold are.
func (n *Node) emptied() bool {
	_, err := os.Stat(filepath.Join(n.config.Dir, setAside))
	return err == nil
}

// keyOf is the key of an era's handshakes.
func keyOf(key []byte, era uint64) []byte {
	if era == 0 {
		return key
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("era"), era))
	return mac.Sum(nil)
}

// enter makes the era another one: what was let in before is shut out.
func (s *streams) enter(era uint64) {
	s.era.Store(era)
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		_ = conn.Close()
	}
}
