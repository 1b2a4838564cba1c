package control

import (
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

func TestKeysAreMadeAndEndedInTheirTime(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	const life, good = 24 * time.Hour, time.Hour
	set := func(sealing uint8, keys ...wire.Key) *wire.KeySet { return &wire.KeySet{Sealing: sealing, Keys: keys} }
	many := set(1, wire.Key{ID: 1, Made: ago(30 * time.Hour)})
	for i := range uint8(wire.MaxKeys - 1) {
		many.Keys = append([]wire.Key{{ID: i + 2, Made: ago(time.Hour), Ceased: ago(time.Minute)}}, many.Keys...)
	}
	for what, row := range map[string]struct {
		set  *wire.KeySet
		kind placement.Kind
		id   uint8
	}{
		"none yet":                          {set(0), placement.KeyNew, 0},
		"a young one":                       {set(1, wire.Key{ID: 1, Made: ago(23 * time.Hour)}), "", 0},
		"an old one":                        {set(1, wire.Key{ID: 1, Made: ago(25 * time.Hour)}), placement.KeyNew, 0},
		"an old one, and the next":          {set(1, wire.Key{ID: 1, Made: ago(25 * time.Hour)}, wire.Key{ID: 2, Made: ago(0)}), placement.KeyUse, 2},
		"a former one whose work is good":   {set(2, wire.Key{ID: 1, Ceased: ago(good)}, wire.Key{ID: 2, Made: ago(0)}), "", 0},
		"one by a clock that is ahead":      {set(2, wire.Key{ID: 1, Ceased: ago(good + keyMargin)}, wire.Key{ID: 2, Made: ago(0)}), "", 0},
		"a former one whose work is over":   {set(2, wire.Key{ID: 1, Ceased: ago(good + keyMargin + time.Second)}, wire.Key{ID: 2, Made: ago(0)}), placement.KeyDrop, 1},
		"as many as there may be, all good": {many, "", 0},
	} {
		if kind, id := dueKey(row.set, now, life, good); kind != row.kind || id != row.id {
			t.Errorf("%s: %q %d, want %q %d", what, kind, id, row.kind, row.id)
		}
	}
}

// A key seals when all open with it who may be shown what it seals: a silent edge is
// waited for until it is down, a silent balancer is not.
func TestKeySealsWhenAllHaveIt(t *testing.T) {
	p := (&wire.Placement{
		Edges:     []wire.Edge{{Name: "a", State: wire.EdgeUp}, {Name: "b", State: wire.EdgeRecovering}},
		Balancers: []wire.Balancer{{Name: "x"}, {Name: "y"}},
	}).Index()
	for what, row := range map[string]struct {
		edges, balancers map[string]uint64
		b                wire.EdgeState
		all              bool
	}{
		"all":                             {map[string]uint64{"a": 5, "b": 6}, map[string]uint64{"x": 5, "y": 5}, wire.EdgeRecovering, true},
		"an edge that is behind":          {map[string]uint64{"a": 5, "b": 4}, map[string]uint64{"x": 5, "y": 5}, wire.EdgeRecovering, false},
		"an edge that has said nothing":   {map[string]uint64{"a": 5}, map[string]uint64{"x": 5, "y": 5}, wire.EdgeRecovering, false},
		"an edge that is down":            {map[string]uint64{"a": 5}, map[string]uint64{"x": 5, "y": 5}, wire.EdgeDown, true},
		"a balancer that is behind":       {map[string]uint64{"a": 5, "b": 5}, map[string]uint64{"x": 5, "y": 4}, wire.EdgeUp, false},
		"a balancer that does not answer": {map[string]uint64{"a": 5, "b": 5}, map[string]uint64{"x": 5}, wire.EdgeUp, true},
	} {
		p.Edges[1].State = row.b
		of := func(m map[string]uint64, name string) (uint64, bool) { has, ok := m[name]; return has, ok }
		got := allHave(p, 5, func(e wire.Edge) (uint64, bool) { return of(row.edges, e.Name) }, func(name string) (uint64, bool) { return of(row.balancers, name) })
		if got != row.all {
			t.Errorf("%s: %v", what, got)
		}
	}
}
