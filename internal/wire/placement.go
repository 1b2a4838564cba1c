package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EdgeState says what an edge may be asked to do. The states are those of
// PATENT.md's failure and recovery sections and of ring changes.
type EdgeState string

// The states of an edge. Only Up edges are given new sessions; Up and Leaving
// edges deliver by the tables; Up, Draining and Leaving edges hold content that
// can be served or copied from.
const (
	EdgePending    EdgeState = "pending"    // registered; by its capacity the others' limits would fall, so it waits to be accepted
	EdgeJoining    EdgeState = "joining"    // registered, not yet in the ring: copies what it will hold
	EdgeRecovering EdgeState = "recovering" // in the ring, back from the dead: delivers nothing until copied (claims 14, 28)
	EdgeUp         EdgeState = "up"
	EdgeDraining   EdgeState = "draining" // delivers nothing by the tables, alive, still a copy
	EdgeLeaving    EdgeState = "leaving"  // delivers until its neighbours hold what they will need, and is then out
	EdgeDown       EdgeState = "down"

	// EdgeSilent is in no placement: status says so of an edge whose death nobody can
	// commit, and in whose place its neighbours stand.
	EdgeSilent EdgeState = "silent"
)

// Edge is one member of the ring as the placement knows it.
type Edge struct {
	Name        string    `json:"name"`
	HTTP        string    `json:"http"`  // base URL of the data listener, "http://127.0.0.1:41001"
	Admin       string    `json:"admin"` // base URL of the admin listener
	Capacity    int       `json:"capacity"`
	Incarnation uint64    `json:"incarnation"` // rises at each start of the edge; older messages change nothing
	State       EdgeState `json:"state"`
	Assumed     bool      `json:"assumed,omitempty"`  // nobody has stated Capacity
	Asks        int       `json:"asks,omitempty"`     // a higher capacity that it states and that waits to be accepted
	Public      string    `json:"public,omitempty"`   // base URL by which viewers may call it themselves; none: balancers alone do
	Zone        string    `json:"zone,omitempty"`     // what it may be lost together with: a host, a rack
	After       string    `json:"after,omitempty"`    // for joining and pending: the member behind which it will stand
	Since       uint64    `json:"since"`              // version in which State became what it is
	Stopped     bool      `json:"stopped,omitempty"`  // down by its own wish: it may still serve for a while, and nobody has died
	Removing    bool      `json:"removing,omitempty"` // to be taken out, whatever its state, when its successors hold content and tables
}

// PairID names a pair for the life of the cluster; ids are never used again.
type PairID uint32

