package member

import (
	"context"
	"fmt"
	"strings"
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

// TestNewsThatFitIntoNoNoticeAreToldOnByTheNext: none is larger than what is taken, and who is
// told does not take a table for whole that others have more to say of (claims 22, 30).
func TestNewsThatFitIntoNoNoticeAreToldOnByTheNext(t *testing.T) {
	r := newTrio(t, 128)
	var ids []wire.SessionID
	for range 60 {
		ids = append(ids, r.open("e1", 10))
	}
	r.tell("e1", "e2")
	r.tell("e1", "e2")
	for i, id := range ids {
		s := r.has("e1", id)
		for k := range wire.MaxManifests {
			s.asked(fmt.Sprintf("/%d/%d/%s.m3u8", i, k, strings.Repeat("x", wire.MaxTrackKey-40)))
		}
		r.of("e1").tell(id.Slot, id.Generation)
	}
	r.change(func(*wire.Placement) {})
	r.follow("e1", "e2", "e3")
	notices := 0
	for more := true; more && notices < 10; notices++ {
		o := r.send("e1", "e2")
		more = o.notice.More
		if !r.take(o, "e2") {
			t.Fatalf("notice %d was refused", notices)
		}
		if current := r.of("e2").watchers["e1"].current; (current == r.placement.Version) == more {
			t.Errorf("notice %d, more to come %v: taken for whole by version %d", notices, more, current)
		}
		r.of("e1").acknowledged(o)
	}
	if notices < 2 || notices == 10 {
		t.Errorf("%d notices", notices)
	}
	for _, id := range ids {
		if n := len(r.has("e2", id).manifests); n != wire.MaxManifests {
			t.Fatalf("slot %d: %d manifests", id.Slot, n)
		}
	}
}
