package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"tandem/internal/wire"
)

// Limits of following the placement.
const (
	pollFor     = 30 * time.Second       // longer than the balancers hold a poll
	retryAfter  = 200 * time.Millisecond // after a balancer failed, before the next is asked
	askForState = 2 * time.Second        // longest a placement can be wrong about this edge before it says so again
	openWaits   = 500 * time.Millisecond // an opening waits so long for a placement that is on its way
)

// ErrNameTaken ends an edge whose name another, later started process uses.
var ErrNameTaken = errors.New("another process has registered under this name; see --name")

// follow keeps the placement current, and this edge in it, until ctx ends.
func (e *Edge) follow(ctx context.Context) error {
	for turn := 0; ctx.Err() == nil; turn++ {
		balancer := e.cfg.Balancers[turn%len(e.cfg.Balancers)]
		err := e.followOne(ctx, balancer)
		if errors.Is(err, ErrNameTaken) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			e.log.Debug().Err(err).Str("balancer", balancer).Msg("placement can't be followed here; trying the next")
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
	return nil
}

// followOne registers where that is due and polls one balancer until it fails.
func (e *Edge) followOne(ctx context.Context, balancer string) error {
	for ctx.Err() == nil {
		due, err := e.registrationDue()
		if err != nil {
			return err
		}
		if due {
			if err := e.announce(ctx, balancer); err != nil {
				return err
			}
			continue
		}
		p, err := e.poll(ctx, balancer, e.placement().Version)
		if err != nil {
			return err
		}
		if p != nil {
			e.apply(p)
		}
	}
	return nil
}

// registrationDue compares the placement with what this edge is: absent, of a
// former life, or declared dead while it lives.
func (e *Edge) registrationDue() (bool, error) {
	self, ok := e.placement().Edge(e.cfg.Name)
	mine := e.incarnation.Load()
	switch {
	case !ok && e.taken.Load():
		return false, nil // removed for good: it comes back when it is started anew
	case !ok:
		return true, nil
	case self.Incarnation > mine && self.HTTP != e.address:
		return false, fmt.Errorf("%w: %s at %s", ErrNameTaken, e.cfg.Name, self.HTTP)
	case self.Incarnation > mine || self.Incarnation == mine && self.State == wire.EdgeDown:
		e.incarnation.Store(max(e.nextIncarnation(), self.Incarnation+1))
		for _, t := range e.sessions.all() {
			t.startOver()
		}
		e.log.Warn().Msg("declared dead while alive; coming back as a new incarnation")
		return true, nil
	}
	return self.Incarnation < mine || self.HTTP != e.address || self.Capacity != e.cfg.Capacity, nil
}

// announce registers this edge and takes the placement in which it then stands.
func (e *Edge) announce(ctx context.Context, balancer string) error {
	stats := e.store.Stats()
	reg := wire.Register{
		Edge: wire.Edge{
			Name: e.cfg.Name, HTTP: e.address, Admin: e.admin, Capacity: e.cfg.Capacity, Incarnation: e.incarnation.Load(), After: e.cfg.After,
		},
		After: e.cfg.After, Empty: stats.Objects == 0,
	}
	var answer struct {
		Placement json.RawMessage `json:"placement"`
	}
	if err := e.post(ctx, 5*time.Second, balancer+wire.PathRegister, reg, &answer); err != nil {
		if errors.Is(err, errForbidden) {
			e.log.Error().Str("balancer", balancer).Msg("the balancer refuses this edge (403): it has another secret; see --secret-file")
		}
		return err
	}
	p, err := wire.DecodePlacement(bytes.NewReader(answer.Placement))
	if err != nil {
		return err
	}
	e.apply(p)
	if due, err := e.registrationDue(); err != nil || due {
		return errors.Join(err, errors.New("registered, but the placement does not show it yet"))
	}
	return nil
}

// poll waits for a placement newer than version; nil when there is none yet.
func (e *Edge) poll(ctx context.Context, balancer string, version uint64) (*wire.Placement, error) {
	ctx, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, balancer+wire.PathPlacement+"?after="+strconv.FormatUint(version, 10), nil)
	if err != nil {
		return nil, err
	}
	e.sign(req)
	resp, err := e.peers.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
		return wire.DecodePlacement(resp.Body)
	case http.StatusNoContent:
		return nil, nil
	case http.StatusForbidden:
		return nil, fmt.Errorf("%s: %w", balancer, errForbidden)
	}
	return nil, fmt.Errorf("%s answers %s", balancer, resp.Status)
}

// apply makes a newer placement this edge's: boundaries move, inherited sessions
// are warmed, purges that were missed are carried out.
func (e *Edge) apply(p *wire.Placement) {
	if p.Version < e.placement().Version {
		return // this balancer is behind
	}
	inherited := e.sessions.follow(p)
	before := e.view.Swap(p)
	e.noteRemoval(before, p)
	for _, purge := range p.Purges {
		if purge.Seq > e.purged {
			e.purge(purge)
			e.purged = purge.Seq
		}
	}
	if n := len(p.Purges); n > 0 && p.Version != before.Version {
		e.writeNumber("purged", e.purged)
	}
	e.detector.follow(p, e.cfg.Name, e.now())
	if len(inherited) > 0 {
		e.counts.inherited.Add(int64(len(inherited)))
		e.log.Info().Int("sessions", len(inherited)).Uint64("version", p.Version).Msg("took sessions over")
		select {
		case e.warming <- inherited:
		default: // so many takeovers at once: players will ask anyway
		}
	}
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// noteRemoval tells once that this edge was taken out of the ring: an operator's
// remove must not be undone by the process that is still there. One that was
// declared dead, and removed while it was, registers again.
func (e *Edge) noteRemoval(before, now *wire.Placement) {
	was, ok := before.Edge(e.cfg.Name)
	if _, there := now.Edge(e.cfg.Name); !ok || there || !was.Removing || was.State == wire.EdgeDown {
		return
	}
	e.taken.Store(true)
	e.log.Info().Uint64("version", now.Version).Msg("removed from the ring; this process can be ended, and joins again when it is started anew")
}

// awaitVersion waits a moment for a placement that a balancer has already.
func (e *Edge) awaitVersion(ctx context.Context, version uint64) {
	deadline := time.Now().Add(openWaits)
	for e.placement().Version < version && time.Now().Before(deadline) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// post sends JSON to a node and reads JSON back; answer may be nil.
func (e *Edge) post(ctx context.Context, limit time.Duration, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	e.sign(req)
	resp, err := e.peers.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%s: %w", url, errForbidden)
	}
	if resp.StatusCode >= 300 {
		line, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return fmt.Errorf("%s: %s: %s", url, resp.Status, bytes.TrimSpace(line))
	}
	if answer == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
		return nil
	}
	return json.NewDecoder(io.LimitReader(resp.Body, wire.MaxPlacement)).Decode(answer)
}
