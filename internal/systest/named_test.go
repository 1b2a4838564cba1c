package systest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/access"
	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// signing are the keys by which viewers' addresses are signed, and the rules that name
// them.
type signing struct {
	t    *testing.T
	h    *cluster.Harness
	dir  string
	keys map[string][]byte
}

func newSigning(t *testing.T, ids ...string) *signing {
	s := &signing{t: t, dir: t.TempDir(), keys: map[string][]byte{}}
	for _, id := range ids {
		s.keys[id] = []byte("what signs by the key of the name " + id)
		must(t, os.WriteFile(filepath.Join(s.dir, id), s.keys[id], 0o600))
	}
	return s
}

// rules is the file, which names these keys.
func (s *signing) rules(ids ...string) string {
	s.t.Helper()
	text := "rules:\n- prefix: /sample/\n  tokens: [url]\n  keys:\n"
	for _, id := range ids {
		text += "  - {id: " + id + ", file: " + id + "}\n"
	}
	path := filepath.Join(s.dir, "access.yaml")
	must(s.t, os.WriteFile(path+"~", []byte(text), 0o600))
	must(s.t, os.Rename(path+"~", path))
	return path
}

// sign is the query that opens what is below a folder.
func (s *signing) sign(id, folder string) string {
	return "?token=" + access.SignURL(s.keys[id], id, folder+"*", "", time.Now().Add(time.Hour))
}

// change has the rules name these keys; known is a key that all balancers then have, gone
// one that none has. They are asked for what a token is not for: who has its key says so.
func (s *signing) change(known, gone string, ids ...string) {
	s.t.Helper()
	s.rules(ids...)
	f := s.h.File()
	says := func(base, id string) string {
		resp, err := http.Get(base + stored + s.sign(id, "/elsewhere/"))
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		return resp.Header.Get(wire.HeaderReason)
	}
	s.h.Await("every balancer has the viewers' keys", 20*time.Second, func(*wire.Status) bool {
		for _, name := range theBalancers {
			base := f.Node(name).HTTP
			if known != "" && says(base, known) != access.ReasonScope || gone != "" && says(base, gone) != access.ReasonInvalid {
				return false
			}
		}
		return true
	})
}

// Keys of sessions, of datagrams and of viewers' addresses, certificates and the authority
// change while 60 people watch and come, an edge dies in the middle, and another one is
// shut out: nobody sees any of it.
//
//	tandem demo --lb-flags=--access-file=access.yaml; tandem bench --viewers 60 --retries 0; tandem keys rotate tokens; tandem cluster authority new, use, drop; tandem revoke edge-3
func TestWhatNodesTrustChangesUnderViewers(t *testing.T) {
	t.Parallel()
	keys := newSigning(t, "k1", "k2")
	h := start(t, "--edges", "4", "--capacity", "40", "--lb-flags=--access-file="+keys.rules("k1"))
	keys.h = h
	a := seat(t, h)
	half := player.Config{For: 10 * time.Minute, Buffer: 12 * time.Second, Retries: 0}
	a.watch(30, stored+keys.sign("k1", "/sample/"), half)
	everybody(t, h, 30)
	say := func(args ...string) {
		t.Helper()
		if out, errs, code := h.Command(args...); code != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
	}
	say("keys", "rotate", "tokens")
	say("keys", "rotate", "datagrams")
	keys.change("k2", "", "k1", "k2")
	a.watch(30, stored+keys.sign("k2", "/sample/"), half)
	everybody(t, h, 60)
	say("cluster", "authority", "new")
	time.Sleep(2 * time.Second) // edges that follow the placement have it within moments
	say("cluster", "authority", "use")
	killed(t, h, "edge-2")
	keys.change("k2", "k1", "k2")
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
	h.Await("the key that came first seals, and another one is made", 20*time.Second, func(*wire.Status) bool {
		_, _, code := h.Command("keys", "rotate", "tokens")
		return code == 0
	})
	everybody(t, h, 60)
	began := time.Now()
	say("revoke", "edge-3")
	h.Await("edge-3 is shut out", 2*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, "edge-3") == wire.EdgeDown })
	t.Logf("shut out %s after the order was given", time.Since(began).Round(time.Millisecond))
	h.Await("everybody is still in", 20*time.Second, sessions(60))
	time.Sleep(3 * time.Second) // every viewer asks for more than once
	if s, err := h.Status(); err != nil || cluster.EdgeState(s, "edge-3") != wire.EdgeDown {
		t.Errorf("edge-3 came back by itself: %v", err)
	}
	nothingSeen(t, a.report(false), 60, 250)
}

// Media goes in clear where the operator has it so, and an edge dies meanwhile: the same
// bytes, and nobody sees it.
//
//	tandem demo --edge-flags=--node-media=plain --lb-flags=--node-media=plain; tandem bench --kill
func TestMediaInClearIsTakenOverAsWell(t *testing.T) {
	t.Parallel()
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
