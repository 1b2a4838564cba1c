package origin

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/media"
	"tandem/internal/wire"
)

// object is what a GET is answered with.
type object struct {
	io.ReadSeeker
	io.Closer
	*fact
	cache string
	at    time.Time // Last-Modified, zero: unknown
}

// find finds the object at a URL path, at this moment.
func (o *Origin) find(path string) (*object, error) {
	for _, c := range o.channels {
		below, ok := strings.CutPrefix(path, c.prefix)
		if !ok {
			continue
		}
		body, target, cache, err := c.find(below, o.deps.Now())
		if err != nil {
			return nil, err
		}
		if target == "" {
			f := &fact{kind: media.KindOf(path, ""), live: true}
			f.seal(sha256.Sum256(body))
			return &object{bytes.NewReader(body), io.NopCloser(nil), f, cache, time.Time{}}, nil
		}
		found, err := o.stored(target)
		if err == nil {
			// The file is older than its turn on air.
			found.at = time.Time{}
		}
		return found, err
	}
	return o.stored(path)
}

func (o *Origin) stored(path string) (*object, error) {
	s, err := o.library.open(path)
	if err != nil {
		return nil, err
	}
	f, err := o.facts.of(s)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &object{s, s, f, o.caching(path, f), s.at}, nil
}

// serve answers GET and HEAD.
func (o *Origin) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if o.ingest != nil {
		if p := o.ingest.Growing(path); p != nil {
			o.serveGrowing(w, r, p)
			return
		}
	}
	found, err := o.find(path)
	if err != nil {
		o.refuse(w, r, err)
		return
	}
	mine := true
	defer func() {
		if mine {
			found.Close()
		}
	}()
	h := w.Header()
	allowAnyOrigin(h)
	h.Set("Content-Type", media.ContentType(path))
	h.Set("Cache-Control", found.cache)
	h.Set("ETag", found.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	if o.ofNode(r) {
		h.Set(wire.HeaderDigest, found.digest)
	}
	t := &tally{ResponseWriter: w, status: http.StatusOK}
	kind, at := found.kind.String(), found.at
	if r.Method == http.MethodGet {
		// Before the bytes: who has them all finds the count done.
		o.counts.add(path)
		mine = !o.delivery.ask(t, r, found)
	}
	if mine {
		http.ServeContent(t, r, "", at, found)
	} else {
		t.WriteHeader(http.StatusAccepted)
	}
	o.metrics.requests.WithLabelValues(kind, statusClass(t.status)).Inc()
	o.metrics.bytes.WithLabelValues(kind).Add(float64(t.sent))
}

// refuse answers a request that there is no object for.
func (o *Origin) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		o.deps.Logger.Error().Err(err).Str("path", r.URL.Path).Msg("object could not be read")
		err = errors.New("the object could not be read")
	}
	allowAnyOrigin(w.Header())
	// Short: what is not there yet will be soon.
	w.Header().Set("Cache-Control", "max-age=1")
	http.Error(w, err.Error(), status)
	o.metrics.requests.WithLabelValues(media.KindOf(r.URL.Path, "").String(), statusClass(status)).Inc()
}

// statusOf is the one place where an error becomes a status.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errNotFound), errors.Is(err, errNotYet):
		return http.StatusNotFound
	case errors.Is(err, errGone):
		return http.StatusGone
	case errors.Is(err, errChanging):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func statusClass(status int) string { return strconv.Itoa(status/100) + "xx" }

// allowAnyOrigin sets what browsers' players need (Fetch standard, CORS): hls.js
// reads Age, dash.js Date.
func allowAnyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Age, Content-Length, Content-Range, Date, ETag, Retry-After, Cache-Status")
	h.Set("Timing-Allow-Origin", "*")
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	allowAnyOrigin(w.Header())
	w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	w.Header().Set("Access-Control-Allow-Headers", "*")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the asker has gone: nobody to tell
}

// tally notes the status and the bytes of an answer, and lets files go to the
// socket without passing through user memory.
type tally struct {
	http.ResponseWriter
	status int
	sent   int64
}

// Unwrap is for http.ResponseController.
func (t *tally) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tally) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tally) Write(b []byte) (int, error) {
	n, err := t.ResponseWriter.Write(b)
	t.sent += int64(n)
	return n, err
}

func (t *tally) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(t.ResponseWriter, unwrapped(r))
	t.sent += n
	return n, err
}

// unwrapped shows the file behind an object, so that sendfile can be used.
func unwrapped(r io.Reader) io.Reader {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return r
	}
	found, ok := limited.R.(*object)
	if !ok {
		return r
	}
	if s, ok := found.ReadSeeker.(*stored); ok {
		return io.LimitReader(s.ReadSeeker, limited.N)
	}
	return r
}
