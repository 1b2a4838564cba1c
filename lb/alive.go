package lb

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

func (p *peers) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive[name]
}

// alive pings the other balancers until ctx ends.
func (l *LB) alive(ctx context.Context) error {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		l.askPeers(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (l *LB) askPeers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	var under sync.WaitGroup
	var mu sync.Mutex
	alive := map[string]bool{l.cfg.Name: true}
	for _, b := range l.node.Placement().Balancers {
		if b.Name == l.cfg.Name || b.HTTP == "" {
			continue
		}
		under.Go(func() {
			var pong wire.Pong
			err := l.call.Ask(ctx, http.MethodGet, b.HTTP+wire.PathPing, nil, &pong)
			mu.Lock()
			alive[b.Name] = err == nil && pong.Name == b.Name
			mu.Unlock()
		})
	}
	under.Wait()
	l.peers.mu.Lock()
	l.peers.alive = alive
	l.peers.mu.Unlock()
}
