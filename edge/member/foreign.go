package member

import (
	"errors"
	"time"

	"tandem/internal/wire"
)

// Balancers that have lost their disks and were set up anew are another cluster: it
// has other placements, with lower versions, and other keys. An edge follows its own
// as long as any of the balancers it knows is of that; when none has answered for a
// while, and those of another one do, an operator has made a new cluster of them,
// and the edge follows it.

// adoptAfter is how long no balancer of an edge's own cluster may answer while those
// of another one do; foreignTell is how often an edge says that it waits.
const (
	adoptAfter  = 5 * time.Second
	foreignTell = 10 * time.Second
)

// errForeign is returned for a placement of another cluster.
var errForeign = errors.New("the balancer is of another cluster")

// foreign is what an edge has heard of another cluster. It is owned by follow.
type foreign struct {
	own  time.Time // when a balancer of this edge's own cluster answered last
	told time.Time
}

// heard notes which cluster a balancer is of, and tells whether its placement is to
// be followed.
func (f *foreign) heard(m *Member, balancer string, p *wire.Placement) bool {
	now, own := m.now(), m.base.Load().Cluster
	if own == "" || p.Cluster == own {
		f.own = now
		return true
	}
	switch {
	case p.Cluster == "": // it has just begun, or is of an older build, and has nothing to tell yet
	case now.Sub(f.own) >= adoptAfter:
		m.log.Warn().Str("balancer", balancer).Str("cluster", p.Cluster).Str("before", own).
			Msg("the balancers are a new cluster, and none of the one before answers: following it")
		beginAnew(m, p)
		f.own = now
		return true
	case now.Sub(f.told) >= foreignTell:
		f.told = now
		m.log.Warn().Str("balancer", balancer).Str("cluster", p.Cluster).Str("own", own).
			Msg("a balancer is of another cluster: serving on by the last placement of this edge's own, and following the other one if none of this answers")
	}
	return false
}

// beginAnew lets an edge follow another cluster from its first placement on.
func beginAnew(m *Member, p *wire.Placement) {
	m.applying.Lock()
	m.base.Store((&wire.Placement{Cluster: p.Cluster}).Index())
	m.purged, m.whole = 0, true
	m.applying.Unlock()
	m.Keys.Forget()
	for _, t := range m.tables.list() {
		t.forgetTelling()
	}
}
