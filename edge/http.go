package edge

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"

	"github.com/go-chi/chi/v5"

	"tandem/internal/budget"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/obs"
	"tandem/internal/rights"
	"tandem/internal/wire"
)

// Handler is the data side: viewers, and, where nodes have no names, balancers and neighbours. Objects,
// nearly all of the requests, don't pass the router.
func (e *Edge) Handler() http.Handler {
	nodes := Nodes{e}.closed()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if misdirected(e, w, req) {
			return
		}
		if strings.HasPrefix(req.URL.Path, wire.Internal) {
			nodes.ServeHTTP(w, req)
			return
		}
		e.object(w, req)
	})
}

// Admin is the operators' side.
func (e *Edge) Admin() http.Handler {
	r := chi.NewRouter()
	obs.Mount(r, e.registry, e.ready)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("tandem edge " + e.cfg.Name + "\n/metrics /livez /readyz /debug/pprof/ /api/v1/purge\nThe dashboard is on the balancers' admin listeners.\n"))
	})
	r.Post("/api/v1/purge", func(w http.ResponseWriter, r *http.Request) { purgeAlone(e, w, r) })
	return r
}

// maxPurge bounds the body of an order to purge, in bytes.
const maxPurge = 16 << 10

// purgeAlone carries an operator's purge out at an edge without a cluster, as
// balancers do for theirs.
func purgeAlone(e *Edge, w http.ResponseWriter, r *http.Request) {
	var purge wire.Purge
	switch {
	case e.clustered():
		call.RefuseNode(w, http.StatusConflict, "cluster", "this edge is one of a cluster: purge at a balancer, which tells them all")
		return
	case !call.ReadStrict(w, r, maxPurge, &purge):
		return
	}
	if err := purge.Check(); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, "purge", err.Error())
		return
	}
	purge.Seq = 0 // of a placement, of which there is none
	call.Reply(w, http.StatusOK, wire.PurgeAnswer{Removed: map[string]int{e.cfg.Name: e.fetch.Purge(purge)}, Failed: []string{}})
}

// ready is nil, or why this edge should get no traffic.
func (e *Edge) ready() error {
	self, known := e.view.Placement().Edge(e.cfg.Name)
	switch {
	case errors.Is(e.store.Unwritable(), fs.ErrNotExist):
		return errors.New("its --data was removed, or is another one now: start this edge again, or it keeps nothing")
	case !e.clustered() || known && self.State == wire.EdgeUp:
		return nil
	case !known:
		return errors.New("no balancer has taken this edge into the placement yet; see --balancers")
	}
	return errors.New("this edge is " + string(self.State))
}

// idleTimeout is longer than balancers keep connections.
const idleTimeout = 2 * time.Minute

// KeysOf are the keys that open the tokens of an edge's sessions.
func KeysOf(e *Edge) *wire.KeyRing { return &e.member.Keys }

// Server is the data side as it listens: hits on loops, all else in goroutines. h and
// quick are Handler and Quick, or what stands before them.
func (e *Edge) Server(h http.Handler, quick func(*front.Loop) front.Quick) *front.Server {
	others := e.nodes
	if e.cfg.NodeListen != "" {
		others = nil
	}
	return serverOf(e, h, quick, others)
}

// serverOf has limits; others are handed to whoever serves them.
func serverOf(e *Edge, h http.Handler, quick func(*front.Loop) front.Quick, others *front.Others) *front.Server {
	return front.New(front.Config{
		Handler: h, Quick: quick, Ways: &e.counts.ways, Others: others,
		Limits: h1.Behind, HeadTimeout: e.cfg.HeaderTimeout, IdleTimeout: idleTimeout, MinRate: e.cfg.MinRate, BodyRate: e.cfg.MinRate, MaxQueue: int(e.cfg.MaxQueue),
		Proxies: e.cfg.Proxies,
		Enter: func(address string) (any, bool) {
			place, ok := e.limiter.Enter(address)
			return &place, ok
		},
		Leave:  func(held any) { e.limiter.Leave(held.(*budget.Place)) },
		Proves: proves(e), Asks: func(h *h1.Request) string { return h.Get(wire.HeaderViewer) },
		Slow: func() { e.counts.slow.Add(1) },
		Held: e.held, Relieved: func(held int64) {
			e.counts.relieved.Add(1)
			e.log.Warn().Int64("bytes", held).Int64("held", e.held.Bytes()).Int64("most", e.held.Limited()).Msg("connection reset: the kernel held too much for clients that do not take it")
		},
		Panic: func(r *http.Request, why any) {
			e.log.Error().Interface("why", why).Str("path", r.URL.Path).Bytes("stack", debug.Stack()).Msg("a request panicked")
		},
	})
}

// proves tells whether a connection's first request is a node's: viewers that fill an
// edge keep no balancer out, and a balancer is as slow as its viewer.
func proves(e *Edge) func(held any, h *h1.Request) bool {
	return func(held any, h *h1.Request) bool {
		shown := e.cfg.Secret.Shown(h.Get(wire.HeaderAuth)) || e.grants != nil && h.Target == wire.PathSealed && e.grants.Proves(h.Get(wire.HeaderSealed))
		if shown {
			held.(*budget.Place).Node()
		}
		return shown
	}
}

