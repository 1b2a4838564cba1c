package origin

import (
	"net/http"

	"tandem/internal/media"
	"tandem/origin/ingest"
)

// serveGrowing answers GET and HEAD of an object that is being pushed: what has
// come at once, and the rest as it comes. It has no validator before its last byte
// is there.
func (o *Origin) serveGrowing(w http.ResponseWriter, r *http.Request, p *ingest.Push) {
	defer p.LetGo()
	h := w.Header()
	allowAnyOrigin(h)
	h.Set("Content-Type", media.ContentType(r.URL.Path))
	h.Set("Cache-Control", p.Caching())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Accept-Ranges", "bytes")
	t := &tally{ResponseWriter: w, status: http.StatusOK}
	kind := media.KindOf(r.URL.Path, "").String()
	defer func() {
		o.metrics.requests.WithLabelValues(kind, statusClass(t.status)).Inc()
		o.metrics.bytes.WithLabelValues(kind).Add(float64(t.sent))
	}()
	if r.Method == http.MethodGet {
		o.counts.add(r.URL.Path)
	}
	asked, status := p.Describe(h, r)
	t.WriteHeader(status)
	if r.Method == http.MethodHead || status == http.StatusRequestedRangeNotSatisfiable {
		return
	}
	if err := p.Send(r.Context(), t, asked); err != nil {
		panic(http.ErrAbortHandler) // visibly broken
	}
}
