package member

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tandem/edge/prefetch"
	"tandem/edge/silence"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Limits of following the placement.
const (
	pollApart   = 10 * time.Millisecond  // between two changes of the placement: many at once are one
	pollFor     = 30 * time.Second       // longer than the balancers hold a poll
	lagReports  = 8                      // a balancer that has not told what others had so many reports ago is left
	unfollowed  = 6 * time.Second        // longer than a balancer that takes this edge in, or refuses it, needs; who is asked for longer was followed
	retryAfter  = 200 * time.Millisecond // after a balancer failed, before the next is asked
	askForState = 2 * time.Second        // longest a placement can be wrong about this edge before it says so again
	keysLimit   = 2 * time.Second        // for the keys to come
	openWaits   = 500 * time.Millisecond // an opening waits so long for a placement that is on its way
	reportWaits = 200 * time.Millisecond // a report that is asked for does
)

// ErrNameTaken ends an edge whose name another process uses.
var ErrNameTaken = errors.New("the name of this edge is another's; see --name")

// follow keeps the placement current, and this edge in it, until ctx ends.
func (m *Member) follow(ctx context.Context) error {
	followed := m.now() // or begun
	for turn := 0; ctx.Err() == nil; turn++ {
		balancer, asked := m.cfg.Balancers[turn%len(m.cfg.Balancers)], m.now()
		err := m.followOne(ctx, balancer)
		if errors.Is(err, ErrNameTaken) {
			return err
		}
		status := call.StatusOf(err)
		stranger := status == http.StatusNotFound || status == http.StatusMethodNotAllowed
		if stranger {
			err = fmt.Errorf("no balancer answers there, see --balancers (operators' listener is another port than nodes'): %w", err)
		}
		if now := m.now(); now.Sub(asked) > unfollowed {
			followed = now
		} else if err != nil && ctx.Err() == nil && (now.Sub(followed) > unfollowed || stranger || status == http.StatusBadRequest) {
			m.log.Warn().Err(err).Str("balancer", balancer).Msg("no balancer can be followed; trying the next")
		}
		silence.Wait(ctx, retryAfter)
	}
	return nil
}

// followOne registers where that is due and polls one balancer until it fails.
func (m *Member) followOne(ctx context.Context, balancer string) error {
	for ctx.Err() == nil {
		due, err := m.registrationDue()
		if err != nil {
			return err
		}
		if due {
			if err := m.announce(ctx, balancer); err != nil {
				return err
			}
			continue
		}
		p, err := m.poll(ctx, balancer)
		if errors.Is(err, wire.ErrDelta) {
			m.whole = true
			continue
		}
		if err != nil {
			return err
		}
		if p != nil {
			m.apply(p)
			silence.Wait(ctx, pollApart)
		}
		if err := m.takeKeys(ctx, balancer); err != nil {
			return err
		}
	}
	return nil
}

// takeKeys gets the keys when the placement tells of others than this edge has.
func (m *Member) takeKeys(ctx context.Context, balancer string) error {
	trust := m.view.Placement().Trust
	if trust == nil || trust.Keys <= m.Keys.Version() {
		return nil
	}
	var keys wire.Keys
	ctx, cancel := context.WithTimeout(ctx, keysLimit)
	defer cancel()
	if err := m.call.Ask(ctx, http.MethodGet, balancer+wire.PathKeys, nil, &keys); err != nil {
		return err
	}
	if err := keys.Check(); err != nil {
		return err
	}
	m.Keys.Take(keys)
	return nil
}

// registrationDue compares the placement with what this edge is: absent, of a
// former life, or declared dead while it lives.
func (m *Member) registrationDue() (bool, error) {
	self, ok := m.view.Placement().Edge(m.cfg.Name)
	mine := m.incarnation.Load()
	switch {
	case m.leaving.Load():
		return false, nil
	case !ok && m.taken.Load():
		return false, nil // removed for good: it comes back when it is started anew
	case !ok:
		return true, nil
	case self.Incarnation > mine && self.HTTP != m.address:
		return false, fmt.Errorf("%w: %s at %s", ErrNameTaken, m.cfg.Name, self.HTTP)
	case self.Incarnation > mine || self.Incarnation == mine && self.State == wire.EdgeDown:
		m.incarnation.Store(max(m.numbers.Next(uint64(m.now().UnixMilli()), m.incarnation.Load()), self.Incarnation+1))
		for _, t := range m.tables.list() {
			t.forgetTelling()
		}
		m.log.Warn().Msg("declared dead while alive; coming back as a new incarnation")
		return true, nil
	}
	return self.Incarnation < mine || self.HTTP != m.address || self.Public != m.cfg.Public || !m.cfg.Assumed && (self.Assumed || max(self.Capacity, self.Asks) != m.cfg.Capacity) || self.Zone != m.cfg.Zone, nil
}

