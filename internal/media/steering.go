package media

import (
	"tandem/internal/media/dash"
	"tandem/internal/media/hls"
	"tandem/internal/media/steer"
)

// Ways that lead to no edge.
const (
	HerePathway  = steer.Here // of HLS: to where the playlist came from
	FrontPathway = "front-"   // of DASH, with a number: to a balancer
)

// PathwayID is the id of the way that leads to an edge.
func PathwayID(edge string) string { return steer.ID(edge) }

// SteeringList is a steering manifest: the ways of an offer in the order of now. So
// many of its edges are good; detour: balancers come before them, for the session is
// somebody else's.
func SteeringList(o *Offer, good int, detour bool, ttl int) steer.List {
	return steer.NewList(o, good, detour, ttl)
}

// Steer is an entry with content steering. False: it stays as it is, for it is no
// multivariant playlist and no MPD, or can't be offered at several places.
func Steer(body []byte, o *Offer) ([]byte, bool) {
	switch Sniff(body) {
	case MediaPlaylist:
		return hls.Steer(body, o)
	case MPD:
		return dash.Steer(body, o)
	}
	return nil, false
}
