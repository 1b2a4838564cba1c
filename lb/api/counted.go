package api

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"tandem/internal/wire"
	"tandem/lb/proposals"
	"tandem/raftfsm/placement"
)

// How often a balancer tells the others what it has counted, where that has grown:
// viewers' refusals, which may grow all evening, less often.
const (
	countEvery   = 250 * time.Millisecond
	refusedEvery = 5 * time.Second
	countLimit   = 2 * time.Second
	lastLimit    = 500 * time.Millisecond // for a balancer that stops
)

// counting is how a balancer's counts become the cluster's: by a command, so that they
// are the same everywhere and outlive it. One that stops tells the rest; what it dies with
// untold is not counted.
type counting struct {
	deps *Deps
	life int64     // this one's, as the cluster knows it; 0: not known yet
	last time.Time // when it told last
	told wire.Counts
}

// run tells what was counted until ctx ends.
func (c *counting) run(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.last = time.Time{} // there is no other time for refusals
			c.tell(context.WithoutCancel(ctx), lastLimit)
			return nil
		case <-tick.C:
			c.tell(ctx, countLimit)
		}
	}
}

func (c *counting) tell(ctx context.Context, limit time.Duration) {
	command, ok := c.untold()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := c.deps.Control.Proposals.Propose(ctx, command); !errors.Is(err, proposals.ErrNoQuorum) {
		c.told = *command.Counts
	} // else it is told again
}

// untold is what there is to tell.
func (c *counting) untold() (placement.Command, bool) {
	node := c.deps.Node
	mine := wire.Tally{Takeovers: c.deps.Takeovers(), Refused: c.deps.Refused()}
	receipts := node.Deaths()
	deaths := c.deps.Receipts.counts(receipts)
	if mine == (wire.Tally{}) && len(deaths) == 0 || !c.deps.Control.Majority() {
		return placement.Command{}, false
	}
	if !slices.ContainsFunc(node.Placement().Balancers, func(b wire.Balancer) bool { return b.Name == c.deps.Name }) {
		return placement.Command{}, false
	}
	life, told := node.Told(c.deps.Name)
	if c.life == 0 || life > c.life {
		// By a clock that has been set back it would be older than the one before.
		c.life = max(c.deps.Now().UnixMilli(), life+1)
	}
	now := c.deps.Now()
	if life == c.life && told.Takeovers == mine.Takeovers && shared(receipts, deaths, c.deps.Name, life) && (told.Refused == mine.Refused || now.Sub(c.last) < refusedEvery) {
		return placement.Command{}, false
	}
	counts := wire.Counts{Life: c.life, Takeovers: mine.Takeovers, Refused: mine.Refused, Deaths: deaths}
	if reflect.DeepEqual(counts, c.told) && now.Sub(c.last) < refusedEvery {
		return placement.Command{}, false // it is not there, nor will be: an older build leads
	}
	c.last = now
	return placement.Command{Kind: placement.Counted, Name: c.deps.Name, Counts: &counts}, true
}

// shared tells whether all of that is in the receipts: they keep the most that was told of
// each figure, and have room for so many balancers' lives.
func shared(receipts []wire.Receipt, deaths []wire.DeathCount, by string, life int64) bool {
	for _, d := range deaths {
		i := slices.IndexFunc(receipts, func(r wire.Receipt) bool { return r.Edge == d.Edge && r.Incarnation == d.Incarnation })
		if i < 0 {
			continue
		}
		shares := receipts[i].Shares
		own := slices.IndexFunc(shares, func(s wire.CountedBy) bool { return s.By == by && s.Life == life })
		if own < 0 {
			if len(shares) < placement.MaxShares {
				return false
			}
			continue
		}
		if s := shares[own]; s.Finished < d.Finished || s.Broken < d.Broken || s.LongestGap < d.LongestGap {
			return false
		}
	}
	return true
}
