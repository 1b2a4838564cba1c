package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Limits of telling the other balancers.
const (
	auditsMost = 512 // that wait; each stands in this balancer's log as well
	auditLimit = 5 * time.Second
	auditAgain = time.Second
)

// Audits is how what operators ask of this balancer becomes known to all: by a command,
// as soon as a majority is there. What it dies with untold stands in its log alone.
type Audits struct {
	name    string
	propose func(context.Context, placement.Command) (placement.Result, error)

	mu      sync.Mutex
	waiting []wire.Audited // guarded by mu; oldest first
	wake    chan struct{}
}

// NewAudits is for the balancer of that name.
func NewAudits(name string, propose func(context.Context, placement.Command) (placement.Result, error)) *Audits {
	return &Audits{name: name, propose: propose, wake: make(chan struct{}, 1)}
}

// Add takes one on, and does not wait.
func (a *Audits) Add(e wire.Audited) {
	e.Node = a.name
	a.mu.Lock()
	a.waiting = append(a.waiting, e)
	if over := len(a.waiting) - auditsMost; over > 0 {
		a.waiting = slices.Delete(a.waiting, 0, over)
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take takes as many as one command holds.
func (a *Audits) take() []wire.Audited {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := min(len(a.waiting), wire.MaxAudited)
	taken := slices.Clone(a.waiting[:n])
	a.waiting = slices.Delete(a.waiting, 0, n)
	return taken
}

// run tells the others until ctx ends.
func (a *Audits) run(ctx context.Context) error {
	for {
		taken := a.take()
		if len(taken) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-a.wake:
			}
			continue
		}
		c := placement.Command{Kind: placement.Audited, ID: raftfsm.NewID(), Audited: taken}
		for !a.tell(ctx, c) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(auditAgain):
			}
		}
	}
}

// tell proposes once; the same again is carried out once.
func (a *Audits) tell(ctx context.Context, c placement.Command) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	_, err := a.propose(ctx, c)
	return err == nil || errors.Is(err, placement.ErrMalformed) // an older build leads, which keeps none
}