// object answers a request for an object: with or without a session.
func (e *Edge) object(w http.ResponseWriter, r *http.Request) {
	if rules.Looped(r.Header, e.loopID) {
		call.Refuse(w, http.StatusLoopDetected, "loop", "the origin of this cache leads back to it (CDN-Loop); see --origin")
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodHead: // a range is asked for by GET alone (RFC 9110 section 14.2)
		r.Header.Del("Range")
		r.Header.Del("If-Range")
	case http.MethodOptions:
		call.Preflight(w, r)
		return
	default:
		if !e.clustered() && r.Method != http.MethodTrace && r.Method != http.MethodConnect {
			e.through(w, r)
			return
		}
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		call.Refuse(w, http.StatusMethodNotAllowed, "method", "only GET, HEAD and OPTIONS are served here")
		return
	}
	x, refused := e.requestSoon(r)
	if refused.status != 0 {
		if refused.status == http.StatusServiceUnavailable {
			e.counts.refused.Add(1)
		}
		call.Refuse(w, refused.status, refused.reason, refused.text)
		return
	}
	e.serve(w, r, x)
}

const reasonKey = "unknown_key"

// requestSoon is requestOf, for a request that can wait for its key, which may be on its way here.
func (e *Edge) requestSoon(r *http.Request) (x request, refused refusal) {
	e.keyWait.Until(r.Context(), e.member.Keys.Changed, func() bool {
		x, refused = e.requestOf(r.Header, r.Host, h1.Target(r), r.RemoteAddr, rights.Node(r) || e.cfg.shown(r.Header))
		return refused.reason != reasonKey
	})
	return x, refused
}

// refusal is an answer of the edge's own; the zero value is none.
type refusal struct {
	status       int
	reason, text string
}

// requestOf finds out what a request is for, and notes it in its session; node: it comes from one.
func (e *Edge) requestOf(h rules.Fields, host, target, remote string, node bool) (x request, refused refusal) {
	x = request{slot: -1, started: e.clock.Now(), host: host}
	x.Node = node
	viewer := remote
	if x.Node {
		if v := h.Get(wire.HeaderViewer); v != "" {
			viewer = v
		}
		x.Pair = fetch.PairSaid(h)
	}
	if x.client = viewer; x.Node && viewer == remote {
		x.client = ""
	}
	key, ok := cachekey.Of(target)
	if !ok {
		return x, refusal{http.StatusBadRequest, "bad_path", "the path is too long or malformed"}
	}
	if !e.clustered() { // in a cluster it stands in a session: what is let in is told by the path as it came
		key = wire.Climbed(key)
	}
	token, rest, sitting := wire.SplitPath(key)
	if strings.HasPrefix(rest, wire.Internal) { // spelled so that it was not seen before, or in a session
		return x, refusal{http.StatusForbidden, "closed", "closed to viewers"}
	}
	if sitting && e.clustered() {
		if refused = e.session(&x, token, rest, viewer); refused.status != 0 {
			return x, refused
		}
		key = rest
	} else if !x.Node && e.clustered() && !e.protected.Of(e.view.Placement().Trust).Reaches("", 0, key) {
		return x, notLetIn
	}
	x.target, x.Key = key, e.cfg.query.Apply(key)
	x.Path = cachekey.Path(x.Key)
	if x.inherited {
		e.member.Asks(x.Pair, x.slot, x.Key, rules.FirstAsked(h.Get("Range")))
	}
	if x.Pair == 0 && e.clustered() {
		x.Pair = e.view.PairOf(x.Path)
	}
	return x, refusal{}
}

// notLetIn is for who comes past the balancers, which alone can let viewers in.
var notLetIn = refusal{http.StatusForbidden, "protected", "whoever wants this is let in by a balancer; open the stream there"}

// session checks the token and notes the request.
func (e *Edge) session(x *request, token, rest, viewer string) refusal {
	t, err := e.member.Keys.Verify(token, x.started)
	if errors.Is(err, wire.ErrTokenExpired) && x.Node {
		err = nil // the balancer has decided already
	}
	if errors.Is(err, wire.ErrTokenKey) {
		return refusal{http.StatusForbidden, reasonKey, "the session in the path is sealed with a key that is not known here; open the stream anew"}
	}
	if err != nil {
		return refusal{http.StatusForbidden, "bad_token", "the session in the path is not valid: " + err.Error() + "; open the stream anew"}
	}
	x.Stream, _ = e.view.Placement().StreamBy(t.Stream) // "" when it is placed nowhere any more
	if !x.Node && !e.protected.Of(e.view.Placement().Trust).Reaches(x.Stream, t.Scope, rest) {
		return notLetIn
	}
	x.Pair, x.prefix = t.Pair, wire.SessionPrefix+token
	binding, reason := e.member.Touch(t.SessionID, cmp.Or(x.Stream, wire.UnnamedStream(t.Stream)), viewer, x.started)
	if reason != "" {
		return refusal{http.StatusServiceUnavailable, reason, "this edge can't deliver one more session; try again"}
	}
	x.slot, x.inherited, x.begun = binding.Slot, binding.Inherited, binding.Begun
	return refusal{}
}
