package raftfsm

import (
	"context"
	"sync"
	"sync/atomic"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// shown is what everybody but Raft's applying goroutine sees of the state, and how they
// hear of the next one. It goes on being seen when the node is no replica any more.
type shown struct {
	now     atomic.Pointer[moment]
	changes placement.Changes
	ended   chan struct{} // closed by Node.Close
	dropped atomic.Int64  // events that a subscriber was too slow for

	mu          sync.Mutex
	subscribers map[*subscriber]bool // guarded by mu
}

// moment is a view until there is another one.
type moment struct {
	*placement.View
	over chan struct{} // closed when the next one is there
}

// publish lets everybody see a view. It is called before Raft starts, and then by its
// applying goroutine only. What Raft applies of a time before the one that is shown
// already is shown to nobody.
func (s *shown) publish(v *placement.View, events []wire.Event) {
	if old := s.now.Load(); old != nil && v.Placement.Version < old.Placement.Version {
		return
	}
	s.changes.Follow(v.Placement, v.Digest)
	if old := s.now.Swap(&moment{v, make(chan struct{})}); old != nil {
		close(old.over)
	}
	s.tell(events)
}

// view is what is seen now.
func (s *shown) view() *placement.View { return s.now.Load().View }

// Placement is the present placement. It is never nil and never changed.
func (s *shown) Placement() *wire.Placement { return s.view().Placement }

// Since is what has changed in the placement from a version on, up to the present one
// or a newer one. nil: nothing, or so much that the whole is to be asked for.
func (s *shown) Since(version uint64) *wire.PlacementDelta { return s.changes.Since(version) }

// Watch is closed when the next placement is there. Take it before looking at
// Placement, and nothing is missed.
func (s *shown) Watch() <-chan struct{} { return s.now.Load().over }

// WaitVersion waits until this node has a placement of at least that version,
// so that who was answered by the leader sees it here as well.
func (s *shown) WaitVersion(ctx context.Context, version uint64) (*wire.Placement, error) {
	for {
		changed := s.Watch()
		if p := s.Placement(); p.Version >= version {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ended:
			return nil, ErrClosed
		}
	}
}

// History lists the last events of the placement, oldest first.
func (s *shown) History() []wire.Event { return append([]wire.Event(nil), s.view().History...) }

// Tally is what all balancers have told that they counted.
func (s *shown) Tally() wire.Tally { return s.view().Tally() }

// Told is what a balancer has told last, and of which of its lives.
func (s *shown) Told(balancer string) (life int64, now wire.Tally) { return s.view().Told(balancer) }

// Deaths lists the receipts of the last deaths, oldest first, with what balancers have
// told of the responses in their hands.
func (s *shown) Deaths() []wire.Receipt { return append([]wire.Receipt(nil), s.view().Deaths...) }

// Audited lists what operators have asked of all balancers, oldest first.
func (s *shown) Audited() []wire.Audited { return append([]wire.Audited(nil), s.view().Audited...) }

// NamesStreams tells whether streams have names for tokens.
func (s *shown) NamesStreams() bool { return s.view().NamesStreams() }

// StreamNamed finds out which stream, of those in whose folder a target lies, has that
// name in tokens: one that is on no pair any more is in no placement. "": none of them.
func (s *shown) StreamNamed(id uint64, target string) string { return s.view().StreamNamed(id, target) }

// Keys are the present keys. They are never changed.
func (s *shown) Keys() wire.Keys { return s.view().Keys() }

// Authority is the authority that issues, and the one that will: key and chain,
// PEM; nil when there is none.
func (s *shown) Authority() (now, next []byte) { return s.view().Authority() }

// Ticket is what is known of a ticket.
func (s *shown) Ticket(id string) (placement.Ticket, bool) { return s.view().Ticket(id) }

// Differs is a version in which this node had another placement than the leader; 0: none
// that is known. What the leader has is got by Renew.
func (s *shown) Differs() uint64 { return s.view().Differs }

// adopt lets everybody see a newer placement that a replica has shown.
func (s *shown) adopt(p *wire.Placement) {
	old := s.now.Load()
	if p.Version <= old.Placement.Version {
		return
	}
	next := *old.View
	next.Placement = p
	s.now.Store(&moment{&next, make(chan struct{})})
	close(old.over)
}
