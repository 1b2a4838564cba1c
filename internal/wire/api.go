package wire

// The shapes of /api/v1 on the balancers' admin listener. All times are unix
// milliseconds, all sizes bytes. The same answer comes from every balancer.
//
//	GET    /api/v1/status            -> Status
//	GET    /api/v1/edges             -> []EdgeStatus
//	GET    /api/v1/pairs             -> []PairStatus
//	GET    /api/v1/streams           -> []StreamStatus
//	GET    /api/v1/sessions?limit=N  -> SessionList
//	DELETE /api/v1/sessions/{pair}-{slot}-{generation}
//	GET    /api/v1/receipts          -> []Receipt, newest first
//	GET    /api/v1/events            -> server-sent events: "status" (Status, at most 4 a second), "event" (Event)
//	GET    /api/v1/history?limit=N   -> []Event, newest first
//	POST   /api/v1/edges/{name}/drain | resume | remove | accept, ?force=true for one that would lose sessions
//	GET    /api/v1/edges/{name}/drain | remove | accept -> Preview: what it would do
//	POST   /api/v1/streams/unplace   {"stream": "/film/"}: off its pairs, if nobody watches it
//	POST   /api/v1/purge             Purge -> PurgeAnswer
//	POST   /api/v1/admission         {"admission": "failsafe"|"pair"}
//	GET    /api/v1/keys              -> []KeyStatus
//	POST   /api/v1/keys/{tokens|datagrams}/rotate
//	DELETE /api/v1/keys/{tokens|datagrams}/{id}
//	POST   /api/v1/balancers/{name}/move {"raft", "http", "admin"}: where the others find it now
//	GET    /api/v1/cluster/backup    -> a snapshot, the cluster's keys included
//	POST   /api/v1/cluster/restore   a backup
//	POST   /api/v1/cluster/recover   {"name": the balancer's own}: it goes on alone, from its disk
//	POST   /api/v1/reload            -> {"applied": [...], "needs_restart": [...]}: this balancer's configuration is read anew
//	GET    /api/v1/openapi.json
//
// Errors are {"error": "one line that names the field and the fix", "reason": "..."}.

// Status is the cluster at one moment.
type Status struct {
	Time      int64          `json:"time"`
	Version   uint64         `json:"version"`
	Node      string         `json:"node"` // the balancer that answers
	Leader    string         `json:"leader"`
	Majority  bool           `json:"majority"` // of the balancers: the placement can be changed, as far as this one knows
	Admission string         `json:"admission"`
	Policy    string         `json:"policy"` // state source: push, load, query
	Edges     []EdgeStatus   `json:"edges"`
	Pairs     []PairStatus   `json:"pairs"`
	Balancers []BalancerInfo `json:"balancers"`
	Zones     []ZoneLoss     `json:"zones"` // what the loss of each would cost; none: no edge states one
	Sessions  int            `json:"sessions"`
	Streams   int            `json:"streams"`
	Refused   int64          `json:"refused"`        // viewers, by all balancers and all their lives
	Takeovers int64          `json:"takeovers"`      // responses finished from the partner, likewise
	Demo      bool           `json:"demo,omitempty"` // of `tandem demo`: its nodes can be killed and brought back by orders
	Verdict   Verdict        `json:"verdict"`        // what an operator has to know first
	RollOver  RollOver       `json:"roll_over,omitempty"`
}

// RollOver is how far a change of the cluster's authority is; "": none is under way.
type RollOver string

// Its steps.
const (
	RollTrusted RollOver = "trusted" // a second root is
	RollIssues  RollOver = "issues"  // the second root's authority; the first is trusted still
)

// BalancerInfo is one balancer.
type BalancerInfo struct {
	Balancer
	Leader bool `json:"leader"`
	Voter  bool `json:"voter"`
	Alive  bool `json:"alive"` // as far as the answering balancer knows

	Version uint64 `json:"version"`           // of its placement, when it answered last
	Problem string `json:"problem,omitempty"` // why it should get no viewers, in its own words
	Next    string `json:"next,omitempty"`    // what to do about that
	Stale   bool   `json:"stale,omitempty"`   // its placement is old, so what it shows is
	Ahead   int64  `json:"ahead,omitempty"`   // its clock is ahead of the answering balancer's, milliseconds
	Refused string `json:"refused,omitempty"` // why it and the others don't hear each other
	Behind  uint64 `json:"behind"`            // committed changes that it is not known to hold; only the leader knows

	Build    string    `json:"build,omitempty"`    // what runs there
	Troubles []Trouble `json:"troubles,omitempty"` // in its own words
	Note     string    `json:"note,omitempty"`     // what is special about it, in the words that tables show
}

