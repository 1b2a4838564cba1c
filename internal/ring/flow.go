package ring

import "math"

// network is a min-cost flow by successive shortest paths: sessions are handed on
// along the cheapest way from where there are too many to where there is room, until
// there is no such way. That it ends is seen from the amounts: each path carries at
// least one session out of the source, and none ever comes back into it.
//
// Costs are not negative where a network begins; the potentials keep them so while
// flow makes ways back, so that Dijkstra's search finds the cheapest one.
type network struct {
	arcs      []arc // an arc and its way back stand side by side: i and i^1
	first     []int // by node, where the arcs that leave it begin in leaves; made by augment
	leaves    []int // arcs by the node they leave, each node's in the order in which they were linked
	potential []int
	dist      []int
	via       []int // the arc by which a node is reached
	queue     []reached
}

type arc struct {
	to, room, cost int
}

// reached is a node in the search's queue; the same one may stand there twice.
type reached struct{ dist, node int }

func newNetwork(nodes, arcs int) *network {
	return &network{
		arcs: make([]arc, 0, 2*arcs), potential: make([]int, nodes), dist: make([]int, nodes), via: make([]int, nodes),
	}
}

// link is a way on which so many can go, at this price each. It returns the arc's
// number; what went along is the room of its way back.
func (g *network) link(from, to, room, cost int) int {
	n := len(g.arcs)
	g.arcs = append(g.arcs, arc{to, room, cost}, arc{from, 0, -cost})
	return n
}

// sort puts the arcs in the order of the nodes that they leave.
func (g *network) sort() {
	g.first, g.leaves = make([]int, len(g.dist)+1), make([]int, len(g.arcs))
	for i := range g.arcs {
		g.first[g.arcs[i^1].to+1]++
	}
	for n := range g.dist {
		g.first[n+1] += g.first[n]
	}
	at := append([]int(nil), g.first...)
	for i := range g.arcs {
		from := g.arcs[i^1].to
		g.leaves[at[from]] = i
		at[from]++
	}
}

// carried is how many went along an arc.
func (g *network) carried(arc int) int { return g.arcs[arc^1].room }

// augment sends as much as can go from source to sink, at the lowest price.
func (g *network) augment(source, sink int) {
	g.sort()
	for g.shortestPath(source, sink) {
		amount := math.MaxInt
		for n := sink; n != source; n = g.arcs[g.via[n]^1].to {
			amount = min(amount, g.arcs[g.via[n]].room)
		}
		for n := sink; n != source; n = g.arcs[g.via[n]^1].to {
			g.arcs[g.via[n]].room -= amount
			g.arcs[g.via[n]^1].room += amount
		}
	}
}

// shortestPath finds the cheapest way to the sink. False: there is none.
func (g *network) shortestPath(source, sink int) bool {
	for n := range g.dist {
		g.dist[n] = math.MaxInt
	}
	g.dist[source] = 0
	g.queue = append(g.queue[:0], reached{0, source})
	for len(g.queue) > 0 {
		at := g.pop()
		switch {
		case at.dist > g.dist[at.node]:
			continue
		case at.node == sink:
			g.reprice(at.dist)
			return true
		}
		for _, i := range g.leaves[g.first[at.node]:g.first[at.node+1]] {
			a := &g.arcs[i]
			d := at.dist + a.cost + g.potential[at.node] - g.potential[a.to]
			if a.room > 0 && d < g.dist[a.to] {
				g.dist[a.to], g.via[a.to] = d, i
				g.push(reached{d, a.to})
			}
		}
	}
	return false
}

// reprice takes the distances into the potentials. Nodes further off than the sink
// count as if they were as far: they have not been searched to the end.
func (g *network) reprice(sink int) {
	for n, d := range g.dist {
		g.potential[n] += min(d, sink)
	}
}

// push and pop keep the queue a heap: the nearest first, of equals the one with the
// lower number, so that the same network gives the same flow everywhere.
func (g *network) push(r reached) {
	g.queue = append(g.queue, r)
	for i := len(g.queue) - 1; i > 0; {
		parent := (i - 1) / 2
		if !g.queue[i].before(g.queue[parent]) {
			return
		}
		g.queue[i], g.queue[parent] = g.queue[parent], g.queue[i]
		i = parent
	}
}

func (g *network) pop() reached {
	q := g.queue
	first, last := q[0], len(q)-1
	q[0], g.queue = q[last], q[:last]
	for i := 0; ; {
		least, child := i, 2*i+1
		for ; child <= 2*i+2 && child < last; child++ {
			if q[child].before(q[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

func (r reached) before(o reached) bool {
	return r.dist < o.dist || r.dist == o.dist && r.node < o.node
}
