package control

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tandem/internal/wire"
)

// How often other balancers are asked whether they are there, and how long they
// may take. Nothing hangs on it: it is for people.
const (
	aliveEvery = time.Second
	aliveLimit = 700 * time.Millisecond
)

// peers is which other balancers answered last.
type peers struct {
	mu    sync.Mutex
	alive map[string]bool // guarded by mu
}

func newPeers() *peers { return &peers{alive: map[string]bool{}} }

// Alive tells whether a balancer answered last, as far as this one knows.
func (c *Control) Alive(name string) bool { return name == c.cfg.Name || c.peers.has(name) }

func (p *peers) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive[name]
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
	alive := map[string]bool{c.cfg.Name: true}
	for _, b := range c.node.Placement().Balancers {
		if b.Name == c.cfg.Name || b.HTTP == "" {
			continue
		}
		under.Go(func() {
			var pong wire.Pong
			err := c.deps.Call.Ask(ctx, http.MethodGet, b.HTTP+wire.PathPing, nil, &pong)
			mu.Lock()
			alive[b.Name] = err == nil && pong.Name == b.Name
			mu.Unlock()
		})
	}
	under.Wait()
	c.peers.mu.Lock()
	c.peers.alive = alive
	c.peers.mu.Unlock()
}
