package edge

import (
	"context"
	"crypto/tls"
	"io"
	stdlog "log"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"

	"github.com/go-chi/chi/v5"

	"tandem/edge/recovery"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// Nodes is an edge as the cluster's other nodes see it.
type Nodes struct{ e *Edge }

// Nodes is for whoever serves the nodes' listener.
func (e *Edge) Nodes() Nodes { return Nodes{e} }

// endpoints are those for nodes of the cluster; rights.OfEdges says who may ask.
func (n Nodes) endpoints() http.Handler { return n.gate(rights.OfEdges).Wrap(n.routes()) }

func (n Nodes) routes() chi.Router {
	e, r := n.e, chi.NewRouter()
	r.Get(wire.PathPing, n.ping)
	r.Post(wire.PathOpen, e.member.HandleOpen)
	r.Post(wire.PathClose, e.member.HandleClose)
	r.Post(wire.PathForesee, e.member.Foresight.HandleForesee)
	r.Post(wire.PathNotice, e.member.HandleNotice)
	r.Get(wire.PathObject+"/*", e.handleObject)
	r.Put(wire.PathObject+"/*", e.fetch.HandlePut)
	r.Post(wire.PathCopy, e.fetch.HandleCopy)
	r.Get(wire.PathInventory, func(w http.ResponseWriter, r *http.Request) {
		recovery.Inventory(e.store, e.clock.Ahead(), e.view.Placement(), w, r)
	})
	r.Get(wire.PathReport, e.member.HandleReport)
	r.Get(wire.PathSessions, e.member.HandleSessions)
	r.Get(wire.PathStreams, func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, e.watched()) })
	r.Post(wire.PathPurge, e.fetch.HandlePurge)
	r.Post(wire.PathPushed, e.fetch.Pushed.Handler(e.store, e.cfg.query, e.now))
	r.Get(wire.PathWaiting, e.board.HandleWaiting)
	r.Post(wire.PathWaiting, e.fetch.Deadly.Handler(e.cfg.query, &e.log, e.now))
	r.Post(wire.PathSealed, n.grant)
	return r
}

func (n Nodes) ping(w http.ResponseWriter, _ *http.Request) {
	call.Reply(w, http.StatusOK, wire.Pong{Name: n.e.cfg.Name, Role: "edge", Incarnation: n.e.member.Incarnation()})
}

func (n Nodes) gate(rows []rights.Row) *rights.Gate {
	e := n.e
	g := &rights.Gate{Identity: e.identity, Secret: e.cfg.Secret, Placement: e.view.Placement, Rows: rows}
	if e.identity != nil {
		g.Refused = rights.Seldom(n.refused)
	}
	return g
}

// refused tells of one that means to be a node.
func (n Nodes) refused(r *http.Request, err error) {
	n.e.log.Warn().Err(err).Str("from", r.RemoteAddr).Str("path", r.URL.Path).Msg("a node was refused")
}

// closed are the endpoints as the viewers' listener shows them: where nodes have
// names there are none.
func (n Nodes) closed() http.Handler {
	if n.e.identity == nil {
		return n.endpoints()
	}
	return (&rights.Gate{Secret: n.e.cfg.Secret, Refused: rights.Unnamed(n.refused)}).Closed(http.HandlerFunc(n.ping))
}

// Server serves the nodes' listener: the endpoints, and what balancers fetch for
// viewers.
func (n Nodes) Server() *http.Server {
	endpoints, objects := n.endpoints(), n.gate(rights.ForViewers).Wrap(http.HandlerFunc(n.e.object))
	return rights.OnConnections(&http.Server{
		ReadHeaderTimeout: n.e.cfg.HeaderTimeout, IdleTimeout: idleTimeout, ErrorLog: stdlog.New(io.Discard, "", 0), // handshakes that failed: who dialled says why
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, wire.Internal) {
				endpoints.ServeHTTP(w, r)
				return
			}
			objects.ServeHTTP(w, r)
		}),
	})
}

// Others are those who speak TLS where requests are read in clear, at the viewers' listener
// or that of Media; nil: all of theirs do.
func (n Nodes) Others() *front.Others { return n.e.nodes }

// TLS is for that listener; nil: nodes have no names.
func (n Nodes) TLS() *tls.Config {
	if n.e.identity == nil {
		return nil
	}
	return n.e.identity.Server(identity.ProtocolHTTP)
}

