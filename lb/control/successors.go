package control

import (
	"sync"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// successors remembers which edges have said that they hold what a version asks of
// them. Edges tell every balancer, and go on while somebody waits for it.
type successors struct {
	mu   sync.Mutex
	told map[ring.Life]uint64 // guarded by mu; the placement's version
}

func newSuccessors() *successors { return &successors{told: map[ring.Life]uint64{}} }

func (h *successors) ready(r wire.Ready) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.told) > 4*placement.MaxEdges {
		clear(h.told)
	}
	life := ring.Life{Edge: r.Edge, Incarnation: r.Incarnation}
	h.told[life] = max(h.told[life], r.Version)
}

// version is the oldest one that all of these hold; 0: somebody has said nothing.
func (h *successors) version(p *wire.Placement, names []string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := uint64(0)
	for _, name := range names {
		e, _ := p.Edge(name)
		told := h.told[ring.Life{Edge: name, Incarnation: e.Incarnation}]
		if told == 0 {
			return 0
		}
		if oldest == 0 || told < oldest {
			oldest = told
		}
	}
	return oldest
}
