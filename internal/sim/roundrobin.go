package sim

import (
	"slices"

	"tandem/internal/wire"
)

// roundRobin is the cluster under policy roundrobin. Each edge fills itself and
// delivers what it is dealt; nothing is shared.
type roundRobin struct {
	*sessionList
	edges []node
	next  int
	count Sessions
}

// node is one edge and what it was dealt.
type node struct {
	name     string
	state    wire.EdgeState
	capacity int
	number   wire.PairID
	sessions []int32
}

func newRoundRobin(s *Scenario) *roundRobin {
	d := &roundRobin{sessionList: newSessionList()}
	for _, e := range s.Edges {
		d.add(len(d.edges), e)
	}
	return d
}

func (d *roundRobin) add(at int, m Member) {
	number := wire.PairID(0)
	for i := range d.edges {
		number = max(number, d.edges[i].number)
	}
	d.edges = slices.Insert(d.edges, at, node{name: m.Name, state: wire.EdgeUp, capacity: m.Capacity, number: number + 1})
}

// edge is the index of an edge by name or, name "", by number.
func (d *roundRobin) edge(name string, number wire.PairID) int {
	return slices.IndexFunc(d.edges, func(h node) bool { return name != "" && h.name == name || name == "" && h.number == number })
}

func (d *roundRobin) open(stream string, count int) {
	n := d.stream(stream)
	for i := range count {
		if !d.deal(n) {
			d.count.Refused += count - i
			return
		}
	}
}

// deal gives a viewer to the next edge in turn that is up and has room.
func (d *roundRobin) deal(stream int32) bool {
	for range d.edges {
		h := &d.edges[d.next%len(d.edges)]
		d.next = (d.next + 1) % len(d.edges)
		if h.state == wire.EdgeUp && len(h.sessions) < h.capacity {
			h.sessions = append(h.sessions, d.begin(stream, h.number, len(h.sessions)))
			return true
		}
	}
	return false
}

func (d *roundRobin) close(stream string, count int) {
	n, ok := d.number[stream]
	for ; ok && count > 0; count-- {
		id, some := d.oldest(n)
		if !some {
			return
		}
		s := d.sessions[id]
		h := &d.edges[d.edge("", s.pair)]
		last := len(h.sessions) - 1
		h.sessions[s.slot] = h.sessions[last]
		d.sessions[h.sessions[last]].slot = s.slot
		h.sessions = h.sessions[:last]
		d.end(id)
	}
}

// fail loses the sessions of the dead. Their viewers ask again, in the order in
// which they had come, and begin from the beginning if there is room.
func (d *roundRobin) fail(names []string) {
	var ids []int32
	for _, name := range names {
		h := &d.edges[d.edge(name, 0)]
		h.state = wire.EdgeDown
		ids = append(ids, h.sessions...)
		h.sessions = nil
	}
	slices.SortFunc(ids, func(a, b int32) int { return int(d.sessions[a].opened - d.sessions[b].opened) })
	streams := make([]int32, 0, len(ids))
	for _, id := range ids {
		streams = append(streams, d.sessions[id].stream)
		d.end(id)
	}
	d.count.Lost += len(ids)
	for _, stream := range streams {
		if !d.deal(stream) {
			d.count.Refused++
		}
	}
}

func (d *roundRobin) back(name string)   { d.edges[d.edge(name, 0)].state = wire.EdgeUp }
func (d *roundRobin) resume(name string) { d.back(name) }

// drain deals no more to an edge; what it has it keeps to the end.
func (d *roundRobin) drain(name string) { d.edges[d.edge(name, 0)].state = wire.EdgeDraining }

func (d *roundRobin) join(m Member, after string) {
	at := len(d.edges)
	if after != "" {
		at = d.edge(after, 0) + 1
	}
	d.add(at, m)
}

func (d *roundRobin) leave(name string) {
	d.fail([]string{name})
	at := d.edge(name, 0)
	d.edges = slices.Delete(d.edges, at, at+1)
}

// resize gives an edge another capacity. What it was dealt it keeps.
func (d *roundRobin) resize(name string, capacity int) { d.edges[d.edge(name, 0)].capacity = capacity }

func (d *roundRobin) show() ([]Edge, []Pair) {
	edges := make([]Edge, 0, len(d.edges))
	for i := range d.edges {
		h := &d.edges[i]
		edges = append(edges, Edge{Name: h.name, State: h.state, Delivering: len(h.sessions), Limit: h.capacity, Capacity: h.capacity})
	}
	return edges, []Pair{}
}

func (d *roundRobin) all() *sessionList { return d.sessionList }
func (d *roundRobin) counts() *Sessions { return &d.count }

var _ cluster = (*roundRobin)(nil)
