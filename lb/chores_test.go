package lb

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm"
)

func TestLeavingEdgeGoesWhenItsHeirsHaveCopied(t *testing.T) {
	c := newControl(t, controlOptions{edges: 3, capacity: 8})
	c.propose(raftfsm.Command{Kind: raftfsm.Place, Stream: "/film/", Pair: 1})
	c.api(http.MethodPost, "/edges/edge-1/remove", nil, http.StatusOK, nil)
	p := c.lb.Placement()
	heirs := ring.Heirs(p, "edge-1")
	if c.state("edge-1") != wire.EdgeLeaving || len(heirs) == 0 {
		t.Fatalf("%s, heirs %v", c.state("edge-1"), heirs)
	}
	for i, name := range heirs {
		if _, ok := c.lb.Placement().Edge("edge-1"); !ok {
			t.Fatalf("it left when %d of %d had copied", i, len(heirs))
		}
		ready := wire.Ready{Edge: name, Incarnation: 1, Version: p.Version - 1} // of a moment before it was asked to leave
		c.node(http.MethodPost, wire.PathReady, ready, http.StatusNoContent, nil)
		ready.Version = p.Version
		c.node(http.MethodPost, wire.PathReady, ready, http.StatusNoContent, nil)
	}
	until(t, "it has left", func() bool { _, ok := c.lb.Placement().Edge("edge-1"); return !ok })
	// Its pair retires, and ends when both members report it empty.
	for _, m := range c.members[1:] {
		c.report(m)
	}
	until(t, "no pair retires", func() bool {
		for _, q := range c.lb.Placement().Pairs {
			if q.Retiring {
				return false
			}
		}
		return true
	})
}

func TestEdgeAboveItsCapacityIsRelieved(t *testing.T) {
	c := newControl(t, controlOptions{edges: 3, capacity: 8})
	q := c.lb.Placement().Pairs[0]
	low := c.members[0]
	last := c.lb.Placement().Pairs[2] // the low member's other pair
	for _, m := range c.members[:2] {
		m.locked(func() {
			for range 4 {
				m.table(&q).AllotLow([]wire.Run{{From: 0, To: q.Slots}})
			}
		})
	}
	for _, m := range []*member{low, c.members[2]} {
		m.locked(func() {
			for range 6 {
				m.table(&last).AllotHigh([]wire.Run{{From: 0, To: last.Slots}})
			}
		})
	}
	before := [2]int{q.Boundary, last.Boundary}
	c.propose(raftfsm.Command{Kind: raftfsm.MoveBoundary, Pair: last.ID, Before: last.Boundary, Boundary: 0})
	for range 2 {
		for _, m := range c.members {
			c.report(m)
		}
	}
	until(t, "boundaries have moved", func() bool {
		p := c.lb.Placement()
		tables := c.lb.loads.tables(p, time.Now())
		return ring.Delivering(p, tables)["edge-1"] <= 8
	})
	if p := c.lb.Placement(); p.Pairs[0].Boundary == before[0] && p.Pairs[2].Boundary == 0 {
		t.Fatalf("%+v", p.Pairs)
	}
}

func TestMemberThatStaysDeadIsRemoved(t *testing.T) {
	c := newControl(t, controlOptions{edges: 3, capacity: 8, config: func(c *Config) { c.DeadAfter = 50 * time.Millisecond }})
	c.members[1].Close()
	c.lb.suspects.failed("edge-2", proxy.CauseRefused)
	until(t, "it is removed", func() bool { _, ok := c.lb.Placement().Edge("edge-2"); return !ok })
}

func TestReceiptTellsWhatResponsesLivedThrough(t *testing.T) {
	c := newControl(t, controlOptions{edges: 3, capacity: 8})
	for _, moved := range []proxy.Takeover{
		{From: "edge-1", To: "edge-2", OK: true, Gap: 30 * time.Millisecond, Cause: proxy.CauseReset, Phase: "body"},
		{From: "edge-1", To: "edge-2", OK: true, Gap: 10 * time.Millisecond, Cause: proxy.CauseReset, Phase: "head"},
		{From: "edge-1", Cause: proxy.CauseVersion, Phase: "body"},
		{From: "edge-3", To: "edge-2", OK: true, Cause: proxy.CauseReset, Phase: "head"},
	} {
		c.lb.moved(moved)
	}
	c.members[0].Close()
	c.lb.suspects.failed("edge-1", proxy.CauseReset)
	until(t, "declared dead", func() bool { return c.state("edge-1") == wire.EdgeDown })
	var receipts []wire.Receipt
	c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
	if len(receipts) != 1 || receipts[0].Finished != 2 || receipts[0].LongestGap != 30 || receipts[0].Broken != 1 || receipts[0].Cause != proxy.CauseReset {
		t.Fatalf("%+v", receipts)
	}
	var s wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
	if s.Takeovers != 3 {
		t.Fatalf("%d takeovers", s.Takeovers)
	}
}

