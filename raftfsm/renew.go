package raftfsm

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Every replica carries out the same commands by the arithmetic of its own build. Where two
// builds reckon differently, in a roll-out or as a new build reads the log of an old one, one
// log makes two placements. So each command says what its proposer, the leader, had at some
// version; a replica that had something else there asks for the leader's whole state, which
// all then have (Renew). Deltas of the placement say what they lead to as well, so that whoever
// has followed the other one asks for the whole.

// Seen is what the proposer of a command had: the digest (ring.Digester) of a version.
type Seen struct {
	Version uint64 `json:"version"`
	Digest  string `json:"digest"`
}

// keepDigests is how many changes of the digest are remembered: more than there are
// commands on their way at once.
const keepDigests = 4096

// digests are those of the last versions.
type digests struct {
	digester ring.Digester
	rows     []Seen // each from its version on, to that of the next
	differs  uint64 // the last version that was compared, where the proposer had another digest; 0: the same
}

// follow notes the digest of the next placement.
func (d *digests) follow(p *wire.Placement) {
	digest := d.digester.Of(p)
	if len(d.rows) == 0 || d.now() != digest {
		d.rows = last(append(d.rows, Seen{p.Version, digest}), keepDigests)
	}
}

// now is the present digest.
func (d *digests) now() string { return d.rows[len(d.rows)-1].Digest }

// compare takes note of what a proposer had. What can't be compared tells nothing.
func (d *digests) compare(seen *Seen) {
	if seen == nil {
		return
	}
	i, found := slices.BinarySearchFunc(d.rows, seen.Version, func(row Seen, version uint64) int {
		switch {
		case row.Version < version:
			return -1
		case row.Version > version:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	switch {
	case i < 0: // of before what this replica was given
	case ring.Contradict(d.rows[i].Digest, seen.Digest):
		d.differs = seen.Version
	default:
		d.differs = 0
	}
}

// Differs is a version in which this node had another placement than the leader; 0: none
// that is known. What the leader has is got by Renew.
func (n *Node) Differs() uint64 { return n.view.Load().differs }

// Untold tells whether no command has said yet what this node, which leads, has now.
func (n *Node) Untold() bool {
	told := n.renewal.told.Load()
	return n.IsLeader() && len(n.Voters()) > 1 && (told == nil || *told != n.view.Load().digest)
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
func (n *Node) Renew(ctx context.Context, c Command) (Result, error) {
	r := &n.renewal
	r.Lock()
	defer r.Unlock()
	now := n.config.Now()
	switch version := n.Placement().Version; {
	case !n.IsLeader():
		return Result{}, n.notLeader()
	case c.Version < r.done:
		return Result{Version: version}, nil
	case now.Before(r.next):
		return Result{Version: version, Err: "the placement was renewed a moment ago", Code: codeOf(ErrStale)}, nil
	}
	if err := n.Barrier(ctx); err != nil {
		return Result{}, err
	}
	v := n.view.Load()
	version := max(n.raft.LastIndex(), v.placement.Version) + 1
	event := wire.Event{Time: now.UnixMilli(), Version: version, Kind: "renewed", Text: fmt.Sprintf("%s had another placement than %s, which leads, in version %d: all have the leader's now.", c.Name, n.config.Name, c.Version)}
	text, err := v.renewed(version, event)
	if err != nil {
		return Result{}, err
	}
	if _, err := ReadState(bytes.NewReader(text.Bytes())); err != nil { // Raft ends a process that can't read what it restores
		return Result{Version: v.placement.Version, Err: err.Error()}, nil
	}
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Index: version - 1, Size: int64(text.Len())}
	err, ok := answered(limitOf(ctx), func() error { return n.raft.Restore(meta, text, limitOf(ctx)) })
	r.next = n.config.Now().Add(max(renewApart, 20*n.config.Now().Sub(now)))
	if !ok {
		return Result{}, fmt.Errorf("%w: %w", ErrUnsure, context.DeadlineExceeded)
	}
	if err != nil {
		return Result{}, n.outcome(err)
	}
	r.done = version
	n.config.Committed(event)
	return Result{Version: version, Changed: true, Events: []wire.Event{event}}, nil
}

// renewed is what is seen as a snapshot of another version, with one event more.
func (v *view) renewed(version uint64, event wire.Event) (*bytes.Buffer, error) {
	p := *v.placement
	p.Version = version
	im := v.image()
	im.Placement, im.History, im.Answers = &p, last(append(slices.Clip(v.history), event), keepHistory), v.answers
	im.Founding = v.founding
	text := new(bytes.Buffer)
	_, err := im.WriteTo(text)
	return text, err
}
