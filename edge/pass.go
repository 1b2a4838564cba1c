package edge

import (
	"io"
	"net/http"

	"tandem/internal/media"
)

// pass carries an answer that may not be stored straight from the origin to the
// viewer: no-store, redirects, errors, and what is too large for the store.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, x errand) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, e.cfg.Origin+targetOf(x.key), nil)
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_path", "the path can't be asked for at the origin")
		return
	}
	for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "Authorization", "Cookie", "Accept", "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	req.Header.Set("Via", "1.1 "+e.cfg.Name)
	req.Header.Set("CDN-Loop", "tandem;edge="+e.cfg.Name)
	e.counts.originAsked.Add(1)
	resp, err := e.origin.Do(req)
	if err != nil {
		e.log.Warn().Err(err).Str("key", x.key).Msg("origin failed")
		refuse(w, http.StatusBadGateway, reasonOrigin, "the origin does not answer; see --origin")
		return
	}
	defer func() { _ = resp.Body.Close() }()
	h := w.Header()
	for _, name := range []string{
		"Content-Type", "Content-Length", "Content-Range", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control", "Expires", "Location",
		"Retry-After", "Set-Cookie", "Vary", "Accept-Ranges", "WWW-Authenticate", "Date", "Age",
	} {
		if v := resp.Header.Values(name); len(v) > 0 {
			h[http.CanonicalHeaderKey(name)] = v
		}
	}
	h.Set("Cache-Status", e.cfg.Name+"; fwd=miss; fwd-status="+resp.Status[:3])
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", media.ContentType(x.path))
	}
	w.WriteHeader(resp.StatusCode)
	if r.Method == http.MethodHead {
		return
	}
	buffer := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, resp.Body, *buffer)
	e.counts.sentBytes.Add(n)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}
