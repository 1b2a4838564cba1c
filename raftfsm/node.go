package raftfsm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
)

// Node is one replica of the placement.
type Node struct {
	config    Config
	lines     io.Writer
	counters  counters
	listener  net.Listener
	streams   *streams
	transport *transport
	log       *disk
	snapshots *raft.FileSnapshotStore
	fsm       *fsm
	raft      *raft.Raft
	running   atomic.Pointer[raft.Raft] // the same, for goroutines of Raft's that are faster than NewRaft
	view      atomic.Pointer[view]
	changes   changes
	hold      hold
	renewal   renewal
	loops     sync.WaitGroup
	done      chan struct{} // closed when Raft ends: by Release or Close
	releasing sync.Once
	released  error         // why releasing failed, behind releasing
	ended     chan struct{} // closed by Close
	closing   sync.Once

	mu          sync.Mutex
	leading     chan struct{}        // guarded by mu; closed at the next change of the leader
	subscribers map[*subscriber]bool // guarded by mu
	leads       string               // guarded by mu: the last leader that was told
}

func newNode(c Config) *Node {
	n := &Node{
		config: c, lines: lines{c.Logger}, listener: c.Listener, done: make(chan struct{}), ended: make(chan struct{}),
		leading: make(chan struct{}), subscribers: map[*subscriber]bool{},
	}
	n.fsm = &fsm{state: NewState(), publish: n.publish, counters: &n.counters}
	n.publish(n.fsm.state, nil)
	return n
}

// publish lets everybody see the state. It is called before Raft starts, and
// then by its applying goroutine only. What Raft applies of a time before the one
// that is shown already is shown to nobody.
func (n *Node) publish(s *State, events []wire.Event) {
	if old := n.view.Load(); old != nil && s.Placement().Version < old.placement.Version {
		return
	}
	n.changes.follow(s.Placement(), s.digests.now())
	old := n.view.Swap(&view{
		placement: s.Placement(), history: s.History(), deaths: s.Deaths(), audited: s.record.audited, secrets: s.secrets, tallies: s.tallies, founding: s.founding,
		answers: s.record.answers, digest: s.digests.now(), differs: s.digests.differs, changed: make(chan struct{}),
	})
	if old != nil {
		close(old.changed)
	}
	n.tell(events)
}

// Placement is the present placement. It is never nil and never changed.
func (n *Node) Placement() *wire.Placement { return n.view.Load().placement }

// Since is what has changed in the placement from a version on, up to the present one
// or a newer one. nil: nothing, or so much that the whole is to be asked for.
func (n *Node) Since(version uint64) *wire.PlacementDelta { return n.changes.since(version) }

// Watch is closed when the next placement is there. Take it before looking at
// Placement, and nothing is missed.
func (n *Node) Watch() <-chan struct{} { return n.view.Load().changed }

// History lists the last events of the placement, oldest first.
func (n *Node) History() []wire.Event { return append([]wire.Event(nil), n.view.Load().history...) }

// Tally is what all balancers have told that they counted.
func (n *Node) Tally() wire.Tally { return n.view.Load().tallies.sum() }

// Told is what a balancer has told last, and of which of its lives.
func (n *Node) Told(balancer string) (life int64, now wire.Tally) {
	t := &n.view.Load().tallies
	if i, ok := t.find(balancer); ok {
		return t.Rows[i].Life, t.Rows[i].Now
	}
	return 0, wire.Tally{}
}

// Deaths lists the receipts of the last deaths, oldest first, with what balancers have
// told of the responses in their hands.
func (n *Node) Deaths() []wire.Receipt { return append([]wire.Receipt(nil), n.view.Load().deaths...) }

// NamesStreams tells whether streams have names for tokens.
func (n *Node) NamesStreams() bool { return n.view.Load().secrets.Streams != nil }

// Keys are the present keys. They are never changed.
func (n *Node) Keys() wire.Keys { return n.view.Load().secrets.Keys }

// Authority is the authority that issues, and the one that will: key and chain,
// PEM; nil when there is none.
func (n *Node) Authority() (now, next []byte) {
	s := &n.view.Load().secrets
	return s.Authority, s.Next
}

// Ticket is what is known of a ticket.
func (n *Node) Ticket(id string) (Ticket, bool) {
	return n.view.Load().secrets.ticket(id)
}

