package node

import (
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/internal/cachekey"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// LocalEdge serves what the balancer would carry to the edge of its own process
// from that edge, by a call. All else is the balancer's.
type LocalEdge struct {
	Name      string // of the edge
	Keys      *wire.KeyRing
	Placement func() *wire.Placement
	Edge      http.Handler
	Balancer  http.Handler
	Relays    func(*front.Loop) front.Quick  // the balancer's fast path
	Hits      func(*front.Loop) front.Quick  // the edge's fast path
	Balanced  func(stream, rest string) bool // the balancer has something to add to it
	Now       func() time.Time
}

func (e *LocalEdge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.own(r) {
		e.Balancer.ServeHTTP(w, r)
		return
	}
	local := &localWriter{ResponseWriter: w}
	e.Edge.ServeHTTP(local, asViewer(r))
	if local.refused {
		// The edge can't: the balancer knows the others.
		clear(w.Header())
		e.Balancer.ServeHTTP(w, r)
	}
}

// own tells whether the session of the request is delivered here by the tables.
func (e *LocalEdge) own(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return e.delivers(h1.Target(r))
}

// delivers tells whether the session in a target is delivered here by the tables.
func (e *LocalEdge) delivers(target string) bool {
	key, ok := cachekey.Of(target)
	if !ok {
		return false
	}
	text, rest, ok := wire.SplitPath(key)
	if !ok {
		return false
	}
	token, err := e.Keys.Verify(text, e.Now())
	if err != nil {
		return false
	}
	p := e.Placement()
	pair, ok := p.Pair(token.Pair)
	if !ok {
		return false
	}
	if stream, ok := p.StreamBy(token.Stream); ok && e.Balanced(stream, rest) {
		return false
	}
	edge, _ := ring.Route(p, pair, token.Slot)
	return edge == e.Name
}

// Quick is for the viewers' listener: a hit of this process's edge where it
// delivers the session, else a relay of the bytes from another one.
func (e *LocalEdge) Quick(l *front.Loop) front.Quick { return &fastPath{e, e.Hits(l), e.Relays(l)} }

type fastPath struct {
	e            *LocalEdge
	hits, relays front.Quick
}

// Serve is a front.Quick's.
func (q *fastPath) Serve(c *front.Conn, h *h1.Request) bool {
	if !q.e.delivers(h.Target) {
		return q.relays.Serve(c, h)
	}
	for _, f := range h.Fields {
		if len(f.Name) > len(nodeFields) && strings.EqualFold(f.Name[:len(nodeFields)], nodeFields) {
			return false // to be read as a viewer's, without it
		}
	}
	return q.hits.Serve(c, h)
}

// Tick is a front.Quick's.
func (q *fastPath) Tick(now time.Time) time.Time { return q.relays.Tick(now) }

// Close is a front.Quick's.
func (q *fastPath) Close() {
	q.hits.Close()
	q.relays.Close()
}

// Via is what this process adds to the edge's answers.
const Via = "1.1 tandem"

// nodeFields is how the names of the fields begin that only nodes may send.
const nodeFields = "Tandem-"

// asViewer is the request without what only nodes may say.
func asViewer(r *http.Request) *http.Request {
	for name := range r.Header {
		if strings.HasPrefix(name, nodeFields) {
			r = r.Clone(r.Context())
			for name := range r.Header {
				if strings.HasPrefix(name, nodeFields) {
					r.Header.Del(name)
				}
			}
			return r
		}
	}
	return r
}

// localWriter keeps the edge's refusals (5xx before any byte) from the viewer.
type localWriter struct {
	http.ResponseWriter
	begun   bool
	refused bool
}

// WriteHeader holds a refusal back.
func (w *localWriter) WriteHeader(status int) {
	if status >= 500 && !w.begun {
		w.refused = true
		return
	}
	w.begun = w.begun || status >= 200
	w.Header().Add("Via", Via)
	w.ResponseWriter.WriteHeader(status)
}

// Write drops the body of a refusal.
func (w *localWriter) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets a body go from the file to the socket without a copy.
func (w *localWriter) ReadFrom(r io.Reader) (int64, error) {
	if w.refused {
		return io.Copy(io.Discard, r)
	}
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if rf, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return rf.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, r)
}

// Unwrap is for http.ResponseController.
func (w *localWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var (
	_ http.ResponseWriter = (*localWriter)(nil)
	_ io.ReaderFrom       = (*localWriter)(nil)
)
