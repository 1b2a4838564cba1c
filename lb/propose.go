package lb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Limits of proposing.
const (
	forwardLimit = time.Second            // for the leader's answer, before somebody else may lead
	proposeAgain = 25 * time.Millisecond  // between attempts while nobody leads
	orderLimit   = 5 * time.Second        // for an operator's order
	placeLimit   = 2 * time.Second        // for a viewer that waits for its stream to be placed
	downLimit    = 4 * time.Second        // for a death; the next check proposes it again
	courtesy     = 300 * time.Millisecond // that the others wait for the leader to do it first
)

// errLeaderless is returned when a command could not be made true in time.
var errLeaderless = errors.New("the balancers can't agree now: no majority of them is there")

// proposals makes commands true, here or at the leader. The same command gets
// the same ID at every attempt, so it is carried out once.
type proposals struct {
	node    *raftfsm.Node
	call    *call.Client
	now     func() time.Time
	done    func(kind raftfsm.Kind, ok bool) // counts
	placing sync.Mutex                       // one stream is placed at a time, so that the next one sees it
}

// propose returns when the command is in this balancer's own placement. The
// error of one that was refused is the FSM's (raftfsm.ErrUnknown and so on);
// errLeaderless: ctx ended before anybody could decide.
func (p *proposals) propose(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
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
			err = fmt.Errorf("%w: %w", errLeaderless, wait)
		} else {
			err = result.Failed()
		}
	}
	p.done(c.Kind, err == nil)
	return result, err
}

func (p *proposals) attempts(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
	for {
		changed := p.node.LeaderWatch()
		result, err := p.once(ctx, c)
		if err == nil || errors.Is(err, raftfsm.ErrMalformed) || errors.Is(err, raftfsm.ErrClosed) {
			return result, err
		}
		select {
		case <-ctx.Done():
			return raftfsm.Result{}, fmt.Errorf("%w: %w", errLeaderless, err)
		case <-changed:
		case <-time.After(proposeAgain):
		}
	}
}

// once asks whoever leads, as far as this balancer knows.
func (p *proposals) once(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
	if p.node.IsLeader() {
		return p.lead(ctx, c)
	}
	leader, ok := p.node.Leader()
	if !ok || leader.HTTP == "" || leader.Name == p.node.Name() {
		return raftfsm.Result{}, raftfsm.ErrNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, forwardLimit)
	defer cancel()
	var result raftfsm.Result
	err := p.call.Ask(ctx, http.MethodPost, leader.HTTP+wire.PathPropose, c, &result)
	if call.StatusOf(err) == http.StatusBadRequest {
		err = fmt.Errorf("%w: %w", raftfsm.ErrMalformed, err)
	}
	return result, err
}

// lead proposes at this node, which leads.
func (p *proposals) lead(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
	switch c.Kind {
	case raftfsm.Place:
		return p.place(ctx, c)
	case raftfsm.BalancerGone:
		if err := p.node.Leave(ctx, c.Name); err != nil {
			if errors.Is(err, raftfsm.ErrRefused) {
				return raftfsm.Result{Version: p.node.Placement().Version, Err: err.Error(), Code: "refused"}, nil
			}
			return raftfsm.Result{}, err
		}
	}
	return p.node.Propose(ctx, c)
}

// place places a stream if it still is on as many pairs (Before) as whoever
// proposes saw: many viewers of a new stream come at once, at every balancer,
// and one pair is enough for them.
func (p *proposals) place(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
	p.placing.Lock()
	defer p.placing.Unlock()
	now := p.node.Placement()
	if len(now.Stream(c.Stream)) != c.Before {
		return raftfsm.Result{Version: now.Version, Err: "the stream has been placed meanwhile", Code: "stale"}, nil
	}
	return p.node.Propose(ctx, c)
}

// handlePropose carries out a command for another balancer. 421 says who leads.
func (l *LB) handlePropose(w http.ResponseWriter, r *http.Request) {
	body, ok := call.ReadBody(w, r, raftfsm.MaxCommand)
	if !ok {
		return
	}
	c, err := raftfsm.DecodeCommand(body)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	if !l.node.IsLeader() {
		l.misdirected(w)
		return
	}
	result, err := l.proposals.lead(r.Context(), *c)
	switch {
	case errors.Is(err, raftfsm.ErrNotLeader):
		l.misdirected(w)
	case errors.Is(err, raftfsm.ErrMalformed):
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
	case err != nil:
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonQuorum, err.Error())
	default:
		call.Reply(w, http.StatusOK, result)
	}
}

// misdirected answers what only the leader can do.
func (l *LB) misdirected(w http.ResponseWriter) {
	leader, _ := l.node.Leader()
	if leader.Name == l.cfg.Name {
		leader = wire.Balancer{} // it has just ceased to be
	}
	call.Reply(w, http.StatusMisdirectedRequest, leader)
}

// leaderOf reads a 421.
func leaderOf(err error) (wire.Balancer, bool) {
	var s *call.StatusError
	var leader wire.Balancer
	if !errors.As(err, &s) || s.Status != http.StatusMisdirectedRequest || json.Unmarshal(s.Body, &leader) != nil {
		return leader, false
	}
	return leader, leader.HTTP != ""
}
