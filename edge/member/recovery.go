package member

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem/edge/recovery"
	"tandem/internal/wire"
)

// Limits of a recovery.
const (
	copyAgain  = 2 * time.Second
	readyAgain = 500 * time.Millisecond
	listsFor   = time.Second // so long manifests are waited for before an edge says that it is ready
	listsOnce  = 8           // of them at a time
)

// copying brings this edge to where every member of its pairs holds what the
// others hold (claims 14, 15, 28-31): after a return, as it joins, when a
// neighbour leaves, and now and then. When nothing is left to copy it says so.
func (m *Member) copying(ctx context.Context) error {
	timer := time.NewTimer(recovery.Every)
	defer timer.Stop()
	for {
		again := recovery.Every
		p := m.view.Placement()
		if complete := m.Copier.All(ctx, p, m.incarnation.Load()); !complete {
			again = copyAgain
		} else if recovery.Due(p, m.cfg.Name) {
			again = readyAgain
			if m.tables.complete() {
				m.next.have(ctx, m.tables.lists())
				m.Foresight.foresee(ctx, listsFor, func(t *table, slot int) bool { return t.comes(p, slot) }, func(*table) bool { return true })
				m.sayReady(ctx, p)
			} else {
				again = m.cfg.NoticeEvery / 2
			}
		} else {
			m.Copier.Progress.Store(nil)
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
			return nil
		case <-m.changed:
		case <-timer.C:
		}
	}
}

// complete tells whether this edge holds the whole of its tables (step 2 of figure
// 15), but for those that it is told lest two die at once: all that watch one have told it everything, by a placement in which each slot
// had the deliverer that it has now, and the deliverers had been told everything
// themselves.
func (s *tables) complete() bool {
	for _, t := range s.list() {
		if !t.complete() {
			return false
		}
	}
	return true
}

func (t *table) complete() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spare {
		return true
	}
	for _, part := range t.parts {
		if w := t.watchers[part.Owner]; w != nil && w.whole < t.since {
			return false
		}
	}
	return t.told()
}

// told tells whether all that watch the table, but for spare ones, have told this edge
// what they know. The caller holds mu.
func (t *table) told() bool {
	for _, w := range t.watchers {
		if !w.spare && w.current < t.since {
			return false
		}
	}
	return true
}

// have gets the manifests that sessions' positions are in, where they are not here or
// not fresh: those that are kept for moments alone are copied to nobody, and whoever takes
// sessions over without them does not know what comes next. What can't be got in time
// keeps nobody from being ready.
func (s *segments) have(ctx context.Context, lists map[string]wire.PairID) {
	ctx, cancel := context.WithTimeout(ctx, listsFor)
	defer cancel()
	var under errgroup.Group
	under.SetLimit(listsOnce)
	for key, pair := range lists {
		if ctx.Err() != nil {
			break
		}
		under.Go(func() error {
			s.renew(ctx, key, pair, false)
			return nil
		})
	}
	_ = under.Wait() // what could not be got is logged where it was
}

// lists are the manifests that positions are in, each with a pair whose sessions' they are.
func (s *tables) lists() map[string]wire.PairID {
	of := map[string]wire.PairID{}
	for _, t := range s.list() {
		t.mu.Lock()
		if !t.spare { // whose sessions come here only if two die at once
			for _, n := range t.sessions {
				for _, track := range n.places() {
					of[track.Manifest] = t.pair.ID
				}
			}
		}
		t.mu.Unlock()
	}
	return of
}

func (m *Member) sayReady(ctx context.Context, p *wire.Placement) {
	ready := wire.Ready{Edge: m.cfg.Name, Incarnation: m.incarnation.Load(), Version: p.Version}
	for _, balancer := range m.Balancers() { // the leader counts, and which one that is may change
		if err := m.post(ctx, time.Second, balancer+wire.PathReady, ready, nil); err != nil {
			m.log.Debug().Err(err).Msg("ready could not be told")
		}
	}
}
