package lb

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// status is the cluster as this balancer knows it.
func (l *LB) status() wire.Status {
	p, now := l.node.Placement(), l.now()
	known := l.loads.counts(p, false)
	tables := l.loads.tables(p, now)
	leader, _ := l.node.Leader()
	s := wire.Status{
		Time: now.UnixMilli(), Version: p.Version, Node: l.cfg.Name, Leader: leader.Name, Admission: p.Admission, Policy: l.cfg.StateSource,
		Edges: l.edgeStatuses(p, known, tables, now), Pairs: pairStatuses(p, tables), Balancers: l.balancerInfos(p, leader.Name),
		Sessions: sessionsOf(p, known), Streams: len(p.Streams), Refused: l.counts.refusedAll.load(), Takeovers: l.counts.takeoversAll.load(),
	}
	return s
}

func (l *LB) edgeStatuses(p *wire.Placement, known ring.Figures, tables []ring.Load, now time.Time) []wire.EdgeStatus {
	margins := ring.Margins(p, tables)
	streams := map[string]int{}
	for _, s := range p.Streams {
		for _, name := range membersOf(p, s.Pairs) {
			streams[name]++
		}
	}
	out := make([]wire.EdgeStatus, 0, len(p.Edges))
	for _, e := range p.Edges {
		s := wire.EdgeStatus{
			Name: e.Name, State: e.State, HTTP: e.HTTP, Admin: e.Admin, Incarnation: e.Incarnation, Capacity: e.Capacity,
			Limit: known.Limits[e.Name], Delivering: known.Delivering[e.Name], Margin: margins[e.Name],
			FailSafe: ring.FailSafe(p, e.Name), ReportAge: -1, Streams: streams[e.Name],
		}
		if r, at, ok := l.loads.last(e); ok {
			s.ReportAge = now.Sub(at).Milliseconds()
			s.Recovery, s.StoreBytes, s.SentBytes = r.Recovery, r.StoreBytes, r.SentBytes
			s.Hits, s.Misses, s.OriginAsked = r.Hits, r.Misses, r.OriginAsked
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
	for _, s := range p.Streams {
		for _, id := range s.Pairs {
			streams[id]++
		}
	}
	out := make([]wire.PairStatus, 0, len(p.Pairs))
	for i := range p.Pairs {
		q := &p.Pairs[i]
		table := ring.TableOf(q.Slots, taken[q.ID])
		below := table.Below(q.Boundary)
		s := wire.PairStatus{
			ID: q.ID, Low: q.Low, High: q.High, Slots: q.Slots, Boundary: q.Boundary, Home: q.Home,
			LowDelivering: below, HighDelivering: table.Taken() - below, Taken: taken[q.ID], Retiring: q.Retiring, Adopted: q.Adopted, Streams: streams[q.ID],
		}
		if s.Taken == nil {
			s.Taken = []wire.Run{}
		}
		out = append(out, s)
	}
	return out
}

func (l *LB) balancerInfos(p *wire.Placement, leader string) []wire.BalancerInfo {
	voters := l.node.Voters()
	out := make([]wire.BalancerInfo, 0, len(p.Balancers))
	for _, b := range p.Balancers {
		out = append(out, wire.BalancerInfo{
			Balancer: b, Leader: b.Name == leader, Voter: contains(voters, b.Name), Alive: b.Name == l.cfg.Name || l.peers.has(b.Name),
		})
	}
	return out
}

// streams lists the placed streams with their sessions, for which the edges are
// asked.
func (l *LB) streams(ctx context.Context) []wire.StreamStatus {
	p := l.node.Placement()
	counts := map[string]int{}
	for _, s := range l.sessions(ctx, p, maxSessions).Sessions {
		counts[s.Stream]++
	}
	out := make([]wire.StreamStatus, 0, len(p.Streams))
	for _, s := range p.Streams {
		edges := membersOf(p, s.Pairs)
		if edges == nil {
			edges = []string{}
		}
		out = append(out, wire.StreamStatus{Stream: s.Stream, Pairs: s.Pairs, Edges: edges, Sessions: counts[s.Stream]})
	}
	return out
}

// statusEvery is how old a status may be that is sent to those who watch: four
// a second, made once for all of them.
const statusEvery = 250 * time.Millisecond

// statusText is the latest status as JSON.
type statusText struct {
	mu   sync.Mutex
	at   time.Time // guarded by mu
	text []byte    // guarded by mu
}

func (l *LB) statusJSON() []byte {
	l.statuses.mu.Lock()
	defer l.statuses.mu.Unlock()
	if now := l.now(); l.statuses.text == nil || now.Sub(l.statuses.at) >= statusEvery*9/10 {
		text, err := json.Marshal(l.status())
		if err != nil {
			return nil
		}
		l.statuses.at, l.statuses.text = now, text
	}
	return l.statuses.text
}

// maxWatches bounds the streams of events of one balancer, and slowWatch is how
// long one may block before it is cut off.
const (
	maxWatches = 200
	slowWatch  = 5 * time.Second
)

// handleEvents streams the status, four times a second, and every event.
func (l *LB) handleEvents(w http.ResponseWriter, r *http.Request) {
	if l.hub.watching() >= maxWatches {
		call.RefuseNode(w, http.StatusServiceUnavailable, "too_many", "too many watch already; ask "+apiPrefix+"/status instead")
		return
	}
	events, cancel := l.hub.watch()
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	send := func(kind string, text []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(slowWatch))
		b := append(append([]byte("event: "+kind+"\ndata: "), text...), '\n', '\n')
		_, err := w.Write(b)
		return err == nil && out.Flush() == nil
	}
	if !send("status", l.statusJSON()) {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-l.leaving:
			return
		case <-tick.C:
			if !send("status", l.statusJSON()) {
				return
			}
		case e, ok := <-events:
			if !ok {
				return // too slow
			}
			text, err := json.Marshal(e)
			if err != nil || !send("event", text) {
				return
			}
		}
	}
}
