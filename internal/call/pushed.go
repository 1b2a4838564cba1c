package call

// Pushed is what an origin of ours tells a balancer, and that all edges: names that were
// pushed over, for the first time, or deleted.
type Pushed struct {
	At      int64    `json:"at"`      // the later, the greater; microseconds of the origin's clock
	Targets []string `json:"targets"` // as they were pushed to: paths without a query
}

// MaxPushed bounds the targets of one.
const MaxPushed = 1000
