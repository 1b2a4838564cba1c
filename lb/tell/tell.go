// Package tell says something to all edges at once.
package tell

import (
	"context"
	"net/http"
	"sync"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// Edges says it to all edges that are not down, and returns the names of those that did not
// hear it. The goroutines that it starts end before it returns, with ctx at the latest.
func Edges(ctx context.Context, by *call.Client, p *wire.Placement, path string, what any) (failed []string) {
	var mu sync.Mutex
	var under sync.WaitGroup
	for _, e := range p.Edges {
		if e.State == wire.EdgeDown {
			continue
		}
		under.Go(func() {
			if by.Ask(ctx, http.MethodPost, e.HTTP+path, what, nil) != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, e.Name)
			}
		})
	}
	under.Wait()
	return failed
}

// Pushed hands on what an origin says was pushed: 204 when all have heard it.
func Pushed(w http.ResponseWriter, r *http.Request, by *call.Client, p *wire.Placement) {
	var said call.Pushed
	if !call.Read(w, r, &said) {
		return
	}
	if failed := Edges(r.Context(), by, p, wire.PathPushed, said); len(failed) > 0 {
		call.RefuseNode(w, http.StatusBadGateway, "unheard", "not every edge has heard it")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
