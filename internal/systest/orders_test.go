package systest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// An operator's order costs no viewer more than a kill -9 would: nothing. At the limit
// and with room each of them moves viewers, and every session is afterwards what it was:
// the same slot, the same generation, the same time of opening, as far as its viewer is.
//
//	tandem demo --edges 5 --capacity 8; tandem bench --viewers 30 --retries 0; tandem remove edge-3
//	make orders
//
// One seed at the limit, or as many as TANDEM_ORDERS says, also with room; the first is
// TANDEM_ORDERS_SEED.
func TestAnOrderCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	seeds, first := 1, uint64(time.Now().UnixNano())
	var sum player.Report
	if text := os.Getenv("TANDEM_ORDERS"); text != "" {
		n, err := strconv.Atoi(text)
		must(t, err)
		seeds = n
	}
	if text := os.Getenv("TANDEM_ORDERS_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		must(t, err)
		first = n
	}
	for seed := first; seed < first+uint64(seeds); seed++ {
		for _, o := range orders {
			crowds := []int{o.most}
			if os.Getenv("TANDEM_ORDERS") != "" {
				crowds = append(crowds, withRoom)
			}
			for _, viewers := range crowds {
				t.Run(fmt.Sprintf("%s, %d viewers, seed %d", o.name, viewers, seed), func(t *testing.T) {
					sum.Add(o.try(t, viewers, rand.New(rand.NewPCG(seed, uint64(viewers)))))
				})
			}
		}
	}
	t.Logf("%d seeds: %s", seeds, sum)
}

// withRoom is so few viewers that no order brings any edge to its limit.
const withRoom = 12

// operators' orders, and what the ring does by itself.
var orders = []ringOrder{
	{"remove", 30, nil, func(r *ringOrders) { r.remove(0) }},
	{"drain, then remove", 30, nil, func(r *ringOrders) {
		order(r.t, r.h, "drain", r.edges[0])
		r.h.Await("nobody is at the drained edge", 20*time.Second, delivering(map[string]int{r.edges[0]: 0}))
		r.remove(0)
	}},
	{"two removals in a row", 22, nil, func(r *ringOrders) {
		r.remove(0)
		r.remove(1)
	}},
	{"join", 30, nil, func(r *ringOrders) {
		must(r.t, r.h.Add(newcomer(r.t, r.h, "edge-6", "--after", r.edges[0])))
		r.joined = "edge-6"
	}},
	{"automatic removal", 30, []string{"--lb-flags", "--dead-after=3s"}, func(r *ringOrders) {
		must(r.t, r.h.Kill(r.edges[0]))
		r.crowd.held.death()
		r.gone = r.edges[:1]
	}},
}

// ringOrder is one kind of change.
type ringOrder struct {
	name  string
	most  int // viewers, for whom there is room in the ring as it is afterwards
	flags []string
	give  func(r *ringOrders)
}

// ringOrders is one cluster and what it is told to do.
type ringOrders struct {
	t      *testing.T
	h      *cluster.Harness
	crowd  *alone
	edges  []string // in random order
	gone   []string
	joined string
}

func (r *ringOrders) remove(i int) {
	order(r.t, r.h, "remove", r.edges[i])
	r.gone = r.edges[:i+1]
}

// over: the ring is what it is to become.
func (r *ringOrders) over(s *wire.Status) bool {
	for _, name := range r.gone {
		if cluster.EdgeState(s, name) != "" || inPair(s, name) {
			return false
		}
	}
	return cluster.AllUp(s) && (r.joined == "" || inPair(s, r.joined))
}

// try lets viewers in, gives the order in the middle of it, and compares what the
// cluster says of sessions with what the viewers hold.
func (o *ringOrder) try(t *testing.T, viewers int, random *rand.Rand) (sum player.Report) {
	h := start(t, append([]string{"--edges", "5", "--capacity", "8"}, o.flags...)...)
	r := &ringOrders{t: t, h: h, edges: []string{"edge-1", "edge-2", "edge-3", "edge-4", "edge-5"}}
	random.Shuffle(len(r.edges), func(i, j int) { r.edges[i], r.edges[j] = r.edges[j], r.edges[i] })
	r.crowd = apart(seat(t, h), viewers, func(i int) (string, player.Config) {
		return stored, player.Config{
			For: 10 * time.Minute, Rendition: random.IntN(4), Start: random.IntN(30), Speed: 1 + random.Float64(),
			Buffer: 12*time.Second + time.Duration(random.Int64N(int64(8*time.Second))),
		}
	})
	before := everybody(t, h, viewers)
	r.crowd.held.openedAt(before)
	time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second)))) // somewhere in the viewers' rhythm
	o.give(r)
	h.Await(o.name, 40*time.Second, r.over)
	h.Await("everybody is still in", 20*time.Second, sessions(viewers))
	r.crowd.further(viewers)
	if took, err := r.crowd.asHeld(5 * time.Second); err != nil {
		t.Errorf("sessions differ from what viewers hold: %v", err)
	} else {
		t.Logf("%s of %v: sessions are what viewers hold, after %s", o.name, r.edges[:max(1, len(r.gone))], took.Round(time.Millisecond))
	}
	if after := opened(t, h); !maps.Equal(before, after) {
		t.Errorf("sessions before and after:\n%s\n%s", sorted(before), sorted(after))
	}
	for _, report := range r.crowd.leave() {
		sum.Add(report)
	}
	nothingSeen(t, sum, viewers, 4*viewers)
	t.Log(sum)
	return sum
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
