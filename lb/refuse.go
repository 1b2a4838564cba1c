package lb

import (
	"tandem/internal/call"
	"tandem/internal/wire"
)

// refusals says each reason to people.
var refusals = map[string]string{
	wire.ReasonLimit:    "every edge that stores the stream has as many viewers as it may have",
	wire.ReasonPairFull: "the pair of edges that stores the stream is full",
	wire.ReasonSideFull: "the pair of edges that stores the stream is full",
	wire.ReasonFailSafe: "the edges stand in for one that is missing and take no new stream",
	wire.ReasonDraining: "the edges that store the stream are being taken out of service",
	wire.ReasonStale:    "the cluster is changing; try again",
	wire.ReasonCluster:  "the cluster is full",
	wire.ReasonNoEdge:   "no edge is alive",
	wire.ReasonQuorum:   "the stream is new, and the balancers can't agree on a place for it now",
	call.ReasonOrigin:   "the origin does not answer",
}