// Adoption gives a range of slots of a pair that has lost a member, or both, to
// an edge that is no member. From and To are in the low member's view, To exclusive.
type Adoption struct {
	Edge string `json:"edge"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Pair is two neighbouring edges that hold the same streams, and the boundary
// of their session table in the low member's view (claims 18, 19, 24, 25).
type Pair struct {
	ID       PairID     `json:"id"`
	Low      string     `json:"low"`
	High     string     `json:"high"`
	Slots    int        `json:"slots"`              // MAX of this table: the smaller capacity when the pair was made
	Boundary int        `json:"boundary"`           // slots below it are the low member's
	Home     int        `json:"home"`               // the boundary when nobody is missing (claims 32, 33)
	Retiring bool       `json:"retiring,omitempty"` // takes no new session; ends when it is empty
	Adopted  []Adoption `json:"adopted,omitempty"`  // only while a member is missing (docs/decisions/0007)
}

// Balancer is one balancer of the cluster.
type Balancer struct {
	Name  string `json:"name"`
	HTTP  string `json:"http"`
	Admin string `json:"admin"`
	Raft  string `json:"raft"`
}

// Purge is one purge that every edge has to carry out, also one that was away.
type Purge struct {
	Seq    uint64 `json:"seq"`
	Prefix string `json:"prefix"`          // path prefix; "/" is everything
	Exact  bool   `json:"exact,omitempty"` // Prefix is one whole target
	Tag    string `json:"tag,omitempty"`   // in place of Prefix: all that the origin has given this name (Surrogate-Key, Cache-Tag)
}

// MaxPurge bounds what a purge names, in bytes.
const MaxPurge = 1024

// Check tells what is wrong with a purge.
func (p *Purge) Check() error {
	switch {
	case p.Tag != "" && p.Prefix != "":
		return errors.New("prefix, tag: give one of them")
	case p.Tag != "" && (len(p.Tag) > MaxPurge || strings.ContainsAny(p.Tag, ", \t\r\n\x00")):
		return fmt.Errorf("tag: want one name without spaces and commas, of at most %d bytes", MaxPurge)
	case p.Tag == "" && (!strings.HasPrefix(p.Prefix, "/") || len(p.Prefix) > MaxPurge):
		return fmt.Errorf("prefix: want a path that begins with / and has at most %d bytes", MaxPurge)
	}
	return nil
}

// Names is what a purge names, for people.
func (p *Purge) Names() string {
	switch {
	case p.Tag != "":
		return "everything tagged " + p.Tag
	case p.Exact:
		return p.Prefix
	}
	return "everything below " + p.Prefix
}

// Placement is the replicated state as every node sees it: what decides where
// a request goes. It is small, changes rarely and has no entry per session.
// A *Placement that was published is never changed.
type Placement struct {
	Cluster   string     `json:"cluster,omitempty"` // drawn once, by the first leader; empty: by an older build
	Version   uint64     `json:"version"`           // index of the last command in it
	Admission string     `json:"admission"`
	Edges     []Edge     `json:"edges"` // in ring order, those that are not in the ring yet last
	Pairs     []Pair     `json:"pairs"` // by id
	Streams   Streams    `json:"streams"`
	Balancers []Balancer `json:"balancers"`
	Purges    []Purge    `json:"purges,omitempty"`    // the last ones, bounded
	NextPair  PairID     `json:"next_pair"`           // the id that the next new pair gets
	Trust     *Trust     `json:"trust,omitempty"`     // who is who; nil: nobody has said
	Upstreams []Upstream `json:"upstreams,omitempty"` // where edges get what they lack, before their own settings

	edges map[string]int
	pairs map[PairID]int
}

// Index builds the look-up tables of edges and pairs; streams need none. Whoever makes
// or decodes a Placement calls it once, before the value is shared.
func (p *Placement) Index() *Placement {
	p.edges = make(map[string]int, len(p.Edges))
	for i, e := range p.Edges {
		p.edges[e.Name] = i
	}
	p.pairs = make(map[PairID]int, len(p.Pairs))
	for i, q := range p.Pairs {
		p.pairs[q.ID] = i
	}
	return p
}

// Edge returns the edge of that name.
func (p *Placement) Edge(name string) (Edge, bool) {
	i, ok := p.edges[name]
	if !ok {
		return Edge{}, false
	}
	return p.Edges[i], true
}

// Pair returns the pair of that id. The pointer is read-only.
func (p *Placement) Pair(id PairID) (*Pair, bool) {
	i, ok := p.pairs[id]
	if !ok {
		return nil, false
	}
	return &p.Pairs[i], true
}

// Stream returns the pairs that hold the stream, nil when none does.
func (p *Placement) Stream(name string) []PairID {
	s, _ := p.Streams.Get(name)
	return s.Pairs
}

// StreamID returns a stream's name in tokens, 0 when it has none.
func (p *Placement) StreamID(name string) uint64 {
	s, _ := p.Streams.Get(name)
	return s.ID
}

// StreamBy returns the stream of a name in tokens.
func (p *Placement) StreamBy(id uint64) (string, bool) { return p.Streams.byID.get(id) }

// EdgesOf lists the members of these pairs, each once.
func (p *Placement) EdgesOf(pairs []PairID) []string {
	var names []string
	for _, id := range pairs {
		q, ok := p.Pair(id)
		if !ok {
			continue
		}
		for _, name := range []string{q.Low, q.High} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// StreamOf returns the stream that path belongs to: the longest placed stream
// that is a directory prefix of it.
func (p *Placement) StreamOf(path string) (string, bool) {
	for i := len(path); i > 0; i-- {
		if path[i-1] != '/' {
			continue
		}
		if _, ok := p.Streams.Get(path[:i]); ok {
			return path[:i], true
		}
	}
	return "", false
}
