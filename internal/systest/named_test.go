package systest

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Keys, certificates and the authority change while people watch, an edge dies in the
// middle, and another one is shut out: nobody sees any of it.
//
//	tandem demo; tandem bench --viewers 24 --retries 0; tandem keys rotate tokens; tandem cluster authority new, use, drop; tandem revoke edge-3
func TestWhatNodesTrustChangesUnderViewers(t *testing.T) {
	h := start(t, "--edges", "4", "--capacity", "16")
	a := seat(t, h)
	a.watch(24, stored, player.Config{For: 10 * time.Minute, Buffer: 12 * time.Second, Retries: 0})
	everybody(t, h, 24)
	say := func(args ...string) {
		t.Helper()
		if out, errs, code := h.Command(args...); code != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
	}
	say("keys", "rotate", "tokens")
	say("keys", "rotate", "datagrams")
	say("cluster", "authority", "new")
	time.Sleep(2 * time.Second) // edges that follow the placement have it within moments
	say("cluster", "authority", "use")
	killed(t, h, "edge-2")
	returned(t, h, "edge-2")
	said := ""
	defer func() { t.Log("the end of the old root:", said) }()
	h.Await("every node has a certificate of the new root", 20*time.Second, func(*wire.Status) bool {
		_, errs, code := h.Command("cluster", "authority", "drop")
		said = errs
		if code != 0 && !strings.Contains(errs, "would need a new ticket") {
			t.Fatalf("refused otherwise: %s", errs)
		}
		return code == 0
	})
	time.Sleep(2 * time.Second)
	everybody(t, h, 24)
	began := time.Now()
	say("revoke", "edge-3")
	h.Await("edge-3 is shut out", 2*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-3") == wire.EdgeDown })
	t.Logf("shut out %s after the order was given", time.Since(began).Round(time.Millisecond))
	h.Await("everybody is still in", 20*time.Second, sessions(24))
	time.Sleep(3 * time.Second) // every viewer asks for more than once
	if s, err := h.Status(); err != nil || cluster.EdgeState(s, "edge-3") != wire.EdgeDown {
		t.Errorf("edge-3 came back by itself: %v", err)
	}
	nothingSeen(t, a.report(false), 24, 100)
}

// Media goes in clear where the operator has it so, and an edge dies meanwhile: the same
// bytes, and nobody sees it.
//
//	tandem demo --edge-flags=--node-media=plain --lb-flags=--node-media=plain; tandem bench --kill
func TestMediaInClearIsTakenOverAsWell(t *testing.T) {
	h := start(t, "--edges", "3", "--balancers", "1", "--capacity", "16", "--edge-flags=--node-media=plain", "--lb-flags=--node-media=plain")
	a := seat(t, h)
	a.watch(12, stored, player.Config{For: 10 * time.Minute, Buffer: 10 * time.Second, Retries: 0})
	everybody(t, h, 12)
	f := h.File()
	sealed := func(what string) float64 { return metric(t, f.Node("lb-1").Admin, "tandem_lb_sealed_"+what, "") }
	h.Await("media is asked for in clear", 30*time.Second, func(*wire.Status) bool { return sealed("total")-sealed("elsewhere_total") > 10 })
	killed(t, h, "edge-2")
	before := sealed("total") - sealed("elsewhere_total")
	h.Await("it goes on so", 30*time.Second, func(*wire.Status) bool { return sealed("total")-sealed("elsewhere_total") > before+10 })
	if n := sealed("altered_total"); n != 0 {
		t.Errorf("%.0f answers count as changed on the way", n)
	}
	nothingSeen(t, a.report(false), 12, 60)
}