// announce registers this edge and takes the placement in which it then stands.
func (m *Member) announce(ctx context.Context, balancer string) error {
	stats := m.store.Stats()
	reg := wire.Register{
		Edge: wire.Edge{
			Name: m.cfg.Name, HTTP: m.address, Admin: m.admin, Public: m.cfg.Public, Capacity: m.cfg.Capacity, Assumed: m.cfg.Assumed, Zone: m.cfg.Zone, Incarnation: m.incarnation.Load(), After: m.cfg.After,
		},
		After: m.cfg.After, Empty: stats.Objects == 0,
	}
	var answer struct {
		Placement json.RawMessage `json:"placement"`
	}
	if err := m.post(ctx, 5*time.Second, balancer+wire.PathRegister, reg, &answer); err != nil {
		if taken := nameTaken(err); taken != "" {
			return fmt.Errorf("%w: %s", ErrNameTaken, taken)
		}
		if call.StatusOf(err) == http.StatusForbidden {
			m.log.Warn().Err(err).Str("balancer", balancer).Msg("the balancer refuses this edge (403): the error says why, see --identity and --secret-file")
		}
		return err
	}
	p, err := wire.DecodePlacement(bytes.NewReader(answer.Placement))
	if err != nil {
		return err
	}
	if !m.foreign.heard(m, balancer, p) {
		return errForeign
	}
	m.apply(p)
	if due, err := m.registrationDue(); err != nil || due {
		return errors.Join(err, errors.New("registered, but the placement does not show it yet"))
	}
	return nil
}

// nameTaken is what a balancer says of who has this edge's name, empty when that is
// not why it refuses.
func nameTaken(err error) string {
	var refused *call.StatusError
	var said struct {
		wire.Refusal
		Error string `json:"error"`
	}
	if !errors.As(err, &refused) || json.Unmarshal(refused.Body, &said) != nil || said.Reason != wire.ReasonNameTaken {
		return ""
	}
	return said.Error
}

// poll waits for a placement newer than the last one; nil when there is none yet. What
// it is told is what has changed, where the balancer knows that.
func (m *Member) poll(ctx context.Context, balancer string) (*wire.Placement, error) {
	ctx, cancel := m.lag.Poll(ctx, pollFor)
	defer cancel()
	base, after := m.base.Load(), uint64(0)
	if !m.whole {
		after = base.Version
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, balancer+wire.PathPlacement+"?after="+strconv.FormatUint(after, 10)+"&cluster="+base.Cluster, nil)
	if err != nil {
		return nil, err
	}
	if !m.whole {
		req.Header.Set("A-IM", wire.DeltaPlacement)
	}
	resp, err := m.call.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
		m.whole = false
		p, err := wire.DecodePlacement(resp.Body)
		if err == nil && !m.foreign.heard(m, balancer, p) {
			return nil, errForeign
		}
		return p, err
	case http.StatusIMUsed:
		d, err := wire.DecodeDelta(resp.Body)
		if err != nil {
			return nil, err
		}
		p, err := d.Apply(base)
		if err != nil {
			return nil, err
		}
		m.foreign.own = m.now()
		if ring.Contradict(d.Digest, m.digester.Of(p)) { // it was made of another one than this edge has: of a balancer that reckons differently
			return nil, wire.ErrDelta
		}
		return p, nil
	case http.StatusNoContent:
		m.foreign.own = m.now()
		return nil, nil
	case http.StatusForbidden:
		return nil, fmt.Errorf("%s: 403: refused, another secret?", balancer)
	}
	return nil, fmt.Errorf("%s answers %s", balancer, resp.Status)
}

// apply makes a newer placement this edge's: boundaries move, inherited sessions
// are warmed, purges that were missed are carried out.
func (m *Member) apply(p *wire.Placement) {
	m.applying.Lock()
	before := m.base.Load()
	if p.Version < before.Version {
		m.applying.Unlock()
		return // this balancer is behind
	}
	m.base.Store(p)
	m.noteRemoval(before, p)
	for _, purge := range p.Purges {
		if purge.Seq > m.purged {
			m.fetch.Purge(purge)
			m.purged = purge.Seq
		}
	}
	if n := len(p.Purges); n > 0 && p.Version != before.Version {
		m.numbers.Write("purged", m.purged)
	}
	m.applied(before, p)
	m.silence.Follow(p, m.cfg.Name, m.now())
	m.applying.Unlock()
	m.show()
}

// show makes the placement, with what this edge has found by itself laid over it,
// what it goes by.
func (m *Member) show() {
	m.applying.Lock()
	defer m.applying.Unlock()
	base := m.base.Load()
	p := ring.Overlay(base, m.standIns.Lives(base))
	inherited := m.tables.follow(p, m.clock.Now().UnixMilli())
	m.view.Swap(p)
	inherit(m, inherited, p.Version)
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// inherit has what comes next in sessions that were taken over made ready.
func inherit(m *Member, inherited []prefetch.Inherited, version uint64) {
	if len(inherited) == 0 {
		return
	}
	m.Counts.Inherited.Add(int64(len(inherited)))
	m.log.Info().Int("sessions", len(inherited)).Uint64("version", version).Msg("took sessions over")
	select {
	case m.takeovers <- inherited:
	default: // so many takeovers at once: players will ask anyway
	}
}

// noteRemoval tells once that this edge was taken out of the ring: an operator's
// remove must not be undone by the process that is still there. One that was
// declared dead, and removed while it was, registers again.
func (m *Member) noteRemoval(before, now *wire.Placement) {
	was, ok := before.Edge(m.cfg.Name)
	if _, there := now.Edge(m.cfg.Name); !ok || there || !was.Removing || was.State == wire.EdgeDown {
		return
	}
	m.taken.Store(true)
	m.log.Info().Uint64("version", now.Version).Msg("removed from the ring; this process can be ended, and joins again when it is started anew")
}

// awaitVersion waits a moment for a placement that a balancer has already.
func (m *Member) awaitVersion(ctx context.Context, version uint64, limit time.Duration) {
	deadline := time.Now().Add(limit)
	for m.view.Placement().Version < version && time.Now().Before(deadline) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}
