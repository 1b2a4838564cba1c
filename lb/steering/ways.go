package steering

import (
	"strconv"

	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Session is whose ways are asked for.
type Session struct {
	Token     string
	Placement *wire.Placement
	Pair      *wire.Pair // nil: it has ended
	Slot      int
	Elsewhere bool // it has another place now, which the balancers lead to
	Suspected func(edge string) bool
}

// ways are those of a session: the edges of its pair that viewers may call, those that
// can serve now (good) first, of these who delivers by the tables. detour: that is none
// of them, so balancers come first.
func (c *Config) ways(s Session, at string) (o media.Offer, good int, detour bool) {
	o = media.Offer{At: at, Server: wire.SessionPrefix + s.Token, First: media.HerePathway, Fronts: c.fronts()}
	if s.Pair == nil {
		return o, 0, true
	}
	delivers, _ := ring.Route(s.Placement, s.Pair, s.Slot)
	var away []media.Pathway
	offered := false
	for _, name := range []string{s.Pair.Low, s.Pair.High} {
		e, ok := s.Placement.Edge(name)
		if !ok || e.Public == "" {
			continue
		}
		offered = offered || name == delivers
		way := media.Pathway{ID: media.PathwayID(name), Base: e.Public}
		switch {
		case !ring.HasCopy(e.State) || s.Suspected(name):
			away = append(away, way)
		case name == delivers:
			o.Edges = append([]media.Pathway{way}, o.Edges...)
		default:
			o.Edges = append(o.Edges, way)
		}
	}
	detour = s.Elsewhere || !offered || len(o.Edges) == 0
	if !detour {
		o.First = o.Edges[0].ID
	}
	good, o.Edges = len(o.Edges), append(o.Edges, away...)
	return o, good, detour
}

// fronts are the balancers' ways.
func (c *Config) fronts() []media.Pathway {
	fronts := make([]media.Pathway, len(c.Fronts))
	for i, url := range c.Fronts {
		fronts[i] = media.Pathway{ID: media.FrontPathway + strconv.Itoa(i+1), Base: url}
	}
	return fronts
}
