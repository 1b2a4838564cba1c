package control

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/proposals"
	"tandem/raftfsm"
)

// A balancer that another process replaces lets go of its replica while it still
// has viewers. Until these have gone it is no replica: it follows the placement as
// edges do, and asks a balancer that is one for what has to become true. The
// process that replaces it, at its own address, is the first that it asks.

// retiredAgain is how long it waits after a balancer that did not answer.
const retiredAgain = 50 * time.Millisecond

// Retire lets go of the replica. It returns when another process can open it.
func (c *Control) Retire() error {
	c.follower.once.Do(func() { close(c.follower.begun) })
	return c.node.Release()
}

// follower keeps the placement of a balancer current that is no replica any more.
type follower struct {
	node  *raftfsm.Node
	call  *call.Client
	once  sync.Once
	begun chan struct{} // closed when the replica is another process's
}

// run waits until the balancer is retired, and follows then, until ctx ends.
func (f *follower) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-f.begun:
	}
	for turn := 0; ctx.Err() == nil; turn++ {
		list := proposals.Askable(f.node.Placement(), f.node.Name())
		if len(list) == 0 || !f.poll(ctx, list[turn%len(list)]) {
			select {
			case <-ctx.Done():
			case <-time.After(retiredAgain):
			}
		}
	}
	return nil
}

// poll waits at one balancer for a newer placement; false: it can't tell.
func (f *follower) poll(ctx context.Context, at string) bool {
	ctx, cancel := context.WithTimeout(ctx, pollLimit+time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+wire.PathPlacement+"?after="+strconv.FormatUint(f.node.Placement().Version, 10), nil)
	if err != nil {
		return false
	}
	resp, err := f.call.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusNoContent:
		return true
	case http.StatusOK:
		p, err := wire.DecodePlacement(resp.Body)
		if err == nil {
			f.node.Adopt(p)
		}
		return err == nil
	default:
		return false
	}
}
