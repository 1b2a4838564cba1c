package api

import (
	"context"
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// status is the cluster as this balancer knows it.
func (a *API) status() wire.Status {
	p, now := a.deps.Control.Placement(), a.deps.Now()
	known := a.deps.Control.Loads.Figures(p)
	tables := a.deps.Control.Loads.Tables(p, now)
	leader, _ := a.deps.Node.Leader()
	counted := a.deps.Node.Tally()
	s := wire.Status{
		Time: now.UnixMilli(), Version: p.Version, Node: a.deps.Name, Leader: leader.Name, Majority: a.deps.Control.Majority(), Admission: p.Admission, Policy: a.deps.StateSource,
		Edges: a.edgeStatuses(p, known, tables, now), Pairs: pairStatuses(p, tables), Balancers: a.balancerInfos(p, leader.Name), Zones: ring.ZoneLosses(p, tables),
		Sessions: a.deps.Control.Loads.Sessions(p), Streams: p.Streams.Len(), Refused: counted.Refused, Takeovers: counted.Takeovers, Demo: a.deps.DemoControl != "",
	}
	s.RollOver = rollOver(a.deps.Node)
	note(&s)
	s.Verdict = verdict(&s)
	return s
}

func (a *API) edgeStatuses(p *wire.Placement, known ring.Figures, tables []ring.Load, now time.Time) []wire.EdgeStatus {
	margins, stands, silent := ring.Margins(p, tables), ring.StandIns(p), a.deps.Control.Silent()
	streams := map[string]int{}
	for s := range p.Streams.All() {
		for _, name := range p.EdgesOf(s.Pairs) {
			streams[name]++
		}
	}
	out := make([]wire.EdgeStatus, 0, len(p.Edges))
	for _, e := range p.Edges {
		s := wire.EdgeStatus{
			Name: e.Name, State: e.State, HTTP: e.HTTP, Admin: e.Admin, Incarnation: e.Incarnation, Capacity: e.Capacity, Assumed: e.Assumed, Asks: e.Asks, Zone: e.Zone,
			Limit: known.Limits[e.Name], Delivering: known.Delivering[e.Name], Margin: margins[e.Name],
			FailSafe: ring.Delivers(e.State) && stands[e.Name], Stopped: e.Stopped, ReportAge: -1, Streams: streams[e.Name], Traffic: a.deps.Control.Loads.Counted(e.Name),
		}
		if by := silent[e.Name]; by != nil {
			s.State, s.StandIns = wire.EdgeSilent, by
		}
		s.Ahead = a.deps.Control.Misfits.Ahead(e.Name).Milliseconds()
		if refused := a.deps.Control.Misfits.Refused(e.Name); refused != nil {
			s.Refused, s.Next = refused.Text, refused.Next
		}
		if r, at, ok := a.deps.Control.Loads.Last(e); ok {
			s.ReportAge = now.Sub(at).Milliseconds()
			s.Recovery, s.StoreBytes = r.Recovery, r.StoreBytes
			s.OriginsOut, s.Unwritable = r.OriginsOut, r.Unwritable
			s.Build, s.Troubles = r.Build, r.Troubles
		}
		out = append(out, s)
	}
	return out
}

func pairStatuses(p *wire.Placement, tables []ring.Load) []wire.PairStatus {
	taken := map[wire.PairID][]wire.Run{}
	for _, load := range tables {
		taken[load.Pair] = load.Taken
	}
	streams := map[wire.PairID]int{}
	for s := range p.Streams.All() {
		for _, id := range s.Pairs {
			streams[id]++
		}
	}
	together := ring.SameZone(p)
	out := make([]wire.PairStatus, 0, len(p.Pairs))
	for i := range p.Pairs {
		q := &p.Pairs[i]
		table := ring.TableOf(q.Slots, taken[q.ID])
		below := table.Below(q.Boundary)
		if e, ok := p.Edge(q.Low); ok && e.State == wire.EdgeDown { // also before a commit moves the boundary
			below = 0
		} else if e, ok := p.Edge(q.High); ok && e.State == wire.EdgeDown {
			below = table.Taken()
		}
		s := wire.PairStatus{
			ID: q.ID, Low: q.Low, High: q.High, Slots: q.Slots, Boundary: q.Boundary, Home: q.Home,
			LowDelivering: below, HighDelivering: table.Taken() - below, Taken: taken[q.ID], Retiring: q.Retiring, Adopted: q.Adopted, Streams: streams[q.ID],
			SameZone: slices.Contains(together, q.ID),
		}
		if s.Taken == nil {
			s.Taken = []wire.Run{}
		}
		out = append(out, s)
	}
	return out
}

func (a *API) balancerInfos(p *wire.Placement, leader string) []wire.BalancerInfo {
	voters := a.deps.Node.Voters()
	behind := map[string]uint64{}
	for _, f := range a.deps.Node.Health().Followers {
		behind[f.Name] = f.Behind
	}
	out := make([]wire.BalancerInfo, 0, len(p.Balancers))
	for _, b := range p.Balancers {
		pong, alive := a.deps.Control.Balancer(b.Name)
		info := wire.BalancerInfo{
			Balancer: b, Leader: b.Name == leader, Voter: slices.Contains(voters, b.Name), Alive: alive,
			Version: pong.Version, Problem: pong.Problem, Next: pong.Next, Stale: pong.Stale, Behind: behind[b.Name],
			Ahead: a.deps.Control.Misfits.Ahead(b.Name).Milliseconds(), Build: pong.Build, Troubles: pong.Troubles,
		}
		if refused := a.deps.Control.Misfits.Refused(b.Name); refused != nil {
			info.Refused, info.Next = refused.Text, refused.Next
		}
		out = append(out, info)
	}
	return out
}

// streams lists the placed streams with their sessions, for which the edges are
// asked.
func (a *API) streams(ctx context.Context) []wire.StreamStatus {
	p := a.deps.Node.Placement()
	watched, _ := a.deps.Control.Watched(ctx, p) // without those of an edge that says nothing
	holders := a.deps.Control.Loads.Holders(p)
	out := make([]wire.StreamStatus, 0, p.Streams.Len())
	for s := range p.Streams.All() {
		out = append(out, wire.StreamStatus{
			Stream: s.Stream, Pairs: s.Pairs, Edges: append([]string{}, p.EdgesOf(s.Pairs)...), Stored: append([]string{}, holders[s.Stream]...),
			Sessions: watched[s.Stream].Sessions,
		})
	}
	return out
}
