package placement

import (
	"fmt"
	"strings"

	"tandem/internal/wire"
)

// Bounds of what is kept for trust.
const (
	maxAuthority   = 64 << 10 // bytes of an authority's key and chain
	maxTickets     = 256      // that have not expired
	maxRevocations = 4096
	maxAddresses   = 32
)

// secrets are the part of the state that only balancers hold: keys, the authority
// that certifies nodes, and tickets. It is a value that is never changed in place.
type secrets struct {
	Keys      wire.Keys `json:"keys"`
	Streams   []byte    `json:"streams,omitempty"`   // key of streams' names in tokens
	Authority []byte    `json:"authority,omitempty"` // the one that issues: key and chain, PEM
	Next      []byte    `json:"next,omitempty"`      // the one that is trusted already and will issue
	NextRoot  string    `json:"next_root,omitempty"`
	Root      string    `json:"root,omitempty"` // of Authority
	Tickets   []Ticket  `json:"tickets,omitempty"`
}

// Ticket is what the cluster keeps of a ticket: not its secret, but a hash of it.
type Ticket struct {
	ID        string   `json:"id"` // identity.TicketID
	Role      string   `json:"role"`
	Node      string   `json:"node"`
	Addresses []string `json:"addresses,omitempty"`
	Expires   int64    `json:"expires"`        // unix milliseconds
	Key       string   `json:"key,omitempty"`  // identity.KeyID of the one key that has used it
	Used      uint64   `json:"used,omitempty"` // version in which it did
}

// Secret is what a command of trust brings in. Commands stand in the log, which
// is as secret as the state: its directory is its owner's alone.
type Secret struct {
	Purpose   wire.Purpose `json:"purpose,omitempty"`
	Key       []byte       `json:"key,omitempty"`
	KeyID     uint8        `json:"key_id,omitempty"`
	Authority []byte       `json:"authority,omitempty"` // key and chain, PEM
	Root      string       `json:"root,omitempty"`      // PEM
	Cluster   string       `json:"cluster,omitempty"`
	Ticket    *Ticket      `json:"ticket,omitempty"`
}

// String tells nothing of it, whoever prints a command.
func (Secret) String() string { return "secret" }

// GoString is String.
func (Secret) GoString() string { return "secret" }

func (s *secrets) ticket(id string) (Ticket, bool) {
	for _, t := range s.Tickets {
		if t.ID == id {
			return t, true
		}
	}
	return Ticket{}, false
}

func (s *secrets) empty() bool {
	return s.Keys.Version == 0 && s.Streams == nil && s.Authority == nil && s.Next == nil && len(s.Tickets) == 0
}

// check walks what is always true of secrets, and of what the placement tells of
// them.
func (s *secrets) check(p *wire.Placement) error {
	if err := s.Keys.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	t := p.Trust
	if t == nil {
		t = new(wire.Trust)
	}
	switch {
	case t.Keys != s.Keys.Version || t.Keys > p.Version || t.Issuer > p.Version:
		return Broken("keys of version %d and %d, authority of %d, in %d", t.Keys, s.Keys.Version, t.Issuer, p.Version)
	case s.Next != nil && (s.Authority == nil || t.Roots != s.Root+s.NextRoot):
		return Broken("an authority is to follow and is not trusted")
	case s.Authority != nil && !strings.HasSuffix(t.Roots, s.Root) && s.Next == nil:
		return Broken("the authority that issues is not trusted")
	case len(s.Tickets) > maxTickets || len(t.Revoked) > maxRevocations:
		return Broken("%d tickets, %d revocations", len(s.Tickets), len(t.Revoked))
	}
	for i, r := range t.Revoked {
		if r.Version > p.Version || i > 0 && t.Revoked[i-1].Node >= r.Node {
			return Broken("the revocation of %s is out of order", r.Node)
		}
	}
	for one := range p.Streams.All() {
		if (one.ID != 0) != (s.Streams != nil) {
			return Broken("stream %q has the name %d", one.Stream, one.ID)
		}
	}
	return nil
}
