package sim

import (
	"fmt"
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// tandem is the cluster under policy tandem.
type tandem struct {
	*sessionList
	p      *wire.Placement
	tables map[wire.PairID]*ring.Table // who is where: occupancy, for ring
	held   map[wire.PairID][]int32     // the sessions in it, by slot; -1: none
	loads  ring.Figures                // what a balancer knows, always true
	most   int                         // streams
	count  Sessions                    // of the present step
}

const nobody = -1

// formed is the ring at the start: ring.Form knows names only in their natural
// order, so it is given numbers in the order of the scenario.
func formed(s *Scenario) *wire.Placement {
	p := &wire.Placement{Admission: s.Admission}
	names := map[string]string{}
	for i, e := range s.Edges {
		number := fmt.Sprint(i + 1)
		names[number] = e.Name
		p.Edges = append(p.Edges, wire.Edge{Name: number, Capacity: e.Capacity, Zone: e.Zone, State: wire.EdgeUp})
	}
	p = ring.Form(p.Index())
	for i := range p.Edges {
		p.Edges[i].Name = names[p.Edges[i].Name]
	}
	for i := range p.Pairs {
		p.Pairs[i].Low, p.Pairs[i].High = names[p.Pairs[i].Low], names[p.Pairs[i].High]
	}
	return p.Index()
}

// pairOf is the pair in which an edge is the low member, nil without one.
func pairOf(p *wire.Placement, low string) *wire.Pair {
	for i := range p.Pairs {
		if q := &p.Pairs[i]; q.Low == low && !q.Retiring {
			return q
		}
	}
	return nil
}

func newTandem(s *Scenario) *tandem {
	c := &tandem{
		sessionList: newSessionList(), p: formed(s), most: s.MaxStreams,
		tables: map[wire.PairID]*ring.Table{}, held: map[wire.PairID][]int32{},
	}
	c.loads.Rules, c.loads.Sum = s.Rules, map[wire.PairID]int{}
	c.furnish()
	for _, start := range s.Tables {
		q := pairOf(c.p, start.Low)
		q.Boundary, q.Home = start.Boundary, start.Boundary
		stream := c.stream(start.Stream)
		c.store(start.Stream, q.ID)
		for range start.LowSessions {
			slot, _ := c.allot(q, q.Low)
			c.bind(q, slot, stream)
		}
		for range start.HighSessions {
			slot, _ := c.allot(q, q.High)
			c.bind(q, slot, stream)
		}
	}
	c.recount()
	return c
}

// furnish gives every pair a table and takes away those of pairs that are gone.
func (c *tandem) furnish() {
	for i := range c.p.Pairs {
		q := &c.p.Pairs[i]
		if c.tables[q.ID] != nil {
			continue
		}
		c.tables[q.ID] = ring.NewTable(q.Slots)
		held := make([]int32, q.Slots)
		for slot := range held {
			held[slot] = nobody
		}
		c.held[q.ID] = held
		c.loads.Sum[q.ID] = 0
	}
	for id := range c.tables { // the order is no matter: entries only go
		if _, ok := c.p.Pair(id); !ok {
			delete(c.tables, id)
			delete(c.held, id)
			delete(c.loads.Sum, id)
		}
	}
}

// recount counts what follows from tables and placement anew.
func (c *tandem) recount() {
	c.loads.Delivering = ring.DeliveringTables(c.p, c.tables)
	c.loads.Limits = ring.LimitsOf(c.p)
}

// store notes that a pair holds a stream, pairs in the order of their numbers.
func (c *tandem) store(stream string, pair wire.PairID) {
	pairs := c.p.Stream(stream)
	if at, there := slices.BinarySearch(pairs, pair); !there {
		c.p.Streams = c.p.Streams.With(wire.StreamPlace{Stream: stream, Pairs: slices.Insert(slices.Clone(pairs), at, pair)})
	}
}

// bind puts a new session into a slot that its table has allotted.
func (c *tandem) bind(q *wire.Pair, slot int, stream int32) {
	c.held[q.ID][slot] = c.begin(stream, q.ID, slot)
	c.loads.Sum[q.ID]++
}

// rise frees the slot of a session and ends it.
func (c *tandem) rise(id int32) {
	s := c.sessions[id]
	q, _ := c.p.Pair(s.pair)
	if edge := ring.Owner(c.p, q, int(s.slot)); edge != "" {
		c.loads.Delivering[edge]--
	}
	c.tables[s.pair].Free(int(s.slot))
	c.held[s.pair][s.slot] = nobody
	c.loads.Sum[s.pair]--
	c.end(id)
}

func (c *tandem) show() ([]Edge, []Pair) {
	edges := make([]Edge, 0, len(c.p.Edges))
	for _, e := range c.p.Edges {
		edges = append(edges, Edge{
			Name: e.Name, State: e.State, Delivering: c.loads.Delivering[e.Name],
			Limit: c.loads.Limits[e.Name], Capacity: e.Capacity,
		})
	}
	pairs := make([]Pair, 0, len(c.p.Pairs))
	for i := range c.p.Pairs {
		q := &c.p.Pairs[i]
		t := c.tables[q.ID]
		line := Pair{Low: q.Low, High: q.High, Boundary: q.Boundary, Retiring: q.Retiring}
		for _, part := range ring.Parts(c.p, q) {
			sessions := t.Below(part.To) - t.Below(part.From)
			switch part.Owner {
			case "":
			case q.Low:
				line.LowDelivering += sessions
			case q.High:
				line.HighDelivering += sessions
			default:
				line.Adopted = append(line.Adopted, Adopted{Edge: part.Owner, Sessions: sessions})
			}
		}
		pairs = append(pairs, line)
	}
	return edges, pairs
}

func (c *tandem) all() *sessionList { return c.sessionList }
func (c *tandem) counts() *Sessions { return &c.count }

var _ cluster = (*tandem)(nil)
