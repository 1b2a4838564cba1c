package raftfsm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
	"tandem/raftfsm/transport"
)

// Node is one replica of the placement: what is shown of it, and who leads and votes as far
// as it knows.
type Node struct {
	shown
	leadership
	voters
	hold
	config    Config
	lines     io.Writer
	counters  counters
	listener  net.Listener
	transport *transport.Transport
	disk      *disk
	fsm       *fsm
	raft      *raft.Raft
	renewal   renewal
	loops     sync.WaitGroup
	done      chan struct{} // closed when Raft ends: by Release or Close
	releasing sync.Once
	released  error // why releasing failed, behind releasing
	closing   sync.Once
}

func newNode(c Config) *Node {
	n := &Node{config: c, lines: lines{c.Logger}, listener: c.Listener, done: make(chan struct{})}
	n.shown.ended, n.shown.subscribers = make(chan struct{}), map[*subscriber]bool{}
	n.voters.self, n.hold.votes = c.Name, n.voters.votes
	n.leadership.config, n.leadership.shown, n.leadership.hold, n.leadership.voters = &n.config, &n.shown, &n.hold, &n.voters
	n.leadership.done, n.leadership.changed = n.done, make(chan struct{})
	n.disk = &disk{config: &n.config, done: n.done}
	n.fsm = &fsm{state: placement.NewState(), publish: n.publish, counters: &n.counters}
	n.publish(n.fsm.state.View(), nil)
	return n
}

// Name is the node's own name.
func (n *Node) Name() string { return n.config.Name }

// RaftAddr is the address that other nodes dial.
func (n *Node) RaftAddr() string { return string(n.transport.LocalAddr()) }

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
	if n.Released() {
		n.adopt(p)
	}
}

// closeLimit is how long Raft may take to end. It waits for each of its
// goroutines, and one of them may wait for a disk that hangs.
const closeLimit = 3 * time.Second

// halt stops at once, like a process that dies, but leaves no file open: unless
// the disk hangs, in which case nobody may close what is being written.
func (n *Node) halt() error {
	close(n.done)
	down := n.raft.Shutdown()
	n.transport.Cut()
	err, ended := answered(closeLimit, down.Error)
	n.loops.Wait()
	if !ended {
		return fmt.Errorf("raft has not ended after %s: %w", closeLimit, n.disk.state())
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
	return errors.Join(append(errs, n.disk.Close())...)
}

// Check walks the truths of the node: the state's as the last snapshot and the
// placement show them, and a log without holes at its ends.
func (n *Node) Check() error {
	if err := n.view().Check(); err != nil {
		return err
	}
	return n.disk.check()
}
