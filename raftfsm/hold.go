package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
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
type hold struct{ state atomic.Int32 }

const (
	letIn     int32 = iota // it votes if it is a voter
	waiting                // it answers nobody
	learner                // it takes entries, and votes when they say that it is a voter
	overtaken              // it answers nobody and asks nobody: its disk is of an earlier era
)

// Fresh tells whether this node waits to be let in.
func (n *Node) Fresh() bool { return n.hold.state.Load() == waiting }

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
func (n *Node) Learn() { n.hold.state.CompareAndSwap(waiting, learner) }

// refuses is why a request of another node is not for this one now; nil: it is.
func (n *Node) refuses(command any) error {
	state := n.hold.state.Load()
	switch state {
	case letIn:
		return nil
	case overtaken:
		return errOvertaken
	}
	switch command.(type) {
	case *raft.RequestVoteRequest, *raft.RequestPreVoteRequest, *raft.TimeoutNowRequest:
		if state == learner && n.votes() {
			n.hold.state.Store(letIn)
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

// votes tells whether this node is a voter by what it holds itself.
func (n *Node) votes() bool {
	r := n.running.Load()
	if r == nil {
		return false
	}
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if string(s.ID) == n.config.Name {
			return s.Suffrage == raft.Voter
		}
	}
	return false
}

// Admit takes a node in without a vote, or one that has lost its disk back: what
// vote it had is taken away first. Only the leader can. A node that has what it is
// to have, where it is to be, is left alone.
func (n *Node) Admit(ctx context.Context, b wire.Balancer, fresh bool) error {
	if err := validBalancer(&b); err != nil {
		return err
	}
	if b.Raft == "" {
		return fmt.Errorf("%w: balancer %s has no raft address", ErrMalformed, b.Name)
	}
	id, addr := raft.ServerID(b.Name), raft.ServerAddress(b.Raft)
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		switch {
		case s.ID != id:
		case s.Suffrage == raft.Voter && !fresh:
			return n.Join(ctx, b) // it has its disk, and perhaps another address
		case s.Suffrage == raft.Voter:
			if err := n.ask(ctx, func() raft.Future { return n.raft.DemoteVoter(id, 0, timeout(ctx)) }); err != nil {
				return err
			}
		case s.Address == addr:
			return nil
		}
	}
	n.transport.progress.forget(id)
	return n.ask(ctx, func() raft.Future { return n.raft.AddNonvoter(id, addr, 0, timeout(ctx)) })
}

// Promote gives those a vote who have proved that they hold what is committed. Only
// the leader can; at another node it does nothing. It returns who was promoted.
func (n *Node) Promote(ctx context.Context) (names []string, err error) {
	if !n.IsLeader() {
		return nil, nil
	}
	behind := map[string]Follower{}
	for _, f := range n.Health().Followers {
		behind[f.Name] = f
	}
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		f, known := behind[string(s.ID)]
		if s.Suffrage == raft.Voter || !known || !f.Proved || f.Behind > 0 {
			continue
		}
		if err := n.ask(ctx, func() raft.Future { return n.raft.AddVoter(s.ID, s.Address, 0, timeout(ctx)) }); err != nil {
			return names, err
		}
		names = append(names, string(s.ID))
	}
	return names, nil
}
