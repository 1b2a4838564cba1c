package edge

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"tandem/edge/fetch"

	"tandem/edge/rules"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// pass asks the origin for one viewer alone: for what may not be stored and was
// not handed over, and what the store does not take.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, x request, how rules.CacheStatus) {
	a, err := e.fetch.Pass(r, rules.TargetOf(x.Key), nil, &interim{w: w, node: x.Node})
	if err != nil {
		e.fail(w, r, x, how, err)
		return
	}
	how.Status = a.Head().StatusCode
	e.handOver(w, r, x, how, a)
}

// handOver gives the origin's answer to a viewer as it is.
func (e *Edge) handOver(w http.ResponseWriter, r *http.Request, x request, how rules.CacheStatus, a *fetch.Answer) {
	h := rules.HeaderWriter{Header: w.Header()}
	rules.Carry(h.Header, a.Head().Header, func(string) bool { return true })
	switch {
	case x.Peer:
		h.Set(wire.HeaderPassed, "1")
	case how.Why != rules.ForwardMethod && !rules.Credentialed(h.Header):
		cors(h)
	}
	if x.Node && a.Head().StatusCode >= http.StatusInternalServerError {
		h.Set(wire.HeaderReason, reasonPassed)
	}
	if h.Get("Content-Type") == "" && a.Head().ContentLength != 0 {
		h.Set("Content-Type", media.ContentType(x.Path))
	}
	x.locate(h.Header, a.Head().StatusCode)
	if !x.Peer {
		h.Add("Cache-Status", e.cfg.Name+how.Forwarded())
	}
	w.WriteHeader(a.Head().StatusCode)
	defer a.Close()
	if r.Method == http.MethodHead {
		a.Cancel() // a body that a fill asked for is not waited for
		return
	}
	stop := context.AfterFunc(r.Context(), func() { a.Cancel() })
	defer stop()
	n, err := a.Drain(r.Context(), &flushing{w, http.NewResponseController(w)})
	e.counts.sentBytes.Add(n)
	if err != nil {
		panic(http.ErrAbortHandler) // visibly broken
	}
}

// flushing sends on what comes as it comes: an answer that is not stored may be
// one that never ends.
type flushing struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (f *flushing) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b)
	if err == nil {
		_ = f.control.Flush() // one that can't be flushed is sent all the same
	}
	return n, err
}

// through carries any other method to the origin, and lets go of what its success
// makes wrong (RFC 9111 section 4.4).
func (e *Edge) through(w http.ResponseWriter, r *http.Request) {
	x := request{}
	key, ok := cachekey.Of(h1.Target(r))
	if !ok {
		call.Refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	x.Key, x.Path = e.cfg.query.Apply(key), cachekey.Path(key)
	var body io.Reader
	if r.Body != nil && r.ContentLength != 0 {
		body = r.Body
	}
	a, err := e.fetch.Pass(r, key, body, &interim{w: w})
	how := rules.CacheStatus{Why: rules.ForwardMethod}
	if err != nil {
		e.fail(w, r, x, how, err)
		return
	}
	if how.Status = a.Head().StatusCode; how.Status < 400 && !safe(r.Method) {
		e.invalidate(r, x.Key, a.Head().Header)
	}
	e.handOver(w, r, x, how, a)
}

// safe methods change nothing (RFC 9110 section 9.2.1, and the registry).
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "QUERY", "REPORT", "SEARCH", "PRI":
		return true
	}
	return false
}

// invalidate forgets the key, and what Location and Content-Location name of the
// same origin.
func (e *Edge) invalidate(r *http.Request, key string, h http.Header) {
	e.fetch.Forget(key)
	for _, name := range []string{"Location", "Content-Location"} {
		u, err := r.URL.Parse(h.Get(name))
		if err != nil || h.Get(name) == "" {
			continue
		}
		if u.Host != "" && u.Host != r.Host {
			target, own := e.origins.Target(u)
			if !own {
				continue
			}
			if u, err = url.Parse(target); err != nil {
				continue
			}
		}
		if other, ok := cachekey.Of(u.RequestURI()); ok {
			e.fetch.Forget(e.cfg.query.Apply(other))
		}
	}
}
