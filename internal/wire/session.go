package wire

// SessionID names one session of the cluster for as long as its slot is held:
// a slot that is used again has another generation.
type SessionID struct {
	Pair       PairID `json:"pair"`
	Slot       int    `json:"slot"` // in the low member's view
	Generation uint32 `json:"generation"`
}

// OpenRequest asks an edge for a slot in the table of a pair (S106, S124, S130).
type OpenRequest struct {
	Pair    PairID `json:"pair"`
	Stream  string `json:"stream"`
	Viewer  string `json:"viewer"`
	Version uint64 `json:"version"`         // placement that the balancer chose by
	Again   bool   `json:"again,omitempty"` // admitted up to the capacity: the viewer had a session that its edge could not take back, or nobody is left to keep room for
	Most    int    `json:"most,omitempty"`  // where the edge delivers so many already, the balancer would choose by that anew; 0: it is chosen for good
}

// OpenAnswer is the slot, and how many the edge and the pair have with it.
type OpenAnswer struct {
	SessionID
	EdgeCount
}

// EdgeCount is what an edge has at the moment of its answer to an opening.
type EdgeCount struct {
	Incarnation uint64 `json:"incarnation,omitempty"` // its life; 0: an older build
	Opened      uint64 `json:"opened,omitempty"`      // slots given to new viewers since it started: all up to this one are counted
	Delivering  int    `json:"delivering,omitempty"`
	Sessions    int    `json:"sessions,omitempty"` // of the pair, on both sides, the other's as mirrored
	Own         int    `json:"own,omitempty"`      // of them on its own side
}

// Refusal says why an edge gave no slot, and what it has.
type Refusal struct {
	Reason string `json:"reason"`
	EdgeCount
}

// Reasons of refusals, used by edges towards balancers, and by balancers
// towards viewers (HeaderReason, and in the body). Never made from what a
// client sent.
const (
	ReasonLimit     = "edge_limit"      // the edge delivers as many as it may while a neighbour may die (claim 8)
	ReasonPairFull  = "pair_full"       // the pair sum has reached the table's size
	ReasonSideFull  = "side_full"       // no free slot on this member's side: the boundary has to move
	ReasonFailSafe  = "fail_safe"       // delivering for a dead neighbour (claims 12, 13)
	ReasonDraining  = "draining"        // drained, leaving, recovering or joining
	ReasonBusier    = "busier"          // it has more than the balancer knew (OpenRequest.Most)
	ReasonStale     = "stale_placement" // the edge does not know such a pair (yet)
	ReasonCluster   = "cluster_full"    // S111
	ReasonClient    = "client_limit"    // this client opens more than it plays
	ReasonNameTaken = "name_taken"      // another node of that name serves
	ReasonNoEdge    = "no_edge"         // nobody alive
	ReasonDeadly    = "deadly_request"  // edges died under it: no further one is asked
	ReasonQuorum    = "no_quorum"       // the stream has to be placed and the placement can't be changed now
)

// RefusesSession tells whether an edge's reason speaks of the session that was asked
// for, so that another edge may have room for it.
func RefusesSession(reason string) bool {
	switch reason {
	case ReasonLimit, ReasonPairFull, ReasonSideFull, ReasonFailSafe, ReasonDraining, ReasonStale, ReasonCluster:
		return true
	default:
		return false
	}
}

// StreamLoad is how many sessions of an edge watch a stream, and in which pairs.
type StreamLoad struct {
	Stream   string   `json:"stream"`
	Sessions int      `json:"sessions"`
	Pairs    []PairID `json:"pairs"`
}

// SessionInfo is one session as its deliverer knows it.
type SessionInfo struct {
	SessionID
	Stream   string  `json:"stream"`
	Viewer   string  `json:"viewer"`
	Edge     string  `json:"edge"`     // who delivers it
	Position int64   `json:"position"` // of the track that went on last
	Path     string  `json:"path"`     // the last segment delivered in full
	Tracks   []Track `json:"tracks"`   // how far it is in each of its tracks
	Opened   int64   `json:"opened"`   // unix milliseconds
	Seen     int64   `json:"seen"`     // unix milliseconds of the last request
	Standin  bool    `json:"standin"`  // delivered for a neighbour that is missing
}
