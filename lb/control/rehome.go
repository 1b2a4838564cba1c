package control

import (
	"context"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// rehome makes home where a boundary is, one pair at a time, while every member is up and
// stays: nobody is away to whom sessions are to go back, as after a removal at the limit, by which
// a boundary could not go home. Else its sessions would count as an edge's that stands in, and no
// viewer would find room by moving it (ring.Relieve).
func (t *tasks) rehome(ctx context.Context) {
	p := t.c.node.Placement()
	for _, e := range ring.Members(p) {
		if e.State != wire.EdgeUp || e.Removing {
			return
		}
	}
	for i := range p.Pairs {
		if q := &p.Pairs[i]; q.Boundary != q.Home && !q.Retiring && q.High != "" && len(q.Adopted) == 0 {
			t.task(ctx, placement.Command{Kind: placement.MoveBoundary, Pair: q.ID, Before: q.Boundary, Boundary: q.Boundary})
			return
		}
	}
}