// Name is the node's own name.
func (n *Node) Name() string { return n.config.Name }

// RaftAddr is the address that other nodes dial.
func (n *Node) RaftAddr() string { return n.streams.Addr().String() }

// RaftAlso is the one that they dial where nobody answers at that; empty: none.
func (n *Node) RaftAlso() string { return n.config.Also }

// Close hands the lead over if it is here, ends every goroutine and closes the
// files. A second time changes nothing.
func (n *Node) Close() error {
	err := n.Release()
	n.closing.Do(func() {
		close(n.ended)
		n.endSubscriptions()
	})
	return err
}

// Release is Close for a node whose files another process is waiting for: it is
// no replica any more, but its last placement can still be seen, and Adopt gives
// it newer ones. Close is called in the end all the same.
func (n *Node) Release() error {
	n.releasing.Do(func() {
		if n.raft.State() == raft.Leader && len(n.Voters()) > 1 {
			// Spares the others the wait for a vote; if it fails they vote.
			_, _ = answered(2*n.config.Election, n.raft.LeadershipTransfer().Error)
		}
		n.released = n.halt()
	})
	return n.released
}

// Released tells whether this node is no replica any more.
func (n *Node) Released() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// Adopt lets everybody see a newer placement that a replica has shown. It is for
// a node that was released, and for one goroutine.
func (n *Node) Adopt(p *wire.Placement) {
	old := n.view.Load()
	if !n.Released() || p.Version <= old.placement.Version {
		return
	}
	next := *old
	next.placement, next.changed = p, make(chan struct{})
	n.view.Store(&next)
	close(old.changed)
}

// closeLimit is how long Raft may take to end. It waits for each of its
// goroutines, and one of them may wait for a disk that hangs.
const closeLimit = 3 * time.Second

// halt stops at once, like a process that dies, but leaves no file open: unless
// the disk hangs, in which case nobody may close what is being written.
func (n *Node) halt() error {
	close(n.done)
	down := n.raft.Shutdown()
	n.streams.cut()
	err, ended := answered(closeLimit, down.Error)
	n.loops.Wait()
	if !ended {
		return fmt.Errorf("raft has not ended after %s: %w", closeLimit, n.log.state())
	}
	return errors.Join(err, n.closeParts())
}

// answered waits for an answer no longer than limit.
func answered(limit time.Duration, answer func() error) (err error, ok bool) {
	got := make(chan error, 1)
	go func() { got <- answer() }()
	select {
	case err = <-got:
		return err, true
	case <-time.After(limit):
		return nil, false
	}
}

// closeParts closes what has been opened, the last first.
func (n *Node) closeParts() error {
	var errs []error
	if n.transport != nil {
		errs = append(errs, n.transport.Close())
	} else if n.listener != nil {
		_ = n.listener.Close()
	}
	if n.streams != nil {
		errs = append(errs, n.streams.Close())
	}
	if n.log != nil {
		errs = append(errs, n.log.Close())
	}
	return errors.Join(errs...)
}

// Check walks the truths of the node: the state's as the last snapshot and the
// placement show them, and a log without holes at its ends.
func (n *Node) Check() error {
	shown := NewState()
	seen := n.view.Load()
	shown.placement, shown.secrets = seen.placement, seen.secrets
	if err := shown.Check(); err != nil {
		return err
	}
	first, err := n.log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return err
	}
	for _, index := range []uint64{first, last} {
		var entry raft.Log
		if index == 0 {
			continue
		}
		if err := n.log.GetLog(index, &entry); err != nil || entry.Index != index {
			return broken("log: entry %d: %v", index, err)
		}
	}
	return n.checkSnapshots(first)
}

func (n *Node) checkSnapshots(first uint64) error {
	list, err := n.snapshots.List()
	if err != nil {
		return err
	}
	for i, meta := range list {
		_, r, err := n.snapshots.Open(meta.ID)
		if err != nil {
			return broken("snapshot %s: %v", meta.ID, err)
		}
		s, err := ReadState(r)
		_ = r.Close()
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", meta.ID, err)
		}
		if s.Placement().Version > meta.Index {
			return broken("snapshot %s holds version %d of a later time", meta.ID, s.Placement().Version)
		}
		if i == 0 && first > meta.Index+1 {
			return broken("the log begins at %d, the last snapshot ends at %d", first, meta.Index)
		}
	}
	return nil
}