// origins is how origins are asked that are nodes of the cluster; nil: nodes have no
// names.
func (n Nodes) origins() func(host string) *tls.Config {
	if n.e.identity == nil {
		return nil
	}
	return func(host string) *tls.Config {
		return n.e.identity.Client(host, identity.Want{Role: identity.Origin}, identity.ProtocolHTTP)
	}
}

// applied goes by what a placement says of origins, and of trust.
func (n Nodes) applied(before, now *wire.Placement) {
	was, _ := before.Edge(n.e.cfg.Name)
	if self, ok := now.Edge(n.e.cfg.Name); ok && n.e.cfg.assumed && was.Capacity != self.Capacity {
		n.e.log.Warn().Int("sessions", self.Capacity).Str("set", "--capacity").Msg("no capacity is stated: it has the least that another edge states, or 1000; --capacity, or --capacity-mbit with --session-kbit, says it")
	}
	if !wire.SameUpstreams(before.Upstreams, now.Upstreams) {
		n.e.ways.give(now.Upstreams)
	}
	if n.e.identity == nil || now.Trust == before.Trust {
		return
	}
	if err := n.e.identity.Follow(now.Trust); err != nil {
		n.e.log.Warn().Err(err).Msg("the cluster's roots are not taken yet")
	}
	n.e.origins.Close() // new connections are judged by what counts now
}

// renew gets this node another certificate.
func (n Nodes) renew(ctx context.Context, request []byte) (chain, roots []byte, err error) {
	for _, balancer := range n.e.member.Balancers() {
		var given wire.Certified
		if err = n.e.client.Ask(ctx, http.MethodPost, balancer+wire.PathRenew, wire.Enrol{Request: string(request)}, &given); err == nil {
			err = n.e.identity.Early([]byte(given.Chain))
		}
		if err == nil {
			return []byte(given.Chain), []byte(given.Roots), nil
		}
	}
	return nil, nil, err
}

// run keeps the node's certificate: it is renewed by any balancer.
func (n Nodes) run(ctx context.Context) error {
	e := n.e
	return e.identity.Run(ctx, n.renew, identity.Tell{
		Renewed: func(until time.Time) {
			e.client.Close()
			e.origins.Close()
			e.log.Info().Time("until", until).Msg("the certificate is a new one")
		},
		Failed: func(err error) { e.log.Warn().Err(err).Msg("the certificate could not be renewed; the old one stays") },
	})
}

// watched lists the streams of this edge's sessions, by name.
func (e *Edge) watched() []wire.StreamLoad {
	sessions, _ := e.member.Sessions(math.MaxInt)
	slices.SortFunc(sessions, func(a, b wire.SessionInfo) int { return strings.Compare(a.Stream, b.Stream) })
	list := []wire.StreamLoad{}
	for _, s := range sessions {
		if len(list) == 0 || list[len(list)-1].Stream != s.Stream {
			list = append(list, wire.StreamLoad{Stream: s.Stream})
		}
		l := &list[len(list)-1]
		if l.Sessions++; !slices.Contains(l.Pairs, s.Pair) {
			l.Pairs = append(l.Pairs, s.Pair)
		}
	}
	return list
}

// handleObject gives an object to a neighbour, or to the origin's check.
func (e *Edge) handleObject(w http.ResponseWriter, r *http.Request) {
	x := request{slot: -1, started: e.clock.Now(), Request: fetch.Request{Node: true, Peer: true, Cached: r.Header.Get(wire.HeaderCached) == "1", Stale: r.Header.Get(wire.HeaderStale) == "1", Pass: r.Header.Get(wire.HeaderPass) == "1"}}
	var ok bool
	if x.Key, ok = cachekey.Of(strings.TrimPrefix(h1.Target(r), wire.PathObject)); !ok {
		call.Refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	if from := r.Header.Get(wire.HeaderLed); from != "" {
		e.manifests.Redirects.Note(from, x.Key)
	}
	x.Path = cachekey.Path(x.Key)
	e.fetch.TellPurged(w.Header())
	e.fetch.Pushed.Tell(w.Header(), x.Key)
	x.Key = rules.PartKey(x.Key, r.Header.Get(wire.HeaderSlice))
	x.Pair = fetch.PairSaid(r.Header)
	e.serve(w, r, x)
}
