package raftfsm

import (
	"context"
	"fmt"
	"sort"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
)

// IsLeader tells whether this node leads, as far as it knows.
func (n *Node) IsLeader() bool { return n.raft.State() == raft.Leader && !n.Overtaken() }

// Leader is who leads, as far as this node knows. What the placement does not
// hold of it (before it has announced itself) comes from the first voters.
func (n *Node) Leader() (wire.Balancer, bool) {
	addr, id := n.raft.LeaderWithID()
	if id == "" || n.Overtaken() {
		return wire.Balancer{}, false
	}
	for _, list := range [][]wire.Balancer{n.Placement().Balancers, n.config.Peers} {
		for _, b := range list {
			if b.Name == string(id) {
				if b.Raft == "" {
					b.Raft = string(addr)
				}
				return b, true
			}
		}
	}
	return wire.Balancer{Name: string(id), Raft: string(addr)}, true
}

// LeaderWatch is closed when the leader changes. Take it before looking at
// Leader, and nothing is missed.
func (n *Node) LeaderWatch() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leading
}

// WaitLeader waits until somebody leads.
func (n *Node) WaitLeader(ctx context.Context) error {
	for {
		changed := n.LeaderWatch()
		if _, ok := n.Leader(); ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("nobody leads: %w", ctx.Err())
		case <-n.done:
			return ErrClosed
		}
	}
}

// watchLeader closes leading whenever the leader changes. The channel holds one
// observation: when it is full, the one in it will be read after this change.
func (n *Node) watchLeader() {
	seen := make(chan raft.Observation, 1)
	observer := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)
	for {
		n.leaderChanged()
		select {
		case <-seen:
		case <-n.done:
			return
		}
	}
}

func (n *Node) leaderChanged() {
	leader, ok := n.Leader()
	n.mu.Lock()
	close(n.leading)
	n.leading = make(chan struct{})
	news := ok && leader.Name != n.leads
	n.leads = leader.Name
	n.mu.Unlock()
	if news {
		n.counters.elections.Add(1)
		e := wire.Event{Time: n.config.Now().UnixMilli(), Kind: "leader", Text: leader.Name + " leads the balancers."}
		n.tell([]wire.Event{e})
		if leader.Name == n.config.Name {
			n.config.Committed(e)
		}
	}
}

// Stored is the address at which the others look for this node, by what it holds
// itself; empty: it is in no list.
func (n *Node) Stored() string {
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		if string(s.ID) == n.config.Name {
			return string(s.Address)
		}
	}
	return ""
}

// Voters lists the names of those that vote, in order.
func (n *Node) Voters() []string {
	future := n.raft.GetConfiguration()
	if future.Error() != nil {
		return nil
	}
	var names []string
	for _, s := range future.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			names = append(names, string(s.ID))
		}
	}
	sort.Strings(names)
	return names
}

// Join makes a node a voter, or tells the others its new Raft address. Only the
// leader can.
func (n *Node) Join(ctx context.Context, b wire.Balancer) error {
	if err := validBalancer(&b); err != nil {
		return err
	}
	if b.Raft == "" {
		return fmt.Errorf("%w: balancer %s has no raft address", ErrMalformed, b.Name)
	}
	future := n.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return n.outcome(err)
	}
	for _, s := range future.Configuration().Servers {
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
	i := sort.SearchStrings(voters, name)
	if i == len(voters) || voters[i] != name {
		return nil
	}
	if len(voters) == 1 {
		return fmt.Errorf("%w: balancer %s is the last one that votes", ErrRefused, name)
	}
	return n.ask(ctx, func() raft.Future { return n.raft.RemoveServer(raft.ServerID(name), 0, timeout(ctx)) })
}

// EndUntrusted ends connections of balancers whose certificates count no longer.
func (n *Node) EndUntrusted() {
	if n.config.Identity != nil {
		n.streams.endUntrusted()
	}
}