func TestAWatcherThatReadsTooSlowlyIsCutOff(t *testing.T) {
	now := time.Unix(1, 0)
	h := newHub(func() time.Time { return now })
	events, cancel := h.watch()
	defer cancel()
	for range subscriberQueue + 1 {
		h.placed(wire.Event{Kind: "place"})
	}
	n := 0
	for range events {
		n++
	}
	if n != subscriberQueue || h.watching() != 0 {
		t.Fatalf("%d events, then closed; %d watch", n, h.watching())
	}
	for range 10 * keepEvents {
		now = now.Add(time.Second)
		h.own(wire.Event{Kind: "takeover"})
	}
	if n := len(h.history(nil, 100000)); n > 2*keepEvents {
		t.Fatalf("%d events kept", n)
	}
	for range 1000 { // all in one second
		h.refused(wire.Event{Kind: "refused"}, wire.ReasonCluster)
	}
	n = 0
	for _, e := range h.history(nil, 100000) {
		if e.Kind == "refused" {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d refusals told in a second", n)
	}
}

func TestWhatIsRememberedOfViewersEnds(t *testing.T) {
	now := time.Unix(1000, 0)
	k := newKnown(func() time.Time { return now })
	one := seat{id: wire.SessionID{Pair: 1, Slot: 2, Generation: 3}}
	k.put("a", one)
	if _, ok := k.findLoose("a"); ok {
		t.Fatal("recognised by an address that asked no segment")
	}
	if _, ok := k.asked("a"); !ok {
		t.Fatal("forgotten")
	}
	if _, ok := k.findLoose("a"); !ok {
		t.Fatal("not recognised")
	}
	k.forget("a", wire.SessionID{})
	now = now.Add(looseWithin + time.Second)
	if _, ok := k.findLoose("a"); ok {
		t.Fatal("recognised by segments of long ago")
	}
	now = now.Add(knownFor + time.Second)
	if _, ok := k.find("a"); ok || len(k.keys) != 0 || k.used.Len() != 0 {
		t.Fatal("remembered for ever")
	}
	k.put("b", one)
	k.forget("b", one.id)
	if _, ok := k.find("b"); ok {
		t.Fatal("a refused session is still given")
	}
}

func TestBadSettingsAreRefusedInOneLine(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"--name":         func(c *Config) { c.Name = "lb 1" },
		"--data":         func(c *Config) { c.Data = "" },
		"--admission":    func(c *Config) { c.Admission = "most" },
		"--state-source": func(c *Config) { c.StateSource = "pull" },
		"--join":         func(c *Config) { c.Join = "127.0.0.1:1" },
		"--peers":        func(c *Config) { c.Peers = []string{"lb-1=127.0.0.1:1"} },
		"itself":         func(c *Config) { c.Peers = []string{"lb-2=127.0.0.1:1=http://127.0.0.1:2"} },
		"host:port":      func(c *Config) { c.Peers = []string{"lb-1=127.0.0.1=http://127.0.0.1:2"} },
		"--tls-cert":     func(c *Config) { c.TLSCert = "x" },
		"--tls-listen":   func(c *Config) { c.TLSListen = "127.0.0.1:0" },
		"--advertise":    func(c *Config) { c.Advertise = "here" },
		"--secret-file":  func(c *Config) { c.SecretFile, c.Secret = "", wire.Secret{} },
	} {
		c := controlConfig(t)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := controlConfig(t)
	c.Data = filepath.Join(t.TempDir(), "not", "there")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, Deps{Logger: zerolog.Nop()}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatal(err)
	}
	for listen, want := range map[string]string{"127.0.0.1:80": "http://127.0.0.1:80", "0.0.0.0:80": "http://box:80", ":80": "http://box:80", "[::]:80": "http://box:80"} {
		if got := reachable(listen, "box"); got != want {
			t.Errorf("%s is reached at %s, want %s", listen, got, want)
		}
	}
}
