package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// readyLimit is the longest that a demo may take to come up.
const readyLimit = 30 * time.Second

// ready waits until every edge is up in every balancer's view, every balancer
// would take viewers, and our origin has told its streams. It opens no session
// and warms no edge: a demo that is ready is cold.
func (p *processes) ready(ctx context.Context, edges int) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	var last error
	for {
		if last = p.look(ctx, edges); last == nil {
			return nil
		}
		if errors.Is(last, cluster.ErrToken) {
			return fmt.Errorf("%w: %s=... tandem demo, with the token of somebody whom --operators-file names", last, cluster.TokenEnv)
		}
		if names := p.down(); len(names) > 0 {
			ended := p.node(names[0])
			return fmt.Errorf("%s: %w: %s", ended.Name, cluster.ErrEnded, ended.LastLine())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %s: %w", readyLimit, last)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// look returns nil when all is ready, and otherwise what is not.
func (p *processes) look(ctx context.Context, edges int) error {
	file := p.snapshot()
	if err := p.catalog(ctx, file); err != nil {
		return err
	}
	for _, n := range file.Nodes {
		if n.Role != cluster.RoleLB {
			continue
		}
		var s wire.Status
		if err := p.get(ctx, n.Admin+"/api/v1/status", &s); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		up := 0
		for _, e := range s.Edges {
			if e.State == wire.EdgeUp && e.ReportAge >= 0 {
				up++
			}
		}
		switch {
		case s.Leader == "":
			return fmt.Errorf("%s sees no leader", n.Name)
		case up < edges:
			return fmt.Errorf("%s sees %d of %d edges up", n.Name, up, edges)
		}
		if err := p.get(ctx, n.Admin+"/readyz", nil); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// catalog asks the origin once for its streams.
func (p *processes) catalog(ctx context.Context, file cluster.File) error {
	if file.Streams != nil {
		return nil
	}
	var streams []cluster.Stream
	if err := p.get(ctx, file.Node("origin-1").Admin+"/_tandem/catalog", &streams); err != nil {
		return fmt.Errorf("origin-1: %w", err)
	}
	if len(streams) == 0 {
		return errors.New("origin-1 has no stream: no directory with a multivariant playlist or an MPD")
	}
	// Stored ones first: what a newcomer tries first has a beginning and an end.
	slices.SortStableFunc(streams, func(a, b cluster.Stream) int { return strings.Compare(fmt.Sprint(a.Live), fmt.Sprint(b.Live)) })
	p.mu.Lock()
	p.file.Streams = streams
	p.mu.Unlock()
	return nil
}

// get asks one node; it answers within 2 s or not at all.
func (p *processes) get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return p.asks.Call(ctx, http.MethodGet, url, nil, into)
}
