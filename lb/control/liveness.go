package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// How often other balancers are asked whether they are there, and how long they
// may take.
const (
	aliveEvery = time.Second
	aliveLimit = 700 * time.Millisecond
)

// staleFor is how long others may know a newer placement before this balancer
// says that its own is stale.
const staleFor = 2 * time.Second

// yieldAgain is between two attempts to start a balancer anew that was overtaken.
const yieldAgain = 15 * time.Second

// peers is what the other balancers answered last.
type peers struct {
	gone    map[string]bool // that it was logged of; owned by liveness
	yielded time.Time       // when this balancer, which was overtaken, was to be started anew last; owned by liveness
	led     bool            // somebody has led once; owned by liveness
	unled   bool            // that it was logged that nobody leads; owned by liveness

	mu       sync.Mutex
	answered map[string]wire.Pong // guarded by mu; by name, of those that are there
	own      uint64               // guarded by mu; this balancer's version at the last look
	stale    time.Time            // guarded by mu; since when others know a newer one and this one gets none; zero: not so
	unheard  time.Time            // guarded by mu; since when others have a leader and this one hears none; zero: not so
	leader   string               // guarded by mu; whom they follow then
	out      bool                 // guarded by mu; he who leads them has this one in his placement no more
	missed   time.Time            // guarded by mu; since when all others that answer don't hear this one; zero: not so
}

func newPeers() *peers { return &peers{answered: map[string]wire.Pong{}, gone: map[string]bool{}} }

// Alive tells whether a balancer answered last, as far as this one knows.
func (c *Control) Alive(name string) bool {
	_, ok := c.Balancer(name)
	return ok
}

// Balancer is what a balancer last said of itself; false: it did not answer.
func (c *Control) Balancer(name string) (wire.Pong, bool) {
	if name == c.cfg.Name {
		return c.pong(), true
	}
	c.peers.mu.Lock()
	defer c.peers.mu.Unlock()
	pong, ok := c.peers.answered[name]
	return pong, ok
}

// pong is what this balancer says of itself.
func (c *Control) pong() wire.Pong {
	pong := wire.Pong{Name: c.cfg.Name, Role: "lb", Keys: c.Tokens.Ring.Version(), Raft: c.deps.Self.Raft, RaftAlso: c.node.RaftAlso(), Fresh: c.node.Fresh()}
	p := c.node.Placement()
	pong.Version, pong.Cluster, pong.Era = p.Version, p.Cluster, c.node.Era()
	pong.Time = c.deps.Now().UnixMilli()
	if leader, ok := c.node.Leader(); ok {
		pong.Leader = leader.Name
	}
	pong.Gone = c.peers.silent(p.Balancers, c.cfg.Name)
	for _, b := range p.Balancers {
		pong.Members = append(pong.Members, b.Name)
	}
	pong.Build, pong.Troubles = c.deps.Build, append(c.deps.Troubles(), unreached(c)...)
	var unfit *Unfit
	if errors.As(c.Ready(), &unfit) {
		pong.Problem, pong.Next, pong.Stale = unfit.Text, unfit.Next, unfit.Stale
	}
	return pong
}