// EdgeStatus is one edge: the placement's view and its last report.
type EdgeStatus struct {
	Name        string    `json:"name"`
	State       EdgeState `json:"state"`
	HTTP        string    `json:"http"`
	Admin       string    `json:"admin"`
	Incarnation uint64    `json:"incarnation"`
	Capacity    int       `json:"capacity"`
	Assumed     bool      `json:"assumed,omitempty"` // nobody has stated Capacity
	Asks        int       `json:"asks,omitempty"`    // a higher capacity that waits to be accepted
	Zone        string    `json:"zone,omitempty"`
	Limit       int       `json:"limit"` // most sessions it is given: claim 8
	Delivering  int       `json:"delivering"`
	Margin      int       `json:"margin"` // capacity less the most it would deliver after any one death
	FailSafe    bool      `json:"fail_safe"`
	Stopped     bool      `json:"stopped,omitempty"` // down by its own wish
	ReportAge   int64     `json:"report_age"`        // milliseconds, -1: none
	Recovery    *Recovery `json:"recovery,omitempty"`
	StoreBytes  int64     `json:"store_bytes"`
	Traffic               // in all its lives
	OriginsOut  []string  `json:"origins_out,omitempty"` // upstreams of which no server answers it: their base URLs
	Unwritable  string    `json:"unwritable,omitempty"`  // why its store's disk takes nothing, as its system says it
	Streams     int       `json:"streams"`
	Ahead       int64     `json:"ahead,omitempty"`     // its clock is ahead of the answering balancer's, milliseconds
	Refused     string    `json:"refused,omitempty"`   // why it and the balancers don't hear each other
	Next        string    `json:"next,omitempty"`      // what to do about that
	StandIns    []string  `json:"stand_ins,omitempty"` // of a silent edge: the neighbours that deliver for it
	Build       string    `json:"build,omitempty"`     // what runs there
	Troubles    []Trouble `json:"troubles,omitempty"`  // in its own words
	Note        string    `json:"note,omitempty"`      // what is special about it, in the words that tables show
}

// PairStatus is one pair and its table.
type PairStatus struct {
	ID             PairID     `json:"id"`
	Low            string     `json:"low"`
	High           string     `json:"high"`
	Slots          int        `json:"slots"`
	Boundary       int        `json:"boundary"`
	Home           int        `json:"home"`
	LowDelivering  int        `json:"low_delivering"`
	HighDelivering int        `json:"high_delivering"`
	Taken          []Run      `json:"taken"`
	Retiring       bool       `json:"retiring,omitempty"`
	Adopted        []Adoption `json:"adopted,omitempty"`
	Streams        int        `json:"streams"`
	SameZone       bool       `json:"same_zone,omitempty"` // both members may be lost together
	Note           string     `json:"note,omitempty"`      // what is special about it, in the words that tables show
}

// StreamStatus is one placed stream.
type StreamStatus struct {
	Stream   string   `json:"stream"`
	Pairs    []PairID `json:"pairs"`
	Edges    []string `json:"edges"`  // that are to hold it, by the placement
	Stored   []string `json:"stored"` // that hold anything of it, by their stores
	Sessions int      `json:"sessions"`
}

// SessionList is a part of the sessions; Total counts all.
type SessionList struct {
	Total    int           `json:"total"`
	Sessions []SessionInfo `json:"sessions"`
}

// Event is something that happened in the cluster.
type Event struct {
	Time    int64  `json:"time"`
	Version uint64 `json:"version,omitempty"` // of the placement, when it is an event of the placement
	Kind    string `json:"kind"`              // edge_up edge_down edge_ready drain resume remove joined left place boundary purge admission takeover refused leader suspect ...
	Edge    string `json:"edge,omitempty"`
	Pair    PairID `json:"pair,omitempty"`
	Stream  string `json:"stream,omitempty"`
	Text    string `json:"text"` // one sentence for people
}

