package steer

// List is a steering manifest. RELOAD-URI is not used: the address that the entry
// gives stays good, and needs no state.
type List struct {
	Version  int      `json:"VERSION"`
	TTL      int      `json:"TTL"` // seconds
	Priority []string `json:"PATHWAY-PRIORITY"`
}

// NewList is the list of all ways of an offer in the order of now. good is how many
// of its edges are good; where none of them is whom the session belongs to, the
// balancers know better, and come first (detour).
func NewList(o *Offer, good int, detour bool, ttl int) List {
	l := List{Version: 1, TTL: ttl}
	put := func(ways []Pathway) {
		for _, w := range ways {
			l.Priority = append(l.Priority, w.ID)
		}
	}
	fronts := func() {
		l.Priority = append(l.Priority, Here)
		put(o.Fronts)
	}
	if detour {
		fronts()
		put(o.Edges)
		return l
	}
	put(o.Edges[:good])
	fronts()
	put(o.Edges[good:])
	return l
}
