package lb

import "net/http"

// counted bounds what a client of HTTP/2 asks for at once: each request beside a
// connection's first is one connection more, in all and of that client, as it would be
// by HTTP/1.1, and can hold one to an edge.
func (g *connLimiter) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := clientOf(r)
		if c == nil {
			h.ServeHTTP(w, r)
			return
		}
		defer c.streams.Add(-1)
		if c.streams.Add(1) > 1 {
			place, ok := g.Enter(c.Address)
			defer g.Leave(&place)
			if !ok {
				w.Header().Set("Retry-After", "1")
				http.Error(w, "too many requests at once from this client", http.StatusTooManyRequests)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