// BoundaryMove is a boundary before and after.
type BoundaryMove struct {
	Pair   PairID `json:"pair"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Receipt tells what one death of an edge cost (FIELD.md D10).
type Receipt struct {
	Edge        string         `json:"edge"`
	Incarnation uint64         `json:"incarnation"`
	Noticed     int64          `json:"noticed"`
	By          string         `json:"by"`
	Cause       string         `json:"cause"`
	Committed   int64          `json:"committed"`
	Version     uint64         `json:"version"`
	Boundaries  []BoundaryMove `json:"boundaries"`
	Moved       int            `json:"moved"`            // sessions that changed edges
	Lost        int            `json:"lost"`             // sessions for which no capacity was left
	Finished    int64          `json:"finished"`         // responses finished from the partner, by all balancers
	LongestGap  int64          `json:"longest_gap"`      // milliseconds without a byte, the worst of them
	Broken      int64          `json:"broken"`           // responses that could not be finished
	Returned    int64          `json:"returned"`         // when it was up again, 0: not yet
	CopiedBytes int64          `json:"copied_bytes"`     // what it copied from its neighbours
	Shares      []CountedBy    `json:"shares,omitempty"` // whose hands those responses were in
}

// Preview is what a drain of an edge, its removal or its joining would do.
type Preview struct {
	Edge       string         `json:"edge"`
	Order      string         `json:"order"`      // drain, remove, accept
	Moves      int            `json:"moves"`      // sessions that would change edges
	Boundaries []BoundaryMove `json:"boundaries"` // in the document's order: the edge's own two, then on round the ring
	Excess     int            `json:"excess"`     // sessions that would lose their edge by it
	Peak       string         `json:"peak"`       // the fullest edge afterwards
	PeakLoad   int            `json:"peak_load"`
	PeakCap    int            `json:"peak_capacity"`
	Margin     int            `json:"margin"`            // the least N-1 margin of an edge afterwards; below 0: the next death would cost sessions
	MarginNow  int            `json:"margin_now"`        // the same before
	Limit      int            `json:"limit"`             // sessions that the cluster admits afterwards
	LimitNow   int            `json:"limit_now"`         // the same before
	Already    EdgeState      `json:"already,omitempty"` // the edge is so, and nothing would change
	Lowers     bool           `json:"lowers,omitempty"`  // a join by which the others' limits fall, so that it has to be accepted
}

// ZoneLoss is what the loss of all edges of a zone at once would cost.
type ZoneLoss struct {
	Zone   string   `json:"zone"`
	Edges  []string `json:"edges"`
	Lost   int      `json:"lost"`   // sessions for which nobody would have room
	Given  int      `json:"given"`  // sessions that edges without a copy would deliver, from the origin
	Margin int      `json:"margin"` // the least capacity that an edge would have left; below 0: lost
}

// What a key does.
const (
	KeyNext  = "next"  // it is being made known, and will seal
	KeySeals = "seals" // it seals, and opens
	KeyOpens = "opens" // it opens what it has sealed, as long as that is good
)

// KeyStatus is one key; nothing of what it is.
type KeyStatus struct {
	Purpose Purpose `json:"purpose"`
	ID      uint8   `json:"id"`
	State   string  `json:"state"`
	Made    int64   `json:"made"`
	Ceased  int64   `json:"ceased,omitempty"`
}

// PurgeAnswer says what was removed where.
type PurgeAnswer struct {
	Seq     uint64         `json:"seq"`
	Removed map[string]int `json:"removed"` // objects, by edge
	Failed  []string       `json:"failed"`  // edges that will do it when they are back
}

// Counts are what one life of a balancer has counted since it began. They only grow, so
// the same told twice counts once.
type Counts struct {
	Life      int64        `json:"life"` // later lives have higher ones
	Takeovers int64        `json:"takeovers"`
	Refused   int64        `json:"refused"`
	Deaths    []DeathCount `json:"deaths,omitempty"`
}

// DeathCount is what the responses in one balancer's hands lived through at the death of
// an edge.
type DeathCount struct {
	Edge        string `json:"edge"`
	Incarnation uint64 `json:"incarnation"`
	Finished    int64  `json:"finished"`
	Broken      int64  `json:"broken"`
	LongestGap  int64  `json:"longest_gap"` // milliseconds
}

// CountedBy is a balancer's share of a receipt.
type CountedBy struct {
	By         string `json:"by"`
	Life       int64  `json:"life"`
	Finished   int64  `json:"finished"`
	Broken     int64  `json:"broken"`
	LongestGap int64  `json:"longest_gap"`
}

// Tally are sums over all balancers and all their lives.
type Tally struct {
	Takeovers int64 `json:"takeovers"`
	Refused   int64 `json:"refused"`
}
