package control

import (
	"context"
	"errors"
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

// peers is what the other balancers answered last.
type peers struct {
	gone  map[string]bool // that it was logged of; owned by liveness
	led   bool            // somebody has led once; owned by liveness
	unled bool            // that it was logged that nobody leads; owned by liveness

	mu       sync.Mutex
	answered map[string]wire.Pong // guarded by mu; by name, of those that are there
	own      uint64               // guarded by mu; this balancer's version at the last look
	stale    time.Time            // guarded by mu; since when others know a newer one and this one gets none; zero: not so
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
	pong := wire.Pong{Name: c.cfg.Name, Role: "lb", Keys: c.Tokens.Ring.Version(), Raft: c.deps.Self.Raft, Fresh: c.node.Fresh()}
	p := c.node.Placement()
	pong.Version, pong.Cluster = p.Version, p.Cluster
	pong.Time = c.deps.Now().UnixMilli()
	pong.Build, pong.Troubles = c.deps.Build, c.deps.Troubles()
	var unfit *Unfit
	if errors.As(c.Ready(), &unfit) {
		pong.Problem, pong.Next, pong.Stale = unfit.Text, unfit.Next, unfit.Stale
	}
	return pong
}

// heard takes in what the others said, and notes since when they know more.
func (p *peers) heard(answered map[string]wire.Pong, own, reported uint64, now time.Time) {
	newest := reported
	for _, pong := range answered {
		newest = max(newest, pong.Version)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case newest <= own || own != p.own:
		p.stale = time.Time{}
	case p.stale.IsZero():
		p.stale = now
	}
	p.answered, p.own = answered, own
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
				c.node.Heard(b.Name, pong.Raft)
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
	c.peers.tell(c.deps.Logger, c.node.Placement().Balancers, c.cfg.Name, answered, c.Majority())
	c.Misfits.keep(c.node.Placement())
	c.peers.heard(answered, c.node.Placement().Version, c.Loads.Newest(c.deps.Now()), c.deps.Now())
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
