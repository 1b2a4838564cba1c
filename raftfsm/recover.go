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

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
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
	_, err := n.view.Load().image().WriteTo(w)
	return err
}

// image is what is seen, as that of a cluster that has been founded, without what was answered to whom.
func (v *view) image() image {
	im := image{Placement: v.placement, Deaths: v.deaths, History: v.history, Audited: v.audited}
	if own := v.secrets; !own.empty() {
		im.Secrets = &own
	}
	if own := v.tallies; len(own.Rows) > 0 || own.sum() != (wire.Tally{}) {
		im.Tallies = &own
	}
	return im
}

// Restore makes a backup the state of the cluster, in place of the present one. Only
// the leader can. newest is the highest version that anybody has been seen to follow.
func (n *Node) Restore(ctx context.Context, backup io.Reader, newest uint64) error {
	state, err := ReadState(backup)
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
	state.leap(version)
	if own := n.Placement().Cluster; own != "" {
		state.placement.Cluster = own // whoever follows this one goes on to do so
	}
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

// leap makes the state that of a much later version. Its keys are taken for newer
// ones as well: who follows may hold those of another time, or of another cluster.
func (s *State) leap(version uint64) {
	s.adopt(s.placement, version)
	if s.placement.Trust != nil && s.placement.Trust.Keys > 0 {
		trust := *s.placement.Trust
		trust.Keys = version
		s.placement.Trust = &trust // adopt has made the placement ours alone
		s.secrets.Keys.Version = version
	}
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
	if done, err := n.log.Get(onceKey); err == nil && string(done) == n.config.Recover {
		return nil
	}
	if old, err := raft.HasExistingState(n.log, n.log, n.snapshots); err != nil || !old {
		return errors.Join(err, errors.New("recover: there is nothing on this disk; recover the cluster at a balancer that has its own"))
	}
	// Also what nobody knows to be committed: some of it may have been.
	state, term, err := n.upTo(math.MaxUint64)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	first, err := n.log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return err
	}
	version := max(last, state.Placement().Version) + leap
	state.leap(version)
	if err := n.log.Set(eraKey, binary.BigEndian.AppendUint64(nil, version)); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	n.streams.enter(version)
	alone := raft.Configuration{Servers: []raft.Server{{ID: rc.LocalID, Address: raft.ServerAddress(n.streams.Addr().String())}}}
	sink, err := n.snapshots.Create(raft.SnapshotVersionMax, version, term, alone, 1, n.transport)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := state.image().Persist(sink); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if last > 0 {
		if err := n.log.DeleteRange(first, last); err != nil {
			return fmt.Errorf("recover: %w", err)
		}
	}
	n.config.Logger.Warn().Uint64("version", version).Msg("recovered from this disk: this balancer alone votes; the others have to come back with empty disks")
	return n.log.Set(onceKey, []byte(n.config.Recover))
}
