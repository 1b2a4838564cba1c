package member

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/clock"
	"tandem/edge/fetch"
	"tandem/edge/recovery"
	"tandem/edge/silence"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// TestNoticesAndReportsGoOutAtTheirIntervals: each that watches a table is told at the one,
// the balancers at the other, neither seldomer nor more often (claims 3, 4, 10, 16).
func TestNoticesAndReportsGoOutAtTheirIntervals(t *testing.T) {
	store, err := segstore.Open(t.TempDir(), segstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	synctest.Test(t, func(t *testing.T) {
		r := newTrio(t, 8)
		m := &Member{
			cfg: Config{Name: "e1", NoticeEvery: 200 * time.Millisecond, ReportEvery: 500 * time.Millisecond, SilentFor: 3},
			now: time.Now, tables: r.tables["e1"], view: fetch.NewView("e1", time.Now), store: store, clock: clock.New(time.Now, zerolog.Nop()),
			call:    call.NewClient("e1", wire.Secret{}, nil), // the others have no addresses
			traffic: func() wire.Report { return wire.Report{} },
			Copier:  recovery.New(recovery.Deps{}), standIns: &silence.StandIns{Log: zerolog.Nop(), Now: time.Now},
		}
		m.view.Swap(r.placement)
		m.base.Store(r.placement)
		told := 0
		for i := range r.placement.Pairs {
			told += len(ring.Told(r.placement, &r.placement.Pairs[i])) - 1 // all three hold each of the three tables
		}
		const intervals = 10
		ctx, cancel := context.WithTimeout(t.Context(), intervals*m.cfg.NoticeEvery+m.cfg.NoticeEvery/2)
		defer cancel()
		if err := m.notices(ctx); err != nil {
			t.Fatal(err)
		}
		if n := int(m.tables.sequence.Load()); n != intervals*told {
			t.Errorf("%d notices in %d intervals, want %d in each", n, intervals, told)
		}
		ctx, cancel = context.WithTimeout(t.Context(), intervals*m.cfg.ReportEvery+m.cfg.ReportEvery/2)
		defer cancel()
		if err := m.reports(ctx); err != nil {
			t.Fatal(err)
		}
		if n := m.Counts.Reports.Load(); n != intervals {
			t.Errorf("%d reports in %d intervals", n, intervals)
		}
	})
}
