package rights

import (
	"tandem/internal/identity"
	"tandem/internal/wire"
)

// Anybody, in place of roles, is for who has no certificate yet: the handler judges
// a ticket.
const Anybody identity.Role = "anybody"

// Row says which roles may ask for an endpoint, and what else has to be true of what
// they say. Path is a pattern of http.ServeMux.
type Row struct {
	Method string
	Path   string
	Roles  []identity.Role
	Own    func(*asked) error // nil: nothing else
	Body   int64              // most bytes of a body that Own reads; 0: it reads none
}

var (
	all       = []identity.Role{identity.Edge, identity.Balancer, identity.Origin}
	edges     = []identity.Role{identity.Edge}
	balancers = []identity.Role{identity.Balancer}
	serving   = []identity.Role{identity.Edge, identity.Balancer}
	givers    = []identity.Role{identity.Edge, identity.Origin}
	origins   = []identity.Role{identity.Origin}
)

const maxBody = 4 << 20 // of what an edge says of itself, in bytes

// OfEdges are the endpoints of an edge.
var OfEdges = []Row{
	{Method: "GET", Path: wire.PathPing, Roles: all},
	{Method: "POST", Path: wire.PathOpen, Roles: balancers},
	{Method: "POST", Path: wire.PathClose, Roles: balancers},
	{Method: "POST", Path: wire.PathForesee, Roles: balancers},
	{Method: "POST", Path: wire.PathNotice, Roles: edges, Own: ownNotice, Body: wire.MaxNotice},
	{Method: "GET", Path: wire.PathObject + "/", Roles: all}, // what viewers can have as well
	{Method: "PUT", Path: wire.PathObject + "/", Roles: givers, Own: ownObject},
	{Method: "POST", Path: wire.PathCopy, Roles: edges, Own: ownHint, Body: maxBody},
	{Method: "GET", Path: wire.PathInventory, Roles: edges, Own: ownInventory},
	{Method: "GET", Path: wire.PathReport, Roles: balancers},
	{Method: "GET", Path: wire.PathSessions, Roles: balancers},
	{Method: "GET", Path: wire.PathStreams, Roles: balancers},
	{Method: "POST", Path: wire.PathPurge, Roles: balancers},
	{Method: "POST", Path: wire.PathPushed, Roles: balancers, Body: maxBody},
	{Method: "GET", Path: wire.PathWaiting, Roles: balancers},
	{Method: "POST", Path: wire.PathWaiting, Roles: balancers},
	{Method: "POST", Path: wire.PathSealed, Roles: balancers},
}

// OfBalancers are the endpoints of a balancer.
var OfBalancers = []Row{
	{Method: "GET", Path: wire.PathPing, Roles: all},
	{Method: "GET", Path: wire.PathPlacement, Roles: all},
	{Method: "GET", Path: wire.PathKeys, Roles: serving},
	{Method: "GET", Path: wire.PathTrust, Roles: origins},
	{Method: "POST", Path: wire.PathPushed, Roles: origins, Body: maxBody},
	{Method: "POST", Path: wire.PathRegister, Roles: edges, Own: ownRegistration, Body: maxBody},
	{Method: "POST", Path: wire.PathReport, Roles: edges, Own: ownState, Body: maxBody},
	{Method: "POST", Path: wire.PathSuspect, Roles: edges, Own: ownSuspicion, Body: maxBody},
	{Method: "POST", Path: wire.PathStopping, Roles: edges, Own: ownState, Body: maxBody},
	{Method: "POST", Path: wire.PathReady, Roles: edges, Own: ownState, Body: maxBody},
	{Method: "POST", Path: wire.PathPropose, Roles: balancers},
	{Method: "POST", Path: wire.PathJoin, Roles: balancers, Own: ownMembership, Body: maxBody},
	{Method: "POST", Path: wire.PathRenew, Roles: all},
	{Method: "POST", Path: wire.PathEnroll, Roles: []identity.Role{Anybody}},
}

// OfOrigins are the endpoints of an origin: its objects, which edges may have sent to
// their partner as well, and what it knows of itself.
var OfOrigins = []Row{
	{Method: "GET", Path: wire.PathCatalog, Roles: all},
	{Method: "GET", Path: wire.PathCounts, Roles: all},
	{Method: "GET", Path: "/", Roles: edges},
}

// ForViewers is what balancers fetch for viewers, from an edge.
var ForViewers = []Row{{Method: "GET", Path: "/", Roles: balancers}, {Method: "OPTIONS", Path: "/", Roles: balancers}}
