package admission

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

// cluster is what openings ask of the other nodes; calls, in life.
type cluster interface {
	Placement() *wire.Placement
	Refresh(ctx context.Context, p *wire.Placement, after time.Time)
	Query(ctx context.Context, p *wire.Placement, names []string)
	Foretell(ctx context.Context, before, after *wire.Placement, loads []ring.Load)
	Propose(ctx context.Context, c placement.Command) (placement.Result, error)
	Ask(ctx context.Context, e wire.Edge, r wire.OpenRequest) (wire.OpenAnswer, error)
	GiveBack(e wire.Edge, id wire.SessionID)
	Failed(edge, cause string)
}

// calls are a balancer's to the other nodes.
type calls struct {
	*control.Control
	call *call.Client
}

func (c calls) Propose(ctx context.Context, command placement.Command) (placement.Result, error) {
	return c.Proposals.Propose(ctx, command)
}

func (c calls) Ask(ctx context.Context, e wire.Edge, r wire.OpenRequest) (answer wire.OpenAnswer, err error) {
	err = c.call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathOpen, r, &answer)
	return answer, err
}

// GiveBack ends a session that nobody was told of.
func (c calls) GiveBack(e wire.Edge, id wire.SessionID) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	_ = c.call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathClose, id, nil) // else it idles
}

func (c calls) Failed(edge, cause string) { c.Checks.Failed(edge, cause) }

// askSlot asks the chosen edge for a slot: it gives one, or says why not.
func (o *Opener) askSlot(ctx context.Context, p *wire.Placement, c ring.Choice, request wire.OpenRequest) (*wire.OpenAnswer, wire.Refusal) {
	e, ok := p.Edge(c.Edge)
	if !ok {
		return nil, wire.Refusal{Reason: wire.ReasonStale}
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := o.ask(ctx, e, request)
	var said *call.StatusError
	switch {
	case err == nil && answer.Pair == c.Pair:
		return &answer, wire.Refusal{}
	case errors.As(err, &said) && said.Status == http.StatusConflict:
		var refusal wire.Refusal
		if json.Unmarshal(said.Body, &refusal) == nil && (wire.RefusesSession(refusal.Reason) || refusal.Reason == wire.ReasonClient || refusal.Reason == wire.ReasonBusier) {
			return nil, refusal
		}
	case err != nil && ctx.Err() == nil:
		o.cluster.Failed(c.Edge, proxy.CauseOf(err))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.cluster.Failed(c.Edge, proxy.CauseStalled)
	}
	return nil, wire.Refusal{Reason: wire.ReasonNoEdge}
}

// ask asks an edge for a slot no longer than ctx. One that it gives when nobody waits for
// it any more is given back, or it would keep a viewer out until it idles.
func (o *Opener) ask(ctx context.Context, e wire.Edge, request wire.OpenRequest) (wire.OpenAnswer, error) {
	type said struct {
		answer wire.OpenAnswer
		err    error
	}
	heard, gone := make(chan said), make(chan struct{})
	defer close(gone)
	go func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), Limit)
		defer cancel()
		answer, err := o.cluster.Ask(late, e, request)
		select {
		case heard <- said{answer, err}:
		case <-gone:
			if err == nil {
				o.cluster.GiveBack(e, answer.SessionID)
			}
		}
	}()
	select {
	case s := <-heard:
		return s.answer, s.err
	case <-ctx.Done():
		return wire.OpenAnswer{}, ctx.Err()
	}
}
