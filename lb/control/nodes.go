package control

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/rights"
	"tandem/internal/wire"
	"tandem/lb/tell"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Limits of what nodes ask.
const (
	pollLimit    = 25 * time.Second
	bodyLimit    = 10 * time.Second // for a body to arrive
	registerWait = 5 * time.Second
	readyWait    = 3 * time.Second
)

// Handler is for nodes of the cluster; rights.OfBalancers says who may ask.
func (c *Control) Handler() http.Handler { return c.gate().Wrap(routesOf(c)) }

func routesOf(c *Control) chi.Router {
	r := chi.NewRouter()
	r.Get(wire.PathPing, c.handlePing)
	r.Get(wire.PathPlacement, c.handlePlacement)
	r.Get(wire.PathKeys, c.handleKeys)
	r.Get(wire.PathTrust, c.Authority.handleTrust)
	r.Post(wire.PathRegister, c.handleRegister)
	r.Post(wire.PathReport, c.handleReport)
	r.Post(wire.PathSuspect, c.handleSuspect)
	r.Post(wire.PathPushed, func(w http.ResponseWriter, r *http.Request) { tell.Pushed(w, r, c.deps.Call, c.Placement()) })
	r.Post(wire.PathStopping, c.handleStopping)
	r.Post(wire.PathReady, c.handleReady)
	r.Post(wire.PathPropose, c.handlePropose)
	r.Post(wire.PathJoin, c.handleJoin)
	r.Post(wire.PathRenew, c.Authority.handleRenew)
	r.Post(wire.PathEnroll, c.Authority.handleEnrol)
	return r
}

// Closed is what the viewers' listener shows of them: where nodes have names there
// are none.
func (c *Control) Closed() http.Handler {
	if c.deps.Identity == nil {
		return c.Handler()
	}
	g := c.gate()
	unnamed := rights.Unnamed(refused(c))
	g.Refused = func(r *http.Request, err error) {
		c.deps.Foreign()
		unnamed(r, err)
		c.Misfits.caller(c.node.Placement(), r, err)
	}
	return g.Closed(http.HandlerFunc(c.handlePing))
}

func (c *Control) gate() *rights.Gate {
	tell := rights.Seldom(refused(c))
	return &rights.Gate{
		Identity: c.deps.Identity, Secret: c.deps.Secret, Placement: c.node.Placement, Rows: rights.OfBalancers, BodyLimit: bodyLimit, Seen: c.Authority.shown.note,
		Refused: func(r *http.Request, err error) {
			c.deps.Foreign()
			c.Misfits.caller(c.node.Placement(), r, err)
			if c.deps.Identity != nil {
				tell(r, err)
			}
		},
	}
}

// refused tells of one that means to be a node.
func refused(c *Control) func(r *http.Request, err error) {
	return func(r *http.Request, err error) {
		c.deps.Logger.Warn().Err(err).Str("from", r.RemoteAddr).Str("path", r.URL.Path).Msg("a node was refused")
	}
}

func (c *Control) handlePing(w http.ResponseWriter, _ *http.Request) {
	call.Reply(w, http.StatusOK, c.pong())
}

func (c *Control) handleReport(w http.ResponseWriter, r *http.Request) {
	var report wire.Report
	if !call.Read(w, r, &report) {
		return
	}
	p := c.node.Placement()
	if e, ok := p.Edge(report.Edge); ok {
		if e.Incarnation == report.Incarnation { // else it is not here yet, or another process of its name, whose later ones would hide its own
			c.Loads.Take(report, c.deps.Now())
		}
		c.Misfits.told(report.Edge, report.Time, c.deps.Now())
	}
	if len(report.StandsIn) > 0 || c.overlay.Load() != nil {
		c.overlayReports()
	}
	call.Reply(w, http.StatusOK, wire.ReportAnswer{Version: p.Version, Majority: c.Majority(), Time: c.deps.Now().UnixMilli(), Before: c.Loads.Before(report.Edge), Asked: c.Loads.Asked(report.Edge, c.deps.Now())})
}

func (c *Control) handleSuspect(w http.ResponseWriter, r *http.Request) {
	var s wire.Suspicion
	if !call.Read(w, r, &s) {
		return
	}
	noticed := c.deps.Now()
	if s.SilentMS > 0 && s.SilentMS < time.Minute.Milliseconds() && s.Cause == "" {
		s.Cause = "silent"
	}
	c.Checks.suspect(suspicion{edge: s.Edge, incarnation: s.Incarnation, by: s.By, cause: s.Cause, noticed: noticed})
	w.WriteHeader(http.StatusNoContent)
}

// handlePropose carries out a command for another balancer. 421 says who leads.
func (c *Control) handlePropose(w http.ResponseWriter, r *http.Request) {
	body, ok := call.ReadBody(w, r, placement.MaxCommand)
	if !ok {
		return
	}
	command, err := placement.DecodeCommand(body)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	if !c.node.IsLeader() {
		c.misdirected(w)
		return
	}
	result, err := c.Proposals.Lead(r.Context(), *command)
	switch {
	case errors.Is(err, raftfsm.ErrNotLeader):
		c.misdirected(w)
	case errors.Is(err, placement.ErrMalformed):
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
	case err != nil:
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonQuorum, err.Error())
	default:
		call.Reply(w, http.StatusOK, result)
	}
}

// misdirected answers what only the leader can do.
func (c *Control) misdirected(w http.ResponseWriter) {
	leader, _ := c.node.Leader()
	if leader.Name == c.cfg.Name {
		leader = wire.Balancer{} // it has just ceased to be
	}
	call.Reply(w, http.StatusMisdirectedRequest, leader)
}
