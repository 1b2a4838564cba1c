package proposals

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Limits of proposing.
const (
	forwardLimit = time.Second           // for the leader's answer, before somebody else may lead
	proposeAgain = 25 * time.Millisecond // between attempts while nobody leads
)

// ErrNoQuorum is returned when a command could not be made true in time.
var ErrNoQuorum = errors.New("the balancers can't agree now: no majority of them is there; start those that are gone: tandem status names them")

// Proposals makes commands true, here or at the leader. The same command gets
// the same ID at every attempt, so it is carried out once.
type Proposals struct {
	node *raftfsm.Node
	call *call.Client
	now  func() time.Time
	done func(kind placement.Kind, ok bool) // counts

	mu      sync.Mutex
	placing map[string]*placing // streams that are being placed; guarded by mu

	orders sync.Mutex // held over one order to an edge
}

// New starts nothing; done is told how each proposal ended.
func New(node *raftfsm.Node, client *call.Client, now func() time.Time, done func(kind placement.Kind, ok bool)) *Proposals {
	return &Proposals{node: node, call: client, now: now, done: done, placing: map[string]*placing{}}
}

// Propose returns when the command is in this balancer's own placement. The
// error of one that was refused is the FSM's (raftfsm.ErrUnknown and so on);
// ErrNoQuorum: ctx ended before anybody could decide.
func (p *Proposals) Propose(ctx context.Context, c placement.Command) (placement.Result, error) {
	if c.ID == "" {
		c.ID = raftfsm.NewID()
	}
	if c.By == "" {
		c.By = p.node.Name()
	}
	c.At = p.now().UnixMilli()
	result, err := p.attempts(ctx, c)
	if err == nil {
		if _, wait := p.node.WaitVersion(ctx, result.Version); wait != nil {
			err = fmt.Errorf("%w: %w", ErrNoQuorum, wait)
		} else {
			err = result.Failed()
		}
	}
	p.done(c.Kind, err == nil)
	return result, err
}

func (p *Proposals) attempts(ctx context.Context, c placement.Command) (placement.Result, error) {
	for {
		changed := p.node.LeaderWatch()
		result, err := p.once(ctx, c)
		if err == nil || errors.Is(err, placement.ErrMalformed) || errors.Is(err, raftfsm.ErrClosed) {
			return result, err
		}
		select {
		case <-ctx.Done():
			return placement.Result{}, fmt.Errorf("%w: %w", ErrNoQuorum, err)
		case <-changed:
		case <-time.After(proposeAgain):
		}
	}
}

// once asks whoever leads, as far as this balancer knows.
func (p *Proposals) once(ctx context.Context, c placement.Command) (placement.Result, error) {
	switch {
	case p.node.Released():
		return p.elsewhere(ctx, c)
	case p.node.IsLeader():
		result, err := p.Lead(ctx, c)
		if err != nil && p.node.Released() { // meanwhile: the command has an ID, and is carried out once
			return p.elsewhere(ctx, c)
		}
		return result, err
	}
	leader, ok := p.node.Leader()
	if !ok || leader.HTTP == "" || leader.Name == p.node.Name() {
		return placement.Result{}, raftfsm.ErrNotLeader
	}
	return p.forward(ctx, leader.HTTP, c)
}

// forward proposes at another balancer.
func (p *Proposals) forward(ctx context.Context, at string, c placement.Command) (placement.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardLimit)
	defer cancel()
	var result placement.Result
	err := p.call.Ask(ctx, http.MethodPost, at+wire.PathPropose, c, &result)
	if call.StatusOf(err) == http.StatusBadRequest {
		err = fmt.Errorf("%w: %w", placement.ErrMalformed, err)
	}
	return result, err
}

// Lead proposes at this node, which leads.
func (p *Proposals) Lead(ctx context.Context, c placement.Command) (placement.Result, error) {
	switch c.Kind {
	case placement.Place:
		return p.place(ctx, c)
	case placement.Drain, placement.Remove, placement.Accept:
		return p.order(ctx, c)
	case placement.Renew:
		return p.node.Renew(ctx, c)
	case placement.BalancerGone:
		if err := p.node.Leave(ctx, c.Name); err != nil {
			if errors.Is(err, placement.ErrRefused) {
				return placement.Result{Version: p.node.Placement().Version, Err: err.Error(), Code: "refused"}, nil
			}
			return placement.Result{}, err
		}
	}
	return p.node.Propose(ctx, c)
}

// placing is a stream that is being placed, and how many wait to see where.
type placing struct {
	sync.Mutex
	users int // guarded by Proposals.mu
}

// alone lets one at a time place a stream, so that the next one sees it. Other streams
// are placed beside it and share its write to the disk.
func (p *Proposals) alone(stream string) (unlock func()) {
	p.mu.Lock()
	one := p.placing[stream]
	if one == nil {
		one = new(placing)
		p.placing[stream] = one
	}
	one.users++
	p.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		p.mu.Lock()
		defer p.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(p.placing, stream)
		}
	}
}

// place places a stream if it still is on as many pairs (Before) as whoever
// proposes saw: many viewers of a new stream come at once, at every balancer,
// and one pair is enough for them.
func (p *Proposals) place(ctx context.Context, c placement.Command) (placement.Result, error) {
	defer p.alone(c.Stream)()
	now := p.node.Placement()
	if len(now.Stream(c.Stream)) != c.Before {
		return placement.Result{Version: now.Version, Err: "the stream has been placed meanwhile", Code: "stale"}, nil
	}
	return p.node.Propose(ctx, c)
}

// order carries out one order to an edge at a time, so that of two which can each be
// borne, and not both, the second one is refused, whoever gave them at whichever balancer.
func (p *Proposals) order(ctx context.Context, c placement.Command) (placement.Result, error) {
	p.orders.Lock()
	defer p.orders.Unlock()
	now := p.node.Placement()
	if e, ok := now.Edge(c.Name); ok && c.Lossless {
		if lost := ring.PreviewOrder(now, string(c.Kind), e, c.Loads).Excess; lost > 0 {
			return placement.Result{Version: now.Version, Err: WouldLose(string(c.Kind), e.Name, lost), Code: "would_lose"}, nil
		}
	}
	return p.node.Propose(ctx, c)
}

// WouldLose says why an order to an edge is refused that would leave so many sessions
// without one.
func WouldLose(order, edge string, lost int) string {
	sessions := strconv.Itoa(lost) + " sessions"
	if lost == 1 {
		sessions = "1 session"
	}
	return order + " of " + edge + " would leave " + sessions + " without an edge; make room first, or force it (?force=true, --force)"
}
