package ring

import "math"

// shift hands sessions on along the cheapest way from an edge above capacity to
// one below it, and tells whether there was one. Moving a session away from
// where it wants to be costs one, moving it back earns one, so ways that end
// with the fewest sessions moved are taken (successive shortest paths).
func (s *settling) shift() bool {
	cost, via := s.cheapest()
	to := -1
	for n, c := range cost {
		if c < math.MaxInt && s.spare[n] > 0 && (to < 0 || c < cost[to]) {
			to = n
		}
	}
	if to < 0 {
		return false
	}
	amount := s.spare[to]
	from := to
	for via[from] != 0 {
		l, forward := s.step(via[from])
		amount = min(amount, l.room(forward))
		from = l.start(forward)
	}
	amount = min(amount, -s.spare[from])
	for n := to; via[n] != 0; {
		l, forward := s.step(via[n])
		if forward {
			l.have -= amount
		} else {
			l.have += amount
		}
		n = l.start(forward)
	}
	s.spare[to] -= amount
	s.spare[from] += amount
	return true
}

// cheapest is Bellman and Ford's search from all edges above capacity at once.
// via is the link by which a node is reached: +(i+1) from low to high, -(i+1)
// the other way, 0 where the way begins.
func (s *settling) cheapest() (cost, via []int) {
	cost, via = make([]int, len(s.spare)), make([]int, len(s.spare))
	for n := range cost {
		cost[n] = math.MaxInt
		if s.spare[n] < 0 {
			cost[n] = 0
		}
	}
	for changed, rounds := true, 0; changed && rounds <= len(cost); rounds++ {
		changed = false
		for i := range s.links {
			l := &s.links[i]
			for _, forward := range []bool{true, false} {
				a, b := l.start(forward), l.start(!forward)
				if cost[a] == math.MaxInt || l.room(forward) == 0 || cost[a]+l.cost(forward) >= cost[b] {
					continue
				}
				cost[b], changed = cost[a]+l.cost(forward), true
				via[b] = i + 1
				if !forward {
					via[b] = -i - 1
				}
			}
		}
	}
	return cost, via
}

func (s *settling) step(via int) (l *link, forward bool) {
	if via > 0 {
		return &s.links[via-1], true
	}
	return &s.links[-via-1], false
}

func (l *link) start(forward bool) int {
	if forward {
		return l.low
	}
	return l.high
}

// room is how many sessions can be handed on at the present price; forward is
// from low to high.
func (l *link) room(forward bool) int {
	switch {
	case forward && l.have > l.want:
		return l.have - l.want
	case forward:
		return l.have
	case l.have < l.want:
		return l.want - l.have
	}
	return l.most - l.have
}

// cost is what handing one session on costs; going back earns.
func (l *link) cost(forward bool) int {
	if forward && l.have > l.want || !forward && l.have < l.want {
		return -l.price
	}
	return l.price
}
