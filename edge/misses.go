package edge

import (
	"net/http"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/rules"
	"tandem/internal/budget"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/wire"
	"tandem/segstore"
)

// emptyMiss is what a request costs of its client's budget that made this edge ask the
// origin, and brought no body worth keeping: for a name that there is none of, or a head
// alone. Any other miss costs 1. Who asks for what is here
// and fresh, or on its way, pays nothing.
const emptyMiss = 10

// clientBudgets are what one client may make all edges together ask of their origins, a
// minute: each tells the others by its reports.
type clientBudgets struct {
	misses   *budget.Rate // for what is not here, and by other methods
	renewals *budget.Rate // whether a copy is still good: apart, so that nobody is refused anything new for it
}

func newClientBudgets(each int, now func() time.Time) clientBudgets {
	return clientBudgets{misses: budget.NewRate(each, now), renewals: budget.NewRate(each, now)}
}

// told is what this edge tells the others of its clients.
func (b *clientBudgets) told() []wire.Asked {
	misses, renewals := b.misses.Told(wire.MaxAsked/2), b.renewals.Told(wire.MaxAsked/2)
	var asked []wire.Asked
	for client, n := range misses {
		asked = append(asked, wire.Asked{Client: client, Misses: n, Renewals: renewals[client]})
		delete(renewals, client)
	}
	for client, n := range renewals {
		asked = append(asked, wire.Asked{Client: client, Renewals: n})
	}
	return asked
}

// heard takes what the others have asked for the same clients.
func (b *clientBudgets) heard(asked []wire.Asked) {
	misses, renewals := map[string]float64{}, map[string]float64{}
	for _, a := range asked {
		misses[a.Client], renewals[a.Client] = a.Misses, a.Renewals
	}
	b.misses.Heard(misses)
	b.renewals.Heard(renewals)
}

// refuseMiss refuses a client over its budget what would have to be asked of the origin:
// what nobody has asked for lately, or what has to be revalidated; true: it did.
func refuseMiss(e *Edge, w http.ResponseWriter, r *http.Request, x *request) bool {
	if x.client == "" || x.Peer {
		return false
	}
	mayAsk, mayRenew := e.asks.misses.Left(x.client), e.asks.renewals.Left(x.client)
	if mayAsk && mayRenew {
		return false
	}
	keys := []string{x.Key, rules.SliceKey(x.Key, 0), rules.HeadKey(x.Key)}
	if asked, ok := h1.ParseRange(r.Header.Get("Range")); ok && asked.First >= 0 {
		keys = append(keys, rules.SliceKey(x.Key, asked.First/rules.SliceSize), rules.RangeKey(x.Key, asked))
	}
	may := mayAsk
	for _, key := range keys {
		if e.store.Filling(key) {
			return false
		}
		if view, ok := e.store.Glance(key); ok {
			may = mayRenew || view.Fresh(e.now())
			view.Close()
			break
		}
	}
	if !may {
		refuseClient(e, w)
	}
	return !may
}

// refuseMethod is refuseMiss for what is carried to the origin by any other method; what
// is let through is paid for.
func refuseMethod(e *Edge, w http.ResponseWriter, r *http.Request) bool {
	if e.asks.misses.Left(r.RemoteAddr) {
		e.asks.misses.Spend(r.RemoteAddr, 1)
		return false
	}
	refuseClient(e, w)
	return true
}

func refuseClient(e *Edge, w http.ResponseWriter) {
	e.counts.overMisses.Add(1)
	call.Refuse(w, http.StatusTooManyRequests, wire.ReasonClient, "this client asks for more that has to be asked of the origin than it may; see --max-misses-per-client")
}

// chargeMiss takes what a request has cost from its client's budget.
func chargeMiss(e *Edge, r *http.Request, x *request, found *fetch.Found) {
	if x.client == "" || x.Peer || found.How.Outcome == segstore.Joined {
		return
	}
	switch found.How.Why {
	case rules.ForwardMiss, rules.ForwardVary:
	case rules.ForwardStale:
		if !found.How.Stale { // else there was no answer: an outage is nobody's fault
			e.asks.renewals.Spend(x.client, 1)
		}
		return
	default:
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
	e.asks.misses.Spend(x.client, cost)
}
