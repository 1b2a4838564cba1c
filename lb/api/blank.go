package api

import (
	"net/http"
	"strings"

	"tandem/internal/call"
)

// knowing refuses what asks about nodes and streams at a balancer whose disk is empty, and
// that waits to be let in: it knows none of them, and must not say that there are none.
// What is about itself, and how it gets a placement, goes on.
func knowing(blank func() bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path := strings.TrimPrefix(r.URL.Path, Prefix)
			reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
			about := strings.HasPrefix(path, "/cluster/") || strings.HasPrefix(path, "/demo/") || path == "/reload"
			if named := strings.HasPrefix(path, "/edges/"); (named || !reads && !about) && blank() {
				call.RefuseNode(w, http.StatusServiceUnavailable, "blank", "this balancer's disk is empty, and it waits to be let in: ask another one; where none has the placement: tandem cluster restore FILE")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
