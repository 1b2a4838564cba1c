package placement

import (
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// State is the placement and what has to survive with it. It is a value that
// only Apply changes; it is not safe for use by several goroutines.
type State struct {
	placement *wire.Placement // never changed, only replaced
	secrets   secrets
	tallies   tallies
	record    record
	founding  bool // no stream was ever placed
	digests   digests
}

// NewState is the state before the first command.
func NewState() *State {
	p := &wire.Placement{Admission: ring.FailSafeAdmission, NextPair: 1}
	s := &State{record: newRecord(), founding: true}
	s.adopt(p.Index(), 0)
	return s
}

// Placement is the present placement, which is never changed.
func (s *State) Placement() *wire.Placement { return s.placement }

// History lists the last events, oldest first. It is read-only.
func (s *State) History() []wire.Event { return s.record.history }

// Deaths lists the receipts of the last deaths, oldest first. It is read-only.
func (s *State) Deaths() []wire.Receipt { return s.record.deaths }

// handlers is the table of what commands do. A handler works on ch.next and
// says what it did by ch.event; when it returns an error nothing has happened.
var handlers = map[Kind]func(*change) error{
	EdgeUp:       edgeUp,
	EdgeDown:     edgeDown,
	EdgeReady:    edgeReady,
	Drain:        drain,
	Resume:       resume,
	Remove:       remove,
	Accept:       accept,
	Left:         left,
	Place:        place,
	Unplace:      unplace,
	MoveBoundary: moveBoundary,
	Settle:       settle,
	Purge:        purge,
	Balancer:     balancer,
	BalancerGone: balancerGone,
	Configure:    configure,
	Upstreams:    upstreams,
	Found:        found,
	Counted:      counted,
	Audited:      audited,
	Reckoned:     func(*change) error { return nil },

	KeyNew:        keyNew,
	KeyUse:        keyUse,
	KeyDrop:       keyDrop,
	Authority:     authority,
	AuthorityUse:  authorityUse,
	AuthorityDrop: authorityDrop,
	Protect:       protect,
	TicketNew:     ticketNew,
	TicketUse:     ticketUse,
	Revoke:        revoke,
}

// Apply carries out the command at a log index.
func (s *State) Apply(index uint64, log []byte) Result {
	if index <= s.placement.Version {
		return failed(s.placement.Version, fmt.Errorf("%w: index %d is in version %d already", ErrStale, index, s.placement.Version))
	}
	c, err := DecodeCommand(log)
	if err != nil {
		s.adopt(s.placement, index)
		return failed(index, err)
	}
	s.digests.compare(c.Seen)
	if first, ok := s.record.answered(c.ID); ok {
		s.adopt(s.placement, index)
		first.Again = true
		return first
	}
	result := s.carryOut(index, c)
	s.record.answer(c.ID, result)
	return result
}

func (s *State) carryOut(index uint64, c *Command) Result {
	ch := &change{c: c, version: index, before: s.placement, next: s.placement, secrets: s.secrets, tallies: s.tallies, deaths: s.record.deaths}
	handler, ok := handlers[c.Kind]
	if !ok {
		s.adopt(s.placement, index)
		return failed(index, fmt.Errorf("%w: kind %q", ErrMalformed, cut(string(c.Kind))))
	}
	if err := handler(ch); err != nil {
		s.adopt(s.placement, index)
		return failed(index, err)
	}
	s.adopt(ch.next, index)
	s.secrets, s.tallies = ch.secrets, ch.tallies
	s.founding = s.founding && ch.next.Streams.Len() == 0
	s.record.deaths = ch.deaths
	s.record.note(ch.events)
	s.record.audited = last(append(s.record.audited, ch.audited...), keepAudited)
	return Result{Version: index, Changed: len(ch.events) > 0, Events: ch.events, Plan: ch.plan}
}

// adopt makes p, with this version, the placement. The look-up tables are shared
// with p, since nobody changes either.
func (s *State) adopt(p *wire.Placement, version uint64) {
	next := *p
	next.Version = version
	s.placement = complete(&next)
	s.digests.follow(s.placement)
}

// Leap makes the state that of a much later version, of a cluster; empty: of its own. Its keys are taken for newer
// ones as well: who follows may hold those of another time, or of another cluster.
func (s *State) Leap(version uint64, cluster string) {
	s.adopt(s.placement, version)
	if cluster != "" {
		s.placement.Cluster = cluster // adopt has made the placement ours alone
	}
	if s.placement.Trust != nil && s.placement.Trust.Keys > 0 {
		trust := *s.placement.Trust
		trust.Keys = version
		s.placement.Trust = &trust
		s.secrets.Keys.Version = version
	}
}

// complete has empty lists instead of none, so that JSON shows [] and the bytes
// of a snapshot don't depend on how a list became empty.
func complete(p *wire.Placement) *wire.Placement {
	if p.Edges == nil {
		p.Edges = []wire.Edge{}
	}
	if p.Pairs == nil {
		p.Pairs = []wire.Pair{}
	}
	if p.Balancers == nil {
		p.Balancers = []wire.Balancer{}
	}
	return p
}

func failed(version uint64, err error) Result {
	return Result{Version: version, Err: err.Error(), Code: CodeOf(err)}
}
