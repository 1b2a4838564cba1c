package upstream

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Defaults of health checks, and how often is looked which one is due.
const (
	defaultEvery   = 2 * time.Second
	defaultTimeout = time.Second
	checkTick      = 100 * time.Millisecond
	checkBody      = 4 << 10 // bytes that are read so that the connection is used again
)

// Run makes the health checks that are set, until ctx ends.
func (u *Upstreams) Run(ctx context.Context) error {
	tick := time.NewTicker(checkTick)
	defer tick.Stop()
	defer u.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			u.checkDue(ctx)
		}
	}
}

func (u *Upstreams) checkDue(ctx context.Context) {
	now := u.deps.Now()
	for _, g := range *u.groups.Load() {
		if g.config.Check == nil {
			continue
		}
		for _, s := range g.servers {
			if now.Before(s.checkNext) || !s.checking.CompareAndSwap(false, true) {
				continue
			}
			s.checkNext = now.Add(g.config.Check.Every.Or(defaultEvery))
			go func() {
				defer s.checking.Store(false)
				s.check(ctx)
			}()
		}
	}
}

// check asks the server whether it is well: a status below 400 says so.
func (s *server) check(ctx context.Context) {
	c := s.group.config.Check
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Or(defaultTimeout))
	defer cancel()
	req := (&http.Request{Method: http.MethodGet, URL: s.url(c.Target), Host: s.host(), Header: s.fields(http.Header{"User-Agent": {"tandem health check"}})}).WithContext(ctx)
	good := false
	resp, err := s.connections().RoundTrip(req)
	if err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, checkBody)
		resp.Body.Close()
		good = resp.StatusCode < 400
	}
	if context.Cause(ctx) == context.Canceled || !s.health.check(good) {
		return
	}
	log := s.group.u.deps.Logger.With().Str("origin", s.name).Str("upstream", s.group.config.Prefix).Logger()
	if good {
		log.Info().Msg("the origin is well again by its health check")
	} else {
		log.Warn().AnErr("error", err).Msg("the origin is down by its health check")
	}
}
