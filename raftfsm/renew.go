package raftfsm

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Every replica carries out the same commands by the arithmetic of its own build. Where two
// builds reckon differently, in a roll-out or as a new build reads the log of an old one, one
// log makes two placements. So each command says what its proposer, the leader, had at some
// version; a replica that had something else there asks for the leader's whole state, which
// all then have (Renew). Deltas of the placement say what they lead to as well, so that whoever
// has followed the other one asks for the whole.

// Untold tells whether no command has said yet what this node, which leads, has now.
func (n *Node) Untold() bool {
	told := n.renewal.told.Load()
	return n.IsLeader() && len(n.Voters()) > 1 && (told == nil || *told != n.view().Digest)
}

// renewal is held by a Renew, and by each proposal as a reader.
type renewal struct {
	sync.RWMutex
	told atomic.Pointer[string] // the digest that a command has said last
	done uint64                 // version that the last one has made; guarded by the lock, as all below
	next time.Time              // when the next one may be
}

// renewApart is how long, at least, lies between two renewals; a state that is large, and
// takes long, is sent more seldom.
const renewApart = time.Second

// Renew gives all replicas the state of this node, which has to lead: at a later version,
// without a change. It is asked for by one that had another placement in some version
// (Command.Name, Command.Version); what was renewed since is not renewed again (Result.Changed).
func (n *Node) Renew(ctx context.Context, c placement.Command) (placement.Result, error) {
	r := &n.renewal
	r.Lock()
	defer r.Unlock()
	now := n.config.Now()
	switch version := n.Placement().Version; {
	case !n.IsLeader():
		return placement.Result{}, n.notLeader()
	case c.Version < r.done:
		return placement.Result{Version: version}, nil
	case now.Before(r.next):
		return placement.Result{Version: version, Err: "the placement was renewed a moment ago", Code: placement.CodeOf(placement.ErrStale)}, nil
	}
	if err := n.Barrier(ctx); err != nil {
		return placement.Result{}, err
	}
	v := n.view()
	version := max(n.raft.LastIndex(), v.Placement.Version) + 1
	event := wire.Event{Time: now.UnixMilli(), Version: version, Kind: "renewed", Text: fmt.Sprintf("%s had another placement than %s, which leads, in version %d: all have the leader's now.", c.Name, n.config.Name, c.Version)}
	text, err := v.Renewed(version, event)
	if err != nil {
		return placement.Result{}, err
	}
	if _, err := placement.ReadState(bytes.NewReader(text.Bytes())); err != nil { // Raft ends a process that can't read what it restores
		return placement.Result{Version: v.Placement.Version, Err: err.Error()}, nil
	}
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Index: version - 1, Size: int64(text.Len())}
	err, ok := answered(limitOf(ctx), func() error { return n.raft.Restore(meta, text, limitOf(ctx)) })
	r.next = n.config.Now().Add(max(renewApart, 20*n.config.Now().Sub(now)))
	if !ok {
		return placement.Result{}, fmt.Errorf("%w: %w", ErrUnsure, context.DeadlineExceeded)
	}
	if err != nil {
		return placement.Result{}, n.outcome(err)
	}
	r.done = version
	n.config.Committed(event)
	return placement.Result{Version: version, Changed: true, Events: []wire.Event{event}}, nil
}
