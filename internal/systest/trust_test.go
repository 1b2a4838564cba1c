package systest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Each kind of key changes while 60 people watch who try nothing twice, and in the middle of
// the change an edge is killed, and then a balancer by which nobody watches, who leads if it
// can be: nobody sees any of it. Which edge, and how long after the order, is drawn. Objects go by
// multicast too, so that keys of datagrams are in use.
//
//	make trust (TANDEM_TRUST=1 rounds, from TANDEM_TRUST_SEED on)
func TestEveryKeyChangesUnderADeath(t *testing.T) {
	text := os.Getenv("TANDEM_TRUST")
	if text == "" {
		t.Skip("make trust: half a minute a round")
	}
	rounds, err := strconv.Atoi(text)
	must(t, err)
	if rounds > 7 {
		t.Fatalf("TANDEM_TRUST=%d: 7 rounds at most", rounds)
	}
	seed := rand.Uint64N(1 << 32)
	if text := os.Getenv("TANDEM_TRUST_SEED"); text != "" {
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("TANDEM_TRUST_SEED=%d", seed)
	keys := newSigning(t, "k1", "k2", "k3")
	c := &changes{t: t, h: start(t, "--edges", "4", "--capacity", "40", "--duplication", "multicast", "--lb-flags=--access-file="+keys.rules("k1")), keys: keys, rng: rand.New(rand.NewPCG(seed, seed))}
	keys.h = c.h
	must(t, c.h.Stop(theBalancers[0]))
	c.h.Await("another one leads than the one by which everybody will watch", 20*time.Second, func(s *wire.Status) bool { return s.Leader != "" && s.Leader != theBalancers[0] })
	must(t, c.h.Cont(theBalancers[0]))
	a := seat(t, c.h)
	half := player.Config{For: time.Hour, Buffer: 12 * time.Second, Retries: 0}
	a.watch(30, stored+keys.sign("k1", "/sample/"), half)
	everybody(t, c.h, 30)
	keys.change("k2", "", "k1", "k2")
	a.watch(30, stored+keys.sign("k2", "/sample/"), half)
	everybody(t, c.h, 60)
	for range rounds {
		c.round()
	}
	time.Sleep(3 * time.Second) // every viewer asks for more than once
	nothingSeen(t, a.report(false), 60, 250)
}

type changes struct {
	t    *testing.T
	h    *cluster.Harness
	keys *signing
	rng  *rand.Rand
}

// order gives one that may have to wait for what is under way, or for a balancer to lead.
func (c *changes) order(args ...string) {
	c.t.Helper()
	said := ""
	defer func() { c.t.Logf("%v: %s", args, strings.TrimSpace(said)) }()
	c.h.Await(strings.Join(args, " "), 40*time.Second, func(*wire.Status) bool {
		_, errs, code := c.h.Command(args...)
		said = errs
		return code == 0
	})
}

func (c *changes) round() {
	for _, purpose := range []string{"tokens", "datagrams"} {
		c.order("keys", "rotate", purpose) // up to eight are good at once: seven rounds
		c.deaths()
	}
	c.keys.rules("k1", "k2", "k3")
	c.deaths()
	c.order("cluster", "authority", "new")
	c.deaths()
	c.order("cluster", "authority", "use") // and every node's certificate
	c.deaths()
	c.order("cluster", "authority", "drop")
	c.deaths()
}

// deaths kills an edge somewhere within the change, then who leads, and brings both back.
func (c *changes) deaths() {
	c.t.Helper()
	time.Sleep(time.Duration(c.rng.IntN(1500)) * time.Millisecond) // somewhere within it
	edge := theEdges[c.rng.IntN(len(theEdges))]
	killed(c.t, c.h, edge)
	leader := ""
	c.h.Await("a balancer leads", 20*time.Second, func(s *wire.Status) bool { leader = s.Leader; return leader != "" })
	victim := leader
	if leader == theBalancers[0] { // by which everybody watches
		victim = theBalancers[1+c.rng.IntN(2)]
	}
	must(c.t, c.h.Kill(victim))
	c.t.Logf("%s: killed; %s led", victim, leader)
	c.h.Await("another one leads", 20*time.Second, func(s *wire.Status) bool { return s.Leader != "" && s.Leader != victim })
	must(c.t, c.h.Restart(victim))
	returned(c.t, c.h, edge)
	c.h.Await("all balancers vote", 30*time.Second, allVote(len(theBalancers)))
	everybody(c.t, c.h, 60)
}
