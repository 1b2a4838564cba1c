package placement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"tandem/internal/identity"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Kind names what a command does.
type Kind string

// Kinds of commands; docs/architecture.md says who proposes which.
const (
	EdgeUp       Kind = "edge_up"    // Edge, After, Held, Loads: an edge has registered
	EdgeDown     Kind = "edge_down"  // Name, Incarnation, Noticed, Cause, Loads: it is dead
	EdgeReady    Kind = "edge_ready" // Name, Incarnation, Version, Loads: its copy is complete
	Drain        Kind = "drain"      // Name, Loads
	Resume       Kind = "resume"     // Name, Loads
	Remove       Kind = "remove"     // Name, Loads: for good
	Accept       Kind = "accept"     // Name, Loads: an edge whose capacity lowers the others' limits joins, or has it
	Left         Kind = "left"       // Name, Version, Loads: the neighbours of a leaving edge have copied
	Place        Kind = "place"      // Stream, Pair
	Unplace      Kind = "unplace"    // Stream, Pair (0: all of them); or Streams, off all pairs
	MoveBoundary Kind = "boundary"   // Pair, Before, Boundary: only if the boundary still is Before
	Settle       Kind = "settle"     // Loads, Version by which they were told: a survivor is above capacity, a retiring pair is empty, or a table can shrink
	Purge        Kind = "purge"      // Purge without its Seq
	Balancer     Kind = "balancer"   // Balancer: a balancer's addresses
	BalancerGone Kind = "balancer_gone"
	Configure    Kind = "configure" // Admission
	Upstreams    Kind = "upstreams" // Upstreams: all of them, in place of what was
	Found        Kind = "found"     // Name: the cluster's id, drawn by its first leader
	Counted      Kind = "counted"   // Name, Counts: what a balancer has counted
	Audited      Kind = "audited"   // Audited: what operators have asked of a balancer
	Reckoned     Kind = "reckoned"  // nothing but what each command says: what the proposer had (Seen)

	Renew Kind = "renew" // in no log: Name, Version: a replica that had another placement asks for the leader's (Node.Renew)

	KeyNew        Kind = "key_new"        // Secret: Purpose, Key
	KeyUse        Kind = "key_use"        // Secret: Purpose, KeyID: everybody has it, so it seals
	KeyDrop       Kind = "key_drop"       // Secret: Purpose, KeyID
	Authority     Kind = "authority"      // Secret: Authority, Root, Cluster
	AuthorityUse  Kind = "authority_use"  // everybody trusts the next one, so it issues
	AuthorityDrop Kind = "authority_drop" // nobody needs the root of the one before
	TicketNew     Kind = "ticket_new"     // Secret: Ticket
	TicketUse     Kind = "ticket_use"     // Secret: Ticket with its ID and Key
	Revoke        Kind = "revoke"         // Name, Loads: of a node
	Protect       Kind = "protect"        // Protected: what viewers have to be let into
)

// Bounds of what a command may bring in.
const (
	MaxCommand   = 4 << 20 // bytes of one encoded command
	MaxEdges     = 1024
	MaxStreams   = 100_000
	MaxBalancers = 64
	MaxCapacity  = 1 << 20 // sessions of one edge
	maxName      = 64
	maxStream    = 1024
	maxAddress   = 512
	maxText      = 200 // By and Cause
)

// Command is one change of the placement, as it stands in the log. What Apply
// can't know, the time and the occupancy of the tables, the proposer puts in.
type Command struct {
	Kind  Kind   `json:"kind"`
	ID    string `json:"id,omitempty"` // the same ID is carried out once; empty: no matter how often
	At    int64  `json:"at"`           // unix milliseconds of the proposal
	By    string `json:"by,omitempty"` // who proposes
	Cause string `json:"cause,omitempty"`

	Edge        *wire.Edge     `json:"edge,omitempty"`
	Held        bool           `json:"held,omitempty"`     // with EdgeUp: the cluster has held a stream, so it is being founded no more
	Lossless    bool           `json:"lossless,omitempty"` // with Drain, Remove, Accept: the leader refuses it where it would leave sessions without an edge
	Name        string         `json:"name,omitempty"`     // of an edge or a balancer
	Incarnation uint64         `json:"incarnation,omitempty"`
	After       string         `json:"after,omitempty"`
	Stream      string         `json:"stream,omitempty"`
	Streams     []string       `json:"streams,omitempty"`
	Pair        wire.PairID    `json:"pair,omitempty"`
	Boundary    int            `json:"boundary,omitempty"`
	Before      int            `json:"before,omitempty"`
	Loads       []ring.Load    `json:"loads,omitempty"`
	Balancer    *wire.Balancer `json:"balancer,omitempty"`
	Purge       *wire.Purge    `json:"purge,omitempty"`
	Admission   string         `json:"admission,omitempty"`
	Version     uint64         `json:"version,omitempty"`      // of the placement that the proposal is about
	Noticed     int64          `json:"noticed,omitempty"`      // unix milliseconds of the first sign of a death; 0: At
	CopiedBytes int64          `json:"copied_bytes,omitempty"` // with EdgeReady: for the death's receipt
	Secret      *Secret        `json:"secret,omitempty"`

	Protected []wire.Protected `json:"protected,omitempty"`
	Upstreams []wire.Upstream  `json:"upstreams,omitempty"`
	Counts    *wire.Counts     `json:"counts,omitempty"`
	Audited   []wire.Audited   `json:"audited,omitempty"`

	Seen *Seen `json:"seen,omitempty"` // put in by the leader; nil: by an older build
}

