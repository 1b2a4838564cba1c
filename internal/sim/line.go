package sim

import "tandem/internal/wire"

// Line is the cluster after one step; step 0 is the start.
type Line struct {
	Step     int      `json:"step"`
	Did      string   `json:"did"`
	Edges    []Edge   `json:"edges"`
	Pairs    []Pair   `json:"pairs"`
	Sessions Sessions `json:"sessions"`
}

// Edge is one edge of a Line.
type Edge struct {
	Name       string         `json:"name"`
	State      wire.EdgeState `json:"state"`
	Delivering int            `json:"delivering"`
	Limit      int            `json:"limit"` // the most sessions that it is given
	Capacity   int            `json:"capacity"`
}

// Pair is one session table of a Line.
type Pair struct {
	Low            string    `json:"low"`
	High           string    `json:"high"`
	Boundary       int       `json:"boundary"` // the low member's view
	LowDelivering  int       `json:"low_delivering"`
	HighDelivering int       `json:"high_delivering"`
	Retiring       bool      `json:"retiring,omitempty"` // left over by a member that has left
	Adopted        []Adopted `json:"adopted,omitempty"`  // both members are missing: who delivers instead
}

// Adopted is how many sessions of a pair without members an edge delivers.
type Adopted struct {
	Edge     string `json:"edge"`
	Sessions int    `json:"sessions"`
}

// Sessions counts. Open is the state, the others are of this step alone.
type Sessions struct {
	Open    int `json:"open"`
	Refused int `json:"refused"` // viewers who asked and were not admitted
	Lost    int `json:"lost"`    // admitted sessions that nobody could go on with
	Moved   int `json:"moved"`   // sessions that another edge delivers now
}
