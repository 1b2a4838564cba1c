package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/operator"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proposals"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Limits of orders.
const (
	orderLimit = 5 * time.Second // for a change to be agreed on
	leadLimit  = 2 * time.Second // for a leader, before that: an election takes less
	purgeLimit = 3 * time.Second // for one edge to purge
)

// ReasonItself is that an order to a balancer is about that one: another one has to be asked.
const ReasonItself = "itself"

// done is the answer to an order: the placement in which it is carried out.
type done struct {
	Version uint64         `json:"version"`
	Already wire.EdgeState `json:"already,omitempty"` // the edge has been so before, and nothing has changed
}

// ledOnly is for what has no answer while nobody leads the balancers: nothing is begun of an order
// that can't be carried out, nor told of what one would do. One that comes while they elect
// somebody waits for it.
func ledOnly(node *raftfsm.Node) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), leadLimit)
			defer cancel()
			if !node.Released() && node.WaitLeader(ctx) != nil {
				control.RefuseCommand(w, fmt.Errorf("%w; nothing has changed", proposals.ErrNoQuorum))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// orderedState is what an edge is by an order, and stays by a second one that changes nothing.
var orderedState = map[placement.Kind]wire.EdgeState{placement.Drain: wire.EdgeDraining, placement.Resume: wire.EdgeUp, placement.Remove: wire.EdgeLeaving}

// order proposes on behalf of an operator.
func (a *API) order(w http.ResponseWriter, r *http.Request, c placement.Command) (placement.Result, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	if p := operator.PersonOf(r.Context()); p.By != "" && p.By != "open" {
		c.By = p.Name // what happened tells every balancer who wanted it
	}
	result, err := a.deps.Control.Proposals.Propose(ctx, c)
	if err != nil {
		control.RefuseCommand(w, err)
		return result, false
	}
	return result, true
}

// noEdge says that no edge has a name, and which order is for who has.
func noEdge(c *control.Control, name string) string {
	if c.Knows(name) {
		return name + " is a balancer: tandem cluster remove-balancer takes one out"
	}
	return fmt.Sprintf("no edge is called %q; tandem edges (%s/edges) lists them", name, Prefix)
}

// edgeNamed is the edge that a path names. False: it was refused.
func (a *API) edgeNamed(w http.ResponseWriter, r *http.Request) (wire.Edge, bool) {
	name := chi.URLParam(r, "edge")
	e, ok := a.deps.Node.Placement().Edge(name)
	if !ok {
		if len(name) > 64 {
			name = name[:64]
		}
		call.RefuseNode(w, http.StatusNotFound, "unknown", noEdge(a.deps.Control, strings.ToValidUTF8(name, "?")))
	}
	return e, ok
}

// edgeOrder is drain, resume, remove or accept. One that would leave viewers without an edge,
// or of which that is not known, has to be forced.
func (a *API) edgeOrder(kind placement.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, ok := a.edgeNamed(w, r)
		if !ok {
			return
		}
		force, ok := forced(w, r)
		if !ok {
			return
		}
		tables, known := a.tables(w, r, kind, force || kind == placement.Resume)
		if !known {
			return
		}
		if lost := foresee(a.deps.Node.Placement(), e, kind, tables).Excess; lost > 0 && !force {
			call.RefuseNode(w, http.StatusConflict, "would_lose", proposals.WouldLose(string(kind), e.Name, lost))
			return
		}
		switch {
		case kind == placement.Drain && e.State == wire.EdgeUp:
			a.deps.Control.ForetellState(r.Context(), a.deps.Node.Placement(), e.Name, wire.EdgeDraining)
		case kind == placement.Resume && e.State == wire.EdgeDraining:
			a.deps.Control.ForetellState(r.Context(), a.deps.Node.Placement(), e.Name, wire.EdgeUp)
		}
		c := placement.Command{Kind: kind, Name: e.Name, Lossless: !force, Loads: a.deps.Control.Loads.Tables(a.deps.Node.Placement(), a.deps.Now())}
		if result, ok := a.order(w, r, c); ok {
			answer := done{Version: result.Version}
			if !result.Changed {
				answer.Already = orderedState[kind]
			}
			call.Reply(w, http.StatusOK, answer)
		}
	}
}

// handlePreview tells what an order would do.
func (a *API) handlePreview(kind placement.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, ok := a.edgeNamed(w, r)
		if !ok {
			return
		}
		tables, ok := a.tables(w, r, kind, false)
		if !ok {
			return
		}
		changed, err := a.deps.Node.Try(placement.Command{Kind: kind, Name: e.Name, Loads: tables})
		if err != nil { // as the order would be
			control.RefuseCommand(w, err)
			return
		}
		preview := foresee(a.deps.Node.Placement(), e, kind, tables)
		if !changed {
			preview.Already = orderedState[kind]
		}
		call.Reply(w, http.StatusOK, preview)
	}
}

// tables are those that an order is judged by. False: what some edge delivers is not known,
// as to a balancer that has just begun, and it was refused; forced, it is carried out by
// what is known.
func (a *API) tables(w http.ResponseWriter, r *http.Request, kind placement.Kind, force bool) ([]ring.Load, bool) {
	tables, silent := a.deps.Control.Tables(r.Context(), a.deps.Node.Placement(), "")
	if len(silent) == 0 || force {
		return tables, true
	}
	have, their := "has", "its load"
	if len(silent) > 1 {
		have, their = "have", "their loads"
	}
	w.Header().Set("Retry-After", "1")
	call.RefuseNode(w, http.StatusServiceUnavailable, "not_known",
		"what a "+string(kind)+" would do is not known: "+enumerate(silent)+" "+have+" not told "+a.deps.Name+" "+their+"; wait a second, ask another balancer, or force it (?force=true, --force)")
	return nil, false
}

