package wire

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
