package systest

import (
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

// What nobody would order, in an order that nobody would choose: the second order comes
// before the first is done, and machines die under both. It costs no viewer more than
// one of them alone would: nothing; and every session is afterwards what its viewer
// holds.
//
//	make odd (TANDEM_ODD=10 seeds, from TANDEM_ODD_SEED on)
func TestOddOrdersCostNobodyAnything(t *testing.T) {
	text := os.Getenv("TANDEM_ODD")
	if text == "" {
		t.Skip("make odd: minutes for a seed")
	}
	seeds, err := strconv.Atoi(text)
	must(t, err)
	first := uint64(time.Now().UnixNano())
	if text := os.Getenv("TANDEM_ODD_SEED"); text != "" {
		first, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	var sum player.Report
	for seed := first; seed < first+uint64(seeds); seed++ {
		for _, o := range oddOrders {
			t.Run(o.name+", seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
				sum.Add(o.try(t, o.most, rand.New(rand.NewPCG(seed, uint64(o.most)))))
			})
		}
	}
	t.Log(sum)
}

// Of five edges of 8 in the ring; the viewers have room in what is left.
var oddOrders = []ringOrder{
	{"two neighbours removed in one breath", 18, nil, func(r *ringOrders) {
		r.edges = []string{"edge-2", "edge-3", "edge-4"}
		for _, name := range r.edges[:2] {
			order(r.t, r.h, "remove", name)
		}
		r.gone = r.edges[:2]
	}},
	{"all but two drained, and back", 14, nil, func(r *ringOrders) {
		for _, name := range r.edges[:3] {
			order(r.t, r.h, "drain", name)
		}
		r.h.Await("nobody is at the drained ones", 30*time.Second, delivering(map[string]int{r.edges[0]: 0, r.edges[1]: 0, r.edges[2]: 0}))
		for _, name := range r.edges[:3] {
			order(r.t, r.h, "resume", name)
		}
	}},
	{"a join beside a dead one", 22, nil, func(r *ringOrders) {
		r.dies(r.edges[0])
		must(r.t, r.h.Add(newcomer(r.t, r.h, "edge-6", "--after", r.edges[1])))
		r.h.Await("edge-6 is in the ring", 30*time.Second, func(s *wire.Status) bool { return inPair(s, "edge-6") })
		must(r.t, r.h.Restart(r.edges[0]))
		r.joined = "edge-6"
	}},
	{"a removal taken back", 22, nil, func(r *ringOrders) {
		order(r.t, r.h, "remove", r.edges[0])
		_, _, _ = r.h.Command("resume", r.edges[0]) // it may have left already
		r.h.Await("it is up, or out", 30*time.Second, func(s *wire.Status) bool {
			return cluster.EdgeState(s, r.edges[0]) == wire.EdgeUp || cluster.EdgeState(s, r.edges[0]) == ""
		})
	}},
	{"who is being removed dies", 22, nil, func(r *ringOrders) {
		order(r.t, r.h, "remove", r.edges[0])
		r.dies(r.edges[0])
		r.gone = r.edges[:1]
	}},
	{"a neighbour of who is being removed dies, and returns", 14, nil, func(r *ringOrders) {
		r.edges = []string{"edge-2", "edge-3"}
		order(r.t, r.h, "remove", "edge-2")
		r.dies("edge-3")
		r.h.Await("edge-3 is down", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-3") == wire.EdgeDown })
		must(r.t, r.h.Restart("edge-3"))
		r.gone = r.edges[:1]
	}},
	{"who joins dies before it is ready, and returns", 22, nil, func(r *ringOrders) {
		must(r.t, r.h.Add(newcomer(r.t, r.h, "edge-6", "--after", r.edges[0])))
		r.h.Await("edge-6 is known", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-6") != "" })
		r.dies("edge-6")
		must(r.t, r.h.Restart("edge-6"))
		r.joined = "edge-6"
	}},
	{"drained, killed, returned, resumed", 22, nil, func(r *ringOrders) {
		order(r.t, r.h, "drain", r.edges[0])
		r.dies(r.edges[0])
		must(r.t, r.h.Restart(r.edges[0]))
		r.h.Await("it is known", 20*time.Second, func(s *wire.Status) bool {
			state := cluster.EdgeState(s, r.edges[0])
			return state == wire.EdgeDraining || state == wire.EdgeUp
		})
		order(r.t, r.h, "resume", r.edges[0])
	}},
	{"less capacity than it has sessions", 18, nil, func(r *ringOrders) {
		r.dies(r.edges[0])
		must(r.t, r.h.RestartWith(r.edges[0], "--capacity", "2"))
		r.h.Await("its capacity is 2", 20*time.Second, func(s *wire.Status) bool {
			return slices.ContainsFunc(s.Edges, func(e wire.EdgeStatus) bool { return e.Name == r.edges[0] && e.Capacity == 2 })
		})
	}},
	{"another zone", 18, nil, func(r *ringOrders) {
		for _, name := range r.edges[:2] {
			r.dies(name)
			must(r.t, r.h.RestartWith(name, "--zone", "rack-"+name))
			r.h.Await("all are up", 30*time.Second, cluster.AllUp)
		}
	}},
	{"accepted late, as another one goes", 22, nil, func(r *ringOrders) {
		must(r.t, r.h.Add(newcomer(r.t, r.h, "edge-6", "--after", r.edges[1], "--capacity", "200")))
		r.h.Await("edge-6 waits", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-6") == wire.EdgePending })
		order(r.t, r.h, "remove", r.edges[0])
		order(r.t, r.h, "accept", "edge-6")
		r.gone, r.joined = r.edges[:1], "edge-6"
	}},
	{"the leader dies under a removal", 22, nil, func(r *ringOrders) {
		leader := r.leader()
		r.t.Logf("%s leads", leader)
		order(r.t, r.h, "remove", r.edges[0])
		must(r.t, r.h.Kill(leader))
		must(r.t, r.h.Restart(leader))
		r.gone = r.edges[:1]
	}},
	{"no majority, and a death", 18, nil, func(r *ringOrders) {
		for _, name := range []string{"lb-2", "lb-3"} {
			must(r.t, r.h.Kill(name))
		}
		r.dies(r.edges[0])
		r.crowd.further(18)
		for _, name := range []string{"lb-2", "lb-3", r.edges[0]} {
			must(r.t, r.h.Restart(name))
		}
	}},
}

// leader is the balancer that leads: not lb-1, by which the viewers come. Where that one
// does it is upgraded to what it is, by which no viewer loses anything, and hands the lead
// over.
func (r *ringOrders) leader() string {
	r.t.Helper()
	other := func(s *wire.Status) bool { return s.Leader != "" && s.Leader != "lb-1" }
	if s, err := r.h.Status(); err != nil || !other(s) {
		_, err := r.h.Upgrade("lb-1")
		must(r.t, err)
	}
	return r.h.Await("another one than lb-1 leads", 20*time.Second, other).Leader
}

// dies lets an edge die without a word.
func (r *ringOrders) dies(edge string) {
	must(r.t, r.h.Kill(edge))
	r.crowd.held.death()
}
