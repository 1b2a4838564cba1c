package raftfsm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"tandem/raftfsm/placement"

	"github.com/hashicorp/raft"
)

// leap is how far versions jump when a placement is restored, or recovered from one
// disk: above all that may have been committed since it was written down, so that
// whoever follows takes it for newer.
const leap = 1 << 20

// onceKey is where a log says which order to recover was carried out.
var onceKey = []byte("tandem recovered")

// Backup writes what this node shows, in the form of a snapshot: the placement, what
// has happened, and the cluster's keys. Whoever has it can be the cluster.
func (n *Node) Backup(w io.Writer) error {
	_, err := n.view().WriteTo(w)
	return err
}

// Restore makes a backup the state of the cluster, in place of the present one. Only
// the leader can. newest is the highest version that anybody has been seen to follow.
func (n *Node) Restore(ctx context.Context, backup io.Reader, newest uint64) error {
	state, err := placement.ReadState(backup)
	if err != nil {
		return err
	}
	if !n.IsLeader() {
		return n.notLeader()
	}
	if err := n.Barrier(ctx); err != nil {
		return err
	}
	version := max(n.raft.LastIndex(), n.Placement().Version, state.Placement().Version, newest) + leap
	state.Leap(version, n.Placement().Cluster) // whoever follows this one goes on to do so
	var text bytes.Buffer
	if _, err := state.WriteTo(&text); err != nil {
		return err
	}
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Index: version - 1, Size: int64(text.Len())}
	err, ok := answered(limitOf(ctx), func() error { return n.raft.Restore(meta, &text, limitOf(ctx)) })
	if !ok {
		return fmt.Errorf("%w: %w", ErrUnsure, context.DeadlineExceeded)
	}
	return n.outcome(err)
}

// limitOf is how long a restore may take.
func limitOf(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return max(time.Until(at), time.Millisecond)
	}
	return time.Minute
}

// recoverAlone makes this node the only voter, by what is on its disk: for a cluster
// that has lost its majority for good. An order is carried out once, however often
// the node is opened with it.
func (n *Node) recoverAlone(rc *raft.Config) error {
	if n.config.Recover == "" {
		return nil
	}
	if done, err := n.disk.Get(onceKey); err == nil && string(done) == n.config.Recover {
		return nil
	}
	if old, err := raft.HasExistingState(n.disk, n.disk, n.disk.snapshots); err != nil || !old {
		return errors.Join(err, errors.New("recover: there is nothing on this disk; recover the cluster at a balancer that has its own"))
	}
	// Also what nobody knows to be committed: some of it may have been.
	state, term, err := n.disk.upTo(math.MaxUint64)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	first, err := n.disk.FirstIndex()
	if err != nil {
		return err
	}
	last, err := n.disk.LastIndex()
	if err != nil {
		return err
	}
	version := max(last, state.Placement().Version) + leap
	state.Leap(version, "")
	if err := n.disk.Set(eraKey, binary.BigEndian.AppendUint64(nil, version)); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	n.transport.Enter(version)
	alone := raft.Configuration{Servers: []raft.Server{{ID: rc.LocalID, Address: n.transport.LocalAddr()}}}
	sink, err := n.disk.snapshots.Create(raft.SnapshotVersionMax, version, term, alone, 1, n.transport)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := (snapshot{state.Image()}).Persist(sink); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if last > 0 {
		if err := n.disk.DeleteRange(first, last); err != nil {
			return fmt.Errorf("recover: %w", err)
		}
	}
	n.config.Logger.Warn().Uint64("version", version).Msg("recovered from this disk: this balancer alone votes; the others have to come back with empty disks")
	return n.disk.Set(onceKey, []byte(n.config.Recover))
}