// foresee is what an order would do by the figures of now; nothing for one that moves
// nobody to another edge for want of this one.
func foresee(p *wire.Placement, e wire.Edge, kind placement.Kind, tables []ring.Load) wire.Preview {
	preview := ring.PreviewOrder(p, string(kind), e, tables)
	preview.Order = string(kind)
	if preview.Boundaries == nil {
		preview.Boundaries = []wire.BoundaryMove{}
	}
	return preview
}

// forced reads ?force=. False: it was refused.
func forced(w http.ResponseWriter, r *http.Request) (force, ok bool) {
	text := r.URL.Query().Get("force")
	if text == "" {
		return false, true
	}
	force, err := strconv.ParseBool(text)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, "force", "force: want true or false")
	}
	return force, err == nil
}

func (a *API) handleAdmission(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Admission string `json:"admission"`
	}
	if !call.ReadStrict(w, r, maxOrder, &body) {
		return
	}
	if body.Admission != ring.FailSafeAdmission && body.Admission != ring.PairAdmission {
		call.RefuseNode(w, http.StatusBadRequest, "admission", `admission: want "failsafe" or "pair"`)
		return
	}
	if result, ok := a.order(w, r, placement.Command{Kind: placement.Configure, Admission: body.Admission}); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

// handleUnplace takes a stream that nobody watches off its pairs.
func (a *API) handleUnplace(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Stream string `json:"stream"`
	}
	if !call.ReadStrict(w, r, maxOrder, &body) {
		return
	}
	p := a.deps.Node.Placement()
	switch {
	case body.Stream == "":
		call.RefuseNode(w, http.StatusBadRequest, "stream", "stream: want the name of a stream; "+Prefix+"/streams lists them")
		return
	case len(p.Stream(body.Stream)) == 0:
		call.RefuseNode(w, http.StatusNotFound, "unknown", "no stream of this name is placed; tandem streams ("+Prefix+"/streams) lists them")
		return
	}
	watched, err := a.deps.Control.Watched(r.Context(), p)
	if n := watched[body.Stream].Sessions; n > 0 {
		call.RefuseNode(w, http.StatusConflict, "refused", plural(n, "session", "sessions")+" of it; a stream leaves its pairs when nobody watches it")
		return
	}
	if err != nil {
		w.Header().Set("Retry-After", "1")
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonNoEdge, err.Error())
		return
	}
	if result, ok := a.order(w, r, placement.Command{Kind: placement.Unplace, Stream: body.Stream}); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// handlePurge removes objects from every living edge, and puts the purge into
// the placement for those that are away, and for what was copied meanwhile from
// one that had not done it yet.
func (a *API) handlePurge(w http.ResponseWriter, r *http.Request) {
	var purge wire.Purge
	if !call.ReadStrict(w, r, maxOrder, &purge) {
		return
	}
	if err := purge.Check(); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, "purge", err.Error())
		return
	}
	purge.Seq = 0
	answer := a.purgeEdges(r.Context(), purge)
	result, ok := a.order(w, r, placement.Command{Kind: placement.Purge, Purge: &purge})
	if !ok {
		return
	}
	answer.Seq = result.Version
	call.Reply(w, http.StatusOK, answer)
}

func (a *API) purgeEdges(ctx context.Context, purge wire.Purge) wire.PurgeAnswer {
	ctx, cancel := context.WithTimeout(ctx, purgeLimit)
	defer cancel()
	answer := wire.PurgeAnswer{Removed: map[string]int{}, Failed: []string{}}
	var mu sync.Mutex
	var under sync.WaitGroup
	for _, e := range a.deps.Node.Placement().Edges {
		if e.State == wire.EdgeDown {
			mu.Lock()
			answer.Failed = append(answer.Failed, e.Name)
			mu.Unlock()
			continue
		}
		under.Go(func() {
			var said struct {
				Removed int `json:"removed"`
			}
			err := a.deps.Call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathPurge, purge, &said)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				answer.Failed = append(answer.Failed, e.Name)
				return
			}
			answer.Removed[e.Name] = said.Removed
		})
	}
	under.Wait()
	return answer
}

// handleForgetBalancer takes a balancer's vote away for good: one that is lost.
func (a *API) handleForgetBalancer(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "balancer")
	switch {
	case !a.deps.Control.Knows(name):
		call.RefuseNode(w, http.StatusNotFound, "unknown", "no balancer has this name; tandem status ("+Prefix+"/status) lists them")
		return
	case len(a.deps.Node.Placement().Balancers) == 1:
		call.RefuseNode(w, http.StatusConflict, "refused", name+" is the only balancer of this cluster")
		return
	case name == a.deps.Name:
		call.RefuseNode(w, http.StatusConflict, ReasonItself, "a balancer does not take itself out; ask another one (--admin)")
		return
	}
	if result, ok := a.order(w, r, placement.Command{Kind: placement.BalancerGone, Name: name}); ok {
		call.Reply(w, http.StatusOK, done{Version: result.Version})
	}
}

// handleReload reads this balancer's configuration anew, all or nothing.
func (a *API) handleReload(w http.ResponseWriter, _ *http.Request) {
	if a.deps.Reload == nil {
		call.RefuseNode(w, http.StatusNotImplemented, "reload", "this process has nothing that can be read anew")
		return
	}
	did, err := a.deps.Reload()
	if err != nil {
		call.RefuseNode(w, http.StatusUnprocessableEntity, "configuration", err.Error()+"; nothing has changed")
		return
	}
	call.Reply(w, http.StatusOK, did)
}

var errSession = errors.New("session: want PAIR-SLOT-GENERATION, as " + Prefix + "/sessions lists them")