// heard takes in what the others said, and notes since when they know more, or follow
// somebody while this balancer hears no leader.
func (p *peers) heard(name string, answered map[string]wire.Pong, own, reported uint64, led bool, now time.Time) {
	newest, leader, missed, out := reported, "", len(answered) > 0, false
	for _, pong := range answered {
		newest, leader = max(newest, pong.Version), cmp.Or(leader, pong.Leader)
		missed = missed && slices.Contains(pong.Gone, name)
		out = out || pong.Leader == pong.Name && len(pong.Members) > 0 && !slices.Contains(pong.Members, name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !missed {
		p.missed = time.Time{}
	} else if p.missed.IsZero() {
		p.missed = now
	}
	switch {
	case led || leader == "":
		p.unheard, p.leader = time.Time{}, ""
	case p.unheard.IsZero():
		p.unheard = now
		fallthrough
	default:
		p.leader = leader
	}
	switch {
	case newest <= own || own != p.own:
		p.stale = time.Time{}
	case p.stale.IsZero():
		p.stale = now
	}
	p.answered, p.own, p.out = answered, own, out
}

// tell logs which balancers of the cluster answer no more, which answer again, and whether
// anybody leads them: each once.
func (p *peers) tell(log zerolog.Logger, all []wire.Balancer, own string, answered map[string]wire.Pong, led bool) {
	for _, b := range all {
		_, there := answered[b.Name]
		if b.Name == own || there != p.gone[b.Name] {
			continue
		}
		if p.gone[b.Name] = !there; there {
			log.Info().Str("balancer", b.Name).Msg("a balancer answers again")
		} else {
			log.Warn().Str("balancer", b.Name).Msg("a balancer does not answer")
		}
	}
	p.led = p.led || led
	if led != p.unled || !p.led {
		return
	}
	if p.unled = !led; led {
		log.Info().Msg("the balancers have a leader again")
	} else {
		log.Warn().Msg("nobody leads the balancers: sessions go on, the placement can't change")
	}
}

// isStale tells whether others have known a newer placement for too long.
func (p *peers) isStale(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.stale.IsZero() && now.Sub(p.stale) >= staleFor
}

// silent are the balancers that did not answer last.
func (p *peers) silent(all []wire.Balancer, own string) (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range all {
		if _, ok := p.answered[b.Name]; !ok && b.Name != own {
			names = append(names, b.Name)
		}
	}
	return names
}

// isMissed tells whether none of the others that answer has heard this one for too long.
func (p *peers) isMissed(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.missed.IsZero() && now.Sub(p.missed) >= staleFor
}

// misses names whom the others follow when this balancer has heard no leader for too long;
// out: for him it is none of the cluster's.
func (p *peers) misses(now time.Time) (leader string, ok, out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leader, !p.unheard.IsZero() && now.Sub(p.unheard) >= staleFor, p.out
}

// unreached is, at the leader, who is there and takes nothing of it: the verdict of all
// balancers says so.
func unreached(c *Control) (troubles []wire.Trouble) {
	for _, f := range c.node.Health().Followers {
		m := f.Missed
		if m == nil || c.deps.Now().Sub(m.Since) < staleFor {
			continue
		}
		c.peers.mu.Lock()
		pong, there := c.peers.answered[f.Name]
		c.peers.mu.Unlock()
		if !there || pong.Fresh {
			continue
		}
		troubles = append(troubles, wire.Trouble{
			Text: fmt.Sprintf("it does not reach %s for Raft at %s: %v", f.Name, m.At, inShort(m.Err)),
			Next: fmt.Sprintf("Look at raft-listen and raft-advertise of %s, at its line in peers, and at the network to %s.", f.Name, m.At),
		})
	}
	return troubles
}

// overtaken looks whether the cluster was recovered without this balancer. Then what is on
// its disk counts no longer: it is told so, and is started anew with that put aside.
func overtaken(c *Control, answered map[string]wire.Pong) {
	at := map[string]string{}
	for _, b := range append(slices.Clone(c.cfg.First), c.node.Placement().Balancers...) {
		at[b.Name] = b.HTTP
	}
	for name, pong := range answered {
		own := c.node.Placement().Cluster // "": it had not heard yet how it is called
		if pong.Cluster == "" || own != "" && pong.Cluster != own || !c.node.Overtake(pong.Era) || c.deps.Now().Sub(c.peers.yielded) < yieldAgain {
			continue
		}
		c.peers.yielded = c.deps.Now()
		log := c.deps.Logger.Warn().Str("balancer", name)
		if c.deps.Anew == nil {
			log.Msg("the cluster was recovered without this balancer, whose disk is of before: empty --data, and start it again")
			continue
		}
		log.Msg("the cluster was recovered without this balancer: what is on its disk is put aside, and it is started anew")
		if err := c.deps.Anew(pong.Era, at[name]); err != nil {
			c.deps.Logger.Error().Err(err).Msg("it can't be started anew: empty --data, and start it again")
		}
	}
}

// liveness pings the other balancers until ctx ends.
func (c *Control) liveness(ctx context.Context) error {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		c.askPeers(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *Control) askPeers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	var under sync.WaitGroup
	var mu sync.Mutex
	answered := map[string]wire.Pong{}
	asked := map[string]bool{}
	for _, b := range append(slices.Clone(c.node.Placement().Balancers), c.cfg.First...) { // those that have moved may be where the configuration says
		if b.Name == c.cfg.Name || b.HTTP == "" || asked[b.Name+b.HTTP] {
			continue
		}
		asked[b.Name+b.HTTP] = true
		under.Go(func() {
			var pong wire.Pong
			asked := c.deps.Now()
			err := c.deps.Call.Ask(ctx, http.MethodGet, b.HTTP+wire.PathPing, nil, &pong)
			if err != nil || pong.Name != b.Name {
				c.Misfits.callee(identity.Balancer, b.Name, err)
				return
			}
			c.Misfits.told(b.Name, pong.Time, asked.Add(c.deps.Now().Sub(asked)/2))
			if pong.Raft != "" {
				c.node.Heard(b.Name, pong.Raft, pong.RaftAlso)
			}
			mu.Lock()
			answered[b.Name] = pong
			mu.Unlock()
		})
	}
	for _, e := range c.node.Placement().Edges {
		if e.State == wire.EdgeDown && !e.Stopped { // one that trusts another authority calls nobody here: so it is called
			under.Go(func() { c.Misfits.callee(identity.Edge, e.Name, c.deps.Call.Ping(ctx, aliveLimit, e)) })
		}
	}
	under.Wait()
	overtaken(c, answered)
	c.peers.tell(c.deps.Logger, c.node.Placement().Balancers, c.cfg.Name, answered, c.Majority())
	c.Misfits.keep(c.node.Placement())
	c.peers.heard(c.cfg.Name, answered, c.node.Placement().Version, c.Loads.Newest(c.deps.Now()), c.Majority(), c.deps.Now())
	c.turn(c.deps.Now())
	lameDuck(c)
}

// Newest is the latest version of the placement that anybody is known to follow.
func (c *Control) Newest() uint64 {
	version := c.Loads.Newest(c.deps.Now())
	c.peers.mu.Lock()
	defer c.peers.mu.Unlock()
	for _, pong := range c.peers.answered {
		version = max(version, pong.Version)
	}
	return version
}
