package edge

import (
	"net/http"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/wire"
	"tandem/segstore"
)

// emptyMiss is what a request costs of its client's budget that made this edge ask the
// origin, and brought no body worth keeping: for a name that there is none of, or a head
// alone. Any other miss costs 1. Who asks for what is here, or on its way, pays nothing.
const emptyMiss = 10

// refuseMiss refuses a client over its budget what nobody has asked for lately; true: it did.
func refuseMiss(e *Edge, w http.ResponseWriter, r *http.Request, x *request) bool {
	if x.client == "" || x.Peer || e.misses.Left(x.client) {
		return false
	}
	keys := []string{x.Key, rules.SliceKey(x.Key, 0), rules.HeadKey(x.Key)}
	if asked, ok := h1.ParseRange(r.Header.Get("Range")); ok && asked.First >= 0 {
		keys = append(keys, rules.SliceKey(x.Key, asked.First/rules.SliceSize), rules.RangeKey(x.Key, asked))
	}
	for _, key := range keys {
		if e.store.Has(key) || e.store.Filling(key) {
			return false
		}
	}
	e.counts.overMisses.Add(1)
	call.Refuse(w, http.StatusTooManyRequests, wire.ReasonClient, "this client asks for more that is not here than it may; see --max-misses-per-client")
	return true
}

// chargeMiss takes what a request has cost from its client's budget.
func chargeMiss(e *Edge, r *http.Request, x *request, found *fetch.Found) {
	if x.client == "" || x.Peer || found.How.Outcome == segstore.Joined || found.How.Why != rules.ForwardMiss && found.How.Why != rules.ForwardVary {
		return
	}
	status := found.How.Status // of what is passed on, and not here
	switch {
	case found.Passed != nil:
		status = found.Passed.Head().StatusCode
	case found.Head != nil:
		status = found.Head.Status
	case found.View != nil:
		status = found.View.Meta().Status
	}
	cost := 1
	if r.Method == http.MethodHead || status >= 400 && status < 500 {
		cost = emptyMiss
	}
	e.misses.Spend(x.client, cost)
}
