package raftfsm

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
)

// leadership is who leads, as far as this node knows.
type leadership struct {
	config *Config
	shown  *shown
	hold   *hold
	voters *voters
	done   <-chan struct{} // closed when Raft ends
	seen   atomic.Int64    // changes of the leader
	asked  atomic.Int64    // requests that only a leader can do, at this node, which does not lead

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed at the next change of the leader
	last    string        // guarded by mu: the last leader that was told
}

// IsLeader tells whether this node leads, as far as it knows.
func (l *leadership) IsLeader() bool {
	return l.voters.running.Load().State() == raft.Leader && !l.hold.Overtaken()
}

// Leader is who leads, as far as this node knows. What the placement does not
// hold of it (before it has announced itself) comes from the first voters.
func (l *leadership) Leader() (wire.Balancer, bool) {
	addr, id := l.voters.running.Load().LeaderWithID()
	if id == "" || l.hold.Overtaken() {
		return wire.Balancer{}, false
	}
	for _, list := range [][]wire.Balancer{l.shown.Placement().Balancers, l.config.Peers} {
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
func (l *leadership) LeaderWatch() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// WaitLeader waits until somebody leads.
func (l *leadership) WaitLeader(ctx context.Context) error {
	for {
		changed := l.LeaderWatch()
		if _, ok := l.Leader(); ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("nobody leads: %w", ctx.Err())
		case <-l.done:
			return ErrClosed
		}
	}
}

// watch follows who leads until Raft ends. The channel holds one observation: when it
// is full, the one in it will be read after this change.
func (l *leadership) watch() {
	seen := make(chan raft.Observation, 1)
	observer := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	l.voters.running.Load().RegisterObserver(observer)
	defer l.voters.running.Load().DeregisterObserver(observer)
	for {
		l.look()
		select {
		case <-seen:
		case <-l.done:
			return
		}
	}
}

// look tells those who watch that the leader may be another one, and all of one that is.
func (l *leadership) look() {
	leader, ok := l.Leader()
	l.mu.Lock()
	close(l.changed)
	l.changed = make(chan struct{})
	news := ok && leader.Name != l.last
	l.last = leader.Name
	l.mu.Unlock()
	if news {
		l.seen.Add(1)
		e := wire.Event{Time: l.config.Now().UnixMilli(), Kind: "leader", Text: leader.Name + " leads the balancers."}
		l.shown.tell([]wire.Event{e})
		if leader.Name == l.config.Name {
			l.config.Committed(e)
		}
	}
}

// notLeader is the error of a node that does not lead, which says who does.
func (l *leadership) notLeader() error {
	l.asked.Add(1)
	leader, ok := l.Leader()
	if ok && leader.Name == l.config.Name { // it has stepped down a moment ago
		return &NotLeaderError{}
	}
	return &NotLeaderError{Leader: leader, Known: ok}
}
