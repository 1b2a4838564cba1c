package recovery

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Due tells whether somebody waits for this edge's copy: it returns, joins,
// or a neighbour leaves.
func Due(p *wire.Placement, me string) bool {
	self, ok := p.Edge(me)
	if !ok {
		return false
	}
	if self.State == wire.EdgeJoining || self.State == wire.EdgeRecovering {
		return true
	}
	for _, other := range p.Edges {
		if !ring.Goes(other) {
			continue
		}
		for _, heir := range ring.Successors(p, other.Name) {
			if heir == me {
				return true
			}
		}
	}
	return false
}
