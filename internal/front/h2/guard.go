package h2

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"tandem/internal/h1"
)

type meterKey struct{}

// Guard makes a server for HTTP/2 as strict as one for HTTP/1.1 of ours. meterOf finds the
// meter of a connection, which its Read and Write tell what goes over it.
func Guard(s *http.Server, limits h1.Limits, meterOf func(net.Conn) *Meter) {
	outer, next := s.ConnContext, s.Handler
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		ctx = context.WithValue(ctx, meterKey{}, meterOf(c))
		if outer != nil {
			ctx = outer(ctx, c)
		}
		return ctx
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		meter, _ := r.Context().Value(meterKey{}).(*Meter)
		meter.Request(r)
		if status, why := Misfit(r, limits); status != 0 {
			Refuse(w, status, why)
			return
		}
		if r.ContentLength != 0 {
			r.Body = &metered{r.Body, meter}
		}
		next.ServeHTTP(w, r)
	})
}

// Misfit finds what is wrong with a request; 0: nothing.
func Misfit(r *http.Request, limits h1.Limits) (status int, why string) {
	fields := 0
	for _, values := range r.Header {
		fields += len(values)
	}
	if limits.Fields > 0 && fields > limits.Fields {
		return http.StatusRequestHeaderFieldsTooLarge, "too many header fields"
	}
	if !h1.IsTarget(r.RequestURI) {
		return http.StatusBadRequest, "the request target has a byte that no URI has (RFC 9113 section 8.3.1)"
	}
	for _, host := range r.Header["Host"] {
		if !strings.EqualFold(host, r.Host) {
			return http.StatusBadRequest, "Host is another one than :authority (RFC 9113 section 8.3.1)"
		}
	}
	lengths := r.Header["Content-Length"]
	if len(lengths) == 0 {
		return 0, ""
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63) // takes no sign
	switch {
	case err != nil || len(lengths) > 1:
		return http.StatusBadRequest, "Content-Length is no number of bytes (RFC 9110 section 8.6)"
	case n > 0 && r.ContentLength == 0: // there is none
		return http.StatusBadRequest, "Content-Length is not the body's (RFC 9113 section 8.1.1)"
	}
	return 0, ""
}

// Refuse answers a request that nobody is asked.
func Refuse(w http.ResponseWriter, status int, why string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, why+"\n") // who has gone can't be told
}

// metered is a request's body: its bytes are the request's.
type metered struct {
	io.ReadCloser
	meter *Meter
}

// Read is an io.Reader's.
func (b *metered) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.meter.Body(n)
	return n, err
}
