package edge

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/obs"
	"tandem/internal/wire"
)

// Handler is the data side: viewers, balancers and neighbours. Objects, nearly
// all of the requests, don't pass the router.
func (e *Edge) Handler() http.Handler {
	r := chi.NewRouter()
	r.Route(strings.TrimSuffix(wire.Internal, "/"), e.internal)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, wire.Internal) {
			r.ServeHTTP(w, req)
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
		_, _ = w.Write([]byte("tandem edge " + e.cfg.Name + "\n/metrics /livez /readyz /debug/pprof/\nThe dashboard is on the balancers' admin listeners.\n"))
	})
	return r
}

// ready is nil, or why this edge should get no traffic.
func (e *Edge) ready() error {
	if !e.clustered() {
		return nil
	}
	self, ok := e.placement().Edge(e.cfg.Name)
	if !ok {
		return errors.New("no balancer has taken this edge into the placement yet; see --balancers")
	}
	if self.State != wire.EdgeUp {
		return errors.New("this edge is " + string(self.State))
	}
	return nil
}

// Server is a server with the limits that an edge needs behind its balancers.
func (e *Edge) Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than balancers keep connections
		MaxHeaderBytes:    64 << 10,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
}

// object answers a request for an object: with or without a session.
func (e *Edge) object(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w)
		return
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed, "method", "only GET, HEAD and OPTIONS are served here")
		return
	}
	x := errand{slot: -1, started: e.now(), path: r.URL.Path}
	x.node = e.cfg.Secret.Valid() && r.Header.Get(wire.HeaderFrom) != "" && e.cfg.Secret.Authorised(r)
	viewer := r.RemoteAddr
	if x.node {
		if v := r.Header.Get(wire.HeaderViewer); v != "" {
			viewer = v
		}
		if n, err := strconv.ParseUint(r.Header.Get(wire.HeaderPair), 10, 32); err == nil {
			x.pair = wire.PairID(n)
		}
	}
	if token, rest, ok := wire.SplitPath(r.URL.Path); ok && e.cfg.Secret.Valid() {
		if !e.session(w, &x, token, rest, viewer) {
			return
		}
	}
	var ok bool
	if x.key, ok = keyOf(x.path, r.URL.RawQuery); !ok {
		refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	x.path = pathOf(x.key)
	if x.pair == 0 && e.clustered() {
		x.pair = e.pairOf(x.path)
	}
	e.serve(w, r, x)
}

// session checks the token and notes the request. False: it was refused.
func (e *Edge) session(w http.ResponseWriter, x *errand, token, rest, viewer string) bool {
	t, err := e.cfg.Secret.Verify(token, x.started)
	if errors.Is(err, wire.ErrTokenExpired) && x.node {
		err = nil // the balancer has decided already
	}
	if err != nil {
		cors(w.Header())
		refuse(w, http.StatusForbidden, "bad_token", "the session in the path is not valid: "+err.Error()+"; open the stream anew")
		return false
	}
	stream, ok := t.StreamOf(rest)
	if !ok {
		cors(w.Header())
		refuse(w, http.StatusForbidden, "other_stream", "the session in the path is for another stream; open this one")
		return false
	}
	x.path, x.pair, x.prefix = rest, t.Pair, wire.SessionPrefix+token
	slot, reason := e.sessions.touch(t.SessionID, stream, viewer, x.started.UnixMilli())
	if reason != "" {
		e.counts.refused.Add(1)
		cors(w.Header())
		refuse(w, http.StatusServiceUnavailable, reason, "this edge can't deliver one more session; try again")
		return false
	}
	x.slot = slot
	return true
}

// pairOf is the pair by which a request without a session is filled: the
// stream's first pair of which this edge is a member, else its first one.
func (e *Edge) pairOf(path string) wire.PairID {
	p := e.placement()
	stream, ok := p.StreamOf(path)
	if !ok {
		return 0
	}
	ids := p.Stream(stream)
	for _, id := range ids {
		if q, ok := p.Pair(id); ok && (q.Low == e.cfg.Name || q.High == e.cfg.Name) {
			return id
		}
	}
	if len(ids) == 0 {
		return 0
	}
	return ids[0]
}
