package raftfsm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/transport"
)

// A node whose disk is empty has forgotten, if it ever was a voter, what it has
// voted and what it has acknowledged. It is held until somebody knows better: it
// answers no vote and takes no entry. Either it is one of the first voters of a new
// cluster (Found), or the leader of one that there is makes it a learner, which is
// a member without a vote (Learn), and gives it a vote when it has proved that it
// holds what the others hold.

// errHeld is what others are answered meanwhile.
var errHeld = errors.New("this balancer has an empty disk and waits to be let in")

// hold is how far a node has been let in.
type hold struct {
	state atomic.Int32
	votes func() bool // whether this node is a voter by what it holds itself
}

const (
	letIn     int32 = iota // it votes if it is a voter
	waiting                // it answers nobody
	learner                // it takes entries, and votes when they say that it is a voter
	overtaken              // it answers nobody and asks nobody: its disk is of an earlier era
)

// Fresh tells whether this node waits to be let in.
func (h *hold) Fresh() bool { return h.state.Load() == waiting }

// Overtaken tells whether the cluster has come to a later era than this node's.
func (h *hold) Overtaken() bool { return h.state.Load() == overtaken }

// Found makes this node one of the first voters of a new cluster. Each of them has
// to be given the same list.
func (n *Node) Found(first []wire.Balancer) error {
	list, err := n.firstVoters(first)
	if err != nil {
		return err
	}
	if err := n.raft.BootstrapCluster(list).Error(); err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("the list of first voters: %w", err)
	}
	n.hold.state.CompareAndSwap(waiting, letIn)
	return nil
}

// Learn lets a node that the leader has taken in without a vote take entries.
func (h *hold) Learn() { h.state.CompareAndSwap(waiting, learner) }

// refuses is why a request of another node is not for this one now; nil: it is.
func (h *hold) refuses(command any) error {
	state := h.state.Load()
	switch state {
	case letIn:
		return nil
	case overtaken:
		return transport.ErrOvertaken
	}
	switch command.(type) {
	case *raft.RequestVoteRequest, *raft.RequestPreVoteRequest, *raft.TimeoutNowRequest:
		if state == learner && h.votes() {
			h.state.Store(letIn)
			return nil
		}
		return errHeld
	default:
		if state == learner {
			return nil
		}
		return errHeld
	}
}
