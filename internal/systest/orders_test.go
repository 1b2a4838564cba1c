package systest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// An operator's order costs no viewer more than a kill -9 would: nothing. At the limit
// and with room each of them moves viewers, and every session is afterwards what it was:
// the same slot, the same generation, the same time of opening.
//
//	tandem demo --edges 5 --capacity 8; tandem bench --viewers 30 --retries 0; tandem remove edge-3
func TestAnOrderCostsNobodyAnything(t *testing.T) {
	out := func(names ...string) func(s *wire.Status) bool {
		return func(s *wire.Status) bool {
			for _, name := range names {
				if cluster.EdgeState(s, name) != "" || inPair(s, name) {
					return false
				}
			}
			return cluster.AllUp(s)
		}
	}
	for _, row := range []struct {
		name    string
		viewers int
		flags   []string
		do      func(t *testing.T, h *cluster.Harness)
		over    func(s *wire.Status) bool
	}{
		{"remove at the limit", 30, nil, func(t *testing.T, h *cluster.Harness) { order(t, h, "remove", "edge-3") }, out("edge-3")},
		{"drain and remove at the limit", 30, nil, func(t *testing.T, h *cluster.Harness) {
			order(t, h, "drain", "edge-3")
			h.Await("nobody is at the drained edge", 20*time.Second, delivering(map[string]int{"edge-3": 0}))
			order(t, h, "remove", "edge-3")
		}, out("edge-3")},
		{"two removals in a row", 18, nil, func(t *testing.T, h *cluster.Harness) {
			order(t, h, "remove", "edge-3")
			order(t, h, "remove", "edge-2")
		}, out("edge-2", "edge-3")},
		{"join at the limit", 30, nil, func(t *testing.T, h *cluster.Harness) { must(t, h.Add(newcomer(t, h, "edge-6"))) }, func(s *wire.Status) bool {
			return inPair(s, "edge-6") && cluster.AllUp(s)
		}},
		{"automatic removal", 30, []string{"--lb-flags", "--dead-after=3s"}, func(t *testing.T, h *cluster.Harness) { must(t, h.Kill("edge-3")) }, out("edge-3")},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := start(t, append([]string{"--edges", "5", "--capacity", "8"}, row.flags...)...)
			a := seat(t, h)
			a.watch(row.viewers, stored, player.Config{For: 10 * time.Minute, Buffer: 12 * time.Second, Retries: 0})
			before := everybody(t, h, row.viewers)
			row.do(t, h)
			h.Await(row.name, 40*time.Second, row.over)
			h.Await("everybody is still in", 20*time.Second, sessions(row.viewers))
			time.Sleep(4 * time.Second) // every viewer asks for more than once
			if after := opened(t, h); !maps.Equal(before, after) {
				t.Errorf("sessions before and after:\n%s\n%s", sorted(before), sorted(after))
			}
			nothingSeen(t, a.report(false), row.viewers, 100)
		})
	}
}

// everybody waits until so many sessions are open, and both members of each pair know of
// them: what a neighbour has not been told yet may be opened anew after a death. It
// returns when each was opened.
func everybody(t *testing.T, h *cluster.Harness, viewers int) map[wire.SessionID]int64 {
	t.Helper()
	h.Await("everybody is in", 20*time.Second, sessions(viewers))
	var why error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		all := opened(t, h)
		if why = agree(t, h); why == nil && len(all) == viewers {
			return all
		}
	}
	t.Fatalf("%d sessions are not all in both members' tables: %v", viewers, why)
	return nil
}

// opened is when each session was opened.
func opened(t *testing.T, h *cluster.Harness) map[wire.SessionID]int64 {
	t.Helper()
	all := map[wire.SessionID]int64{}
	for _, s := range openSessions(t, h) {
		all[s.SessionID] = s.Opened
	}
	return all
}

func sorted(all map[wire.SessionID]int64) (list []string) {
	for id, at := range all {
		list = append(list, fmt.Sprintf("%d-%d-%d at %d", id.Pair, id.Slot, id.Generation, at))
	}
	slices.Sort(list)
	return list
}