// Encode is the command as it goes into the log.
func (c *Command) Encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(b) > MaxCommand {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(b), MaxCommand)
	}
	return b, nil
}

// DecodeCommand reads a command from the log. Texts are cut to their bounds
// here, so that no proposer can make the state grow by a long excuse.
func DecodeCommand(b []byte) (*Command, error) {
	if len(b) > MaxCommand {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(b), MaxCommand)
	}
	// The literal null is well-formed JSON and leaves everything zero.
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		return nil, fmt.Errorf("%w: no command", ErrMalformed)
	}
	c := new(Command)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c.By, c.Cause = cut(c.By), cut(c.Cause)
	if len(c.ID) > maxName {
		return nil, fmt.Errorf("%w: an id of %d bytes, at most %d", ErrMalformed, len(c.ID), maxName)
	}
	return c, nil
}

func cut(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// CheckName admits what may stand in a flag, a file name and a log line.
func CheckName(what, name string) error {
	if !identity.IsName(name) {
		return fmt.Errorf("%w: %s name %q: want 1 to %d letters, digits, '-', '.' or '_'", ErrMalformed, what, cut(name), maxName)
	}
	return nil
}

func checkEdge(e *wire.Edge) error {
	if e == nil {
		return fmt.Errorf("%w: no edge", ErrMalformed)
	}
	if err := CheckName("edge", e.Name); err != nil {
		return err
	}
	if e.Capacity < 1 || e.Capacity > MaxCapacity {
		return fmt.Errorf("%w: edge %s: capacity %d: want 1 to %d", ErrMalformed, e.Name, e.Capacity, MaxCapacity)
	}
	if e.Zone != "" {
		if err := CheckName("zone", e.Zone); err != nil {
			return fmt.Errorf("edge %s: %w", e.Name, err)
		}
	}
	if len(e.HTTP) > maxAddress || len(e.Admin) > maxAddress || len(e.Public) > maxAddress {
		return fmt.Errorf("%w: edge %s: an address is longer than %d bytes", ErrMalformed, e.Name, maxAddress)
	}
	return nil
}

func CheckBalancer(b *wire.Balancer) error {
	if b == nil {
		return fmt.Errorf("%w: no balancer", ErrMalformed)
	}
	if err := CheckName("balancer", b.Name); err != nil {
		return err
	}
	if len(b.HTTP) > maxAddress || len(b.Admin) > maxAddress || len(b.Raft) > maxAddress {
		return fmt.Errorf("%w: balancer %s: an address is longer than %d bytes", ErrMalformed, b.Name, maxAddress)
	}
	return nil
}

// usable are the loads that tell something: of pairs that exist, the first for
// each, with runs in order. A malformed load must not keep a death from becoming
// true, so it is left out instead of refused.
func usable(p *wire.Placement, loads []ring.Load) []ring.Load {
	seen := make(map[wire.PairID]bool, len(loads))
	var out []ring.Load
	for _, l := range loads {
		if _, ok := p.Pair(l.Pair); ok && !seen[l.Pair] && inOrder(l.Taken) {
			seen[l.Pair] = true
			out = append(out, l)
		}
	}
	return out
}

func inOrder(runs []wire.Run) bool {
	last := 0
	for _, r := range runs {
		if r.From < last || r.To <= r.From {
			return false
		}
		last = r.To
	}
	return true
}
