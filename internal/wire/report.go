package wire

// Run is a run of slots that are taken, in the low member's view, To exclusive.
type Run struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// PairLoad is what an edge knows of one of its two tables.
type PairLoad struct {
	Pair        PairID `json:"pair"`
	Boundary    int    `json:"boundary"`              // the one it delivers by, low member's view
	Delivering  int    `json:"delivering"`            // sessions on its own side
	Provisional int    `json:"provisional,omitempty"` // those of them that were given no media yet: they make way where room is short
	Sessions    int    `json:"sessions"`              // on both sides, the other's as mirrored
	Taken       []Run  `json:"taken"`                 // both sides
}

// Recovery is how far a returning, joining or neighbouring edge's copy is.
type Recovery struct {
	Bytes      int64  `json:"bytes"`
	BytesTotal int64  `json:"bytes_total"`
	Objects    int    `json:"objects"`
	Total      int    `json:"total"`
	From       string `json:"from,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Traffic is what an edge counts.
type Traffic struct {
	SentBytes   int64 `json:"sent_bytes"` // to viewers
	Hits        int64 `json:"hits"`
	Misses      int64 `json:"misses"`
	OriginAsked int64 `json:"origin_asked"` // requests to the origin
}

// With is f of each two figures.
func (t Traffic) With(o Traffic, f func(a, b int64) int64) Traffic {
	return Traffic{f(t.SentBytes, o.SentBytes), f(t.Hits, o.Hits), f(t.Misses, o.Misses), f(t.OriginAsked, o.OriginAsked)}
}

// Report goes from an edge to every balancer at an interval (claims 3, 4).
type Report struct {
	Edge        string          `json:"edge"`
	Incarnation uint64          `json:"incarnation"`
	Sequence    uint64          `json:"sequence"`
	Version     uint64          `json:"version"` // placement it follows
	Capacity    int             `json:"capacity"`
	Delivering  int             `json:"delivering"`
	Opened      uint64          `json:"opened,omitempty"` // slots given to new viewers since it started: all up to this one are counted here
	Waiting     int             `json:"waiting"`          // requests that wait for a fill
	Pairs       []PairLoad      `json:"pairs"`
	Recovery    *Recovery       `json:"recovery,omitempty"`
	Keys        uint64          `json:"keys"` // version of the keys that it opens tokens with
	StoreBytes  int64           `json:"store_bytes"`
	Life        int64           `json:"life,omitempty"` // of its process, whatever its incarnation is: when it began, unix milliseconds; 0: an older build
	Traffic                     // since then
	Before      *Traffic        `json:"before,omitempty"`    // in former lives, as far as balancers have told it; null: it knows nothing of them
	Streams     []string        `json:"streams"`             // those that its store holds something of; null: not told this time
	StandsIn    []StandIn       `json:"stands_in,omitempty"` // neighbours that it has found dead and delivers for, before any commit says so
	Takeovers   []TakeoverCount `json:"takeovers,omitempty"`
	OriginsOut  []string        `json:"origins_out,omitempty"` // upstreams of which no server answers it: their base URLs
	Unwritable  string          `json:"unwritable,omitempty"`  // why its store's disk takes nothing, as its system says it
	Time        int64           `json:"time,omitempty"`        // by its clock, unix milliseconds; 0: an older build
	Build       string          `json:"build,omitempty"`       // what runs there; empty: an older build
	Troubles    []Trouble       `json:"troubles,omitempty"`
	Asked       []Asked         `json:"asked,omitempty"` // what it has asked of origins for those clients who made it ask most
}

// MaxAsked is of how many clients a report, and the answer to it, says what they cost.
const MaxAsked = 64

// Asked is what one client's requests cost origins of late, in the units of
// --max-misses-per-client; it decays by the minute.
type Asked struct {
	Client   string  `json:"client"` // by ClientOf
	Misses   float64 `json:"misses,omitempty"`
	Renewals float64 `json:"renewals,omitempty"`
}

// Trouble is something about a node that operators have to know, in its own words.
type Trouble struct {
	Text string `json:"text"`
	Next string `json:"next,omitempty"` // what to do about it
}

// TakeoverCount is how many sessions, after they were taken over, found the first
// segment that they asked for in a track ready in memory, or did not, and why.
type TakeoverCount struct {
	Track   TrackKind `json:"track"`
	Outcome string    `json:"outcome"` // ready | late | failed | unlisted | unforeseen | unplaced
	Count   int64     `json:"count"`   // since start
}

// StandIn is a neighbour's life that an edge has found dead by itself: it was
// silent, did not answer, and nobody has committed its death.
type StandIn struct {
	Edge        string `json:"edge"`
	Incarnation uint64 `json:"incarnation"`
	Since       int64  `json:"since"` // unix milliseconds
}

// ReportAnswer tells an edge which placement is current, and whether it can be changed: then nobody but the leader's commit makes a death true.
type ReportAnswer struct {
	Version  uint64   `json:"version"`
	Majority bool     `json:"majority"`
	Time     int64    `json:"time,omitempty"`   // by the balancer's clock, unix milliseconds; 0: an older build
	Before   *Traffic `json:"before,omitempty"` // what the edge has counted in former lives, as far as the balancer knows
	Asked    []Asked  `json:"asked,omitempty"`  // what the other edges have asked of origins for the same clients: budgets are one for all edges
}

// Register is how an edge makes itself known, at its start and whenever the
// placement does not show it as it is.
type Register struct {
	Edge  Edge   `json:"edge"`
	After string `json:"after,omitempty"` // where a new member joins; last by default
	Empty bool   `json:"empty"`           // its store holds nothing
}

// RegisterAnswer carries the placement in which the edge now stands.
type RegisterAnswer struct {
	Placement *Placement `json:"placement"`
}

// Suspicion is what a detector tells a balancer: Edge has been silent.
type Suspicion struct {
	Edge        string `json:"edge"`
	Incarnation uint64 `json:"incarnation"`
	By          string `json:"by"`
	Cause       string `json:"cause"`     // silent | refused | reset | closed | stalled | ping
	SilentMS    int64  `json:"silent_ms"` // how long
}

// Stopping is what an edge asks for that is about to end: its neighbours take
// over what it has while it still serves.
type Stopping struct {
	Edge        string `json:"edge"`
	Incarnation uint64 `json:"incarnation"`
}

// CauseStopping is the cause of a death that is none: the edge has said so itself.
const CauseStopping = "stopping"

// Join is what a balancer asks of the leader that wants to be one of its cluster, or
// is at another address.
type Join struct {
	Balancer
	Fresh bool `json:"fresh,omitempty"` // its disk is empty
}

// Ready says that an edge holds, verified, all that Version asks it to hold.
type Ready struct {
	Edge        string `json:"edge"`
	Incarnation uint64 `json:"incarnation"`
	Version     uint64 `json:"version"`
}

// Pong answers a ping.
type Pong struct {
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Incarnation uint64   `json:"incarnation"`
	Version     uint64   `json:"version,omitempty"`  // a balancer's: of its placement
	Keys        uint64   `json:"keys,omitempty"`     // a balancer's: version of the keys that it opens tokens with
	Cluster     string   `json:"cluster,omitempty"`  // a balancer's: of its placement, empty: it has none yet
	Raft        string   `json:"raft,omitempty"`     // a balancer's: where its copy of the placement is reached
	RaftAlso    string   `json:"raftAlso,omitempty"` // a balancer's: where to call it where nobody answers at Raft; empty: nowhere, or an older build
	Fresh       bool     `json:"fresh,omitempty"`    // a balancer's: its disk is empty, and it waits to be let in
	Problem     string   `json:"problem,omitempty"`  // a balancer's: why it should get no viewers; empty: it should
	Next        string   `json:"next,omitempty"`     // a balancer's: what to do about that
	Stale       bool     `json:"stale,omitempty"`    // a balancer's: its placement is old, so what it shows is
	Era         uint64   `json:"era,omitempty"`      // a balancer's: since which recovery it counts from; 0: its cluster was never recovered, or an older build
	Leader      string   `json:"leader,omitempty"`   // a balancer's: who leads, as far as it knows; empty: nobody, or an older build
	Gone        []string `json:"gone,omitempty"`     // a balancer's: the others that it does not hear
	Members     []string `json:"members,omitempty"`  // a balancer's: all that its placement names; none: an older build
	Time        int64    `json:"time,omitempty"`     // a balancer's: by its clock, unix milliseconds; 0: an older build

	Build    string    `json:"build,omitempty"`    // a balancer's: what runs there; empty: an older build
	Troubles []Trouble `json:"troubles,omitempty"` // a balancer's
}

// Item is one object of an inventory.
type Item struct {
	Key    string `json:"key"`
	ETag   string `json:"etag"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"` // sha-256, hex
	Hits   int64  `json:"hits"`
	Used   int64  `json:"used"`   // unix milliseconds of the last use
	Stored int64  `json:"stored"` // unix milliseconds at which the copy was made from the origin: the newer version wins
}

// CopyHint tells the partner which objects the sender has or is getting.
type CopyHint struct {
	From  string   `json:"from"`
	Pair  PairID   `json:"pair"`
	Keys  []string `json:"keys"`
	Given []string `json:"given,omitempty"` // of live manifests that nobody keeps: edge/stepback.Told
}
