package raftfsm

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
	"tandem/raftfsm/transport"
)

// voters is the list of nodes that this one holds itself.
type voters struct {
	self    string                    // this node's name
	running atomic.Pointer[raft.Raft] // nil until Raft has begun: its goroutines may be faster than NewRaft
}

func (v *voters) servers() []raft.Server {
	r := v.running.Load()
	if r == nil {
		return nil
	}
	return r.GetConfiguration().Configuration().Servers
}

// Voters lists the names of those that vote, in order.
func (v *voters) Voters() []string {
	var names []string
	for _, s := range v.servers() {
		if s.Suffrage == raft.Voter {
			names = append(names, string(s.ID))
		}
	}
	slices.Sort(names)
	return names
}

// Stored is the address at which the others look for this node, by what it holds
// itself; empty: it is in no list.
func (v *voters) Stored() string {
	for _, s := range v.servers() {
		if string(s.ID) == v.self {
			return string(s.Address)
		}
	}
	return ""
}

// votes tells whether this node is a voter.
func (v *voters) votes() bool { return slices.Contains(v.Voters(), v.self) }

// others lists the names of the other nodes, in order.
func (v *voters) others() []string {
	var names []string
	for _, s := range v.servers() {
		if string(s.ID) != v.self {
			names = append(names, string(s.ID))
		}
	}
	slices.Sort(names)
	return names
}

// leadsFor tells whether this node leads in that term, and the other one is one
// of its followers, with the address that is listed for it now; empty: not known.
func (v *voters) leadsFor(term uint64, follower raft.ServerID) (at raft.ServerAddress, ok bool) {
	r := v.running.Load()
	if r == nil {
		return "", true // Raft has begun and NewRaft has not returned yet
	}
	if r.State() != raft.Leader || r.CurrentTerm() != term {
		return "", false
	}
	for _, s := range v.servers() {
		if s.ID == follower {
			return s.Address, true
		}
	}
	return "", false
}

// firstVoters is a list that this node is in; empty: it is not.
func (n *Node) firstVoters(peers []wire.Balancer) (list raft.Configuration, err error) {
	mine := false
	for _, p := range peers {
		if p.Name == n.config.Name {
			mine = true
			if p.Raft == "" && len(peers) == 1 {
				p.Raft = n.RaftAddr()
			}
		}
		if p.Raft == "" {
			return list, fmt.Errorf("the raft address of balancer %s is missing", p.Name)
		}
		list.Servers = append(list.Servers, raft.Server{ID: raft.ServerID(p.Name), Address: raft.ServerAddress(p.Raft)})
	}
	if !mine {
		return raft.Configuration{}, nil
	}
	return list, nil
}

// Join makes a node a voter, or tells the others its new Raft address. Only the
// leader can.
func (n *Node) Join(ctx context.Context, b wire.Balancer) error {
	if err := placement.CheckBalancer(&b); err != nil {
		return err
	}
	if b.Raft == "" {
		return fmt.Errorf("%w: balancer %s has no raft address", placement.ErrMalformed, b.Name)
	}
	for _, s := range n.servers() {
		if string(s.ID) == b.Name && string(s.Address) == b.Raft && s.Suffrage == raft.Voter {
			return nil
		}
	}
	return n.ask(ctx, func() raft.Future {
		return n.raft.AddVoter(raft.ServerID(b.Name), raft.ServerAddress(b.Raft), 0, timeout(ctx))
	})
}

// Leave takes a node's vote away for good. Only the leader can; it may name
// itself, and leads no longer then.
func (n *Node) Leave(ctx context.Context, name string) error {
	voters := n.Voters()
	if !slices.Contains(voters, name) {
		return nil
	}
	if len(voters) == 1 {
		return fmt.Errorf("%w: balancer %s is the last one that votes", placement.ErrRefused, name)
	}
	return n.ask(ctx, func() raft.Future { return n.raft.RemoveServer(raft.ServerID(name), 0, timeout(ctx)) })
}

// Admit takes a node in without a vote, or one that has lost its disk back: what
// vote it had is taken away first. Only the leader can. A node that has what it is
// to have, where it is to be, is left alone.
func (n *Node) Admit(ctx context.Context, b wire.Balancer, fresh bool) error {
	if err := placement.CheckBalancer(&b); err != nil {
		return err
	}
	if b.Raft == "" {
		return fmt.Errorf("%w: balancer %s has no raft address", placement.ErrMalformed, b.Name)
	}
	id, addr := raft.ServerID(b.Name), raft.ServerAddress(b.Raft)
	for _, s := range n.servers() {
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
	n.transport.Forget(id)
	return n.ask(ctx, func() raft.Future { return n.raft.AddNonvoter(id, addr, 0, timeout(ctx)) })
}

// Promote gives those a vote who have proved that they hold what is committed. Only
// the leader can; at another node it does nothing. It returns who was promoted.
func (n *Node) Promote(ctx context.Context) (names []string, err error) {
	if !n.IsLeader() {
		return nil, nil
	}
	behind := map[string]transport.Follower{}
	for _, f := range n.Health().Followers {
		behind[f.Name] = f
	}
	for _, s := range n.servers() {
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
