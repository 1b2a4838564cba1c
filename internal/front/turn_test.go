package front

import (
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tandem/internal/h1"
)

// callFrom is call with an address of its own, which every loopback of Linux has.
func callFrom(t *testing.T, addr, from string) *caller {
	t.Helper()
	if from != "127.0.0.1" && !canBe(from) {
		if runtime.GOOS == "linux" {
			t.Fatal("no loopback address but one:", from)
		}
		t.Skip("this system gives a machine one loopback address:", from)
	}
	return callWith(t, addr, net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}})
}

func canBe(address string) bool {
	ln, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err == nil {
		_ = ln.Close()
	}
	return err == nil
}

// A client that comes with many connections, and many requests on each, keeps another one
// waiting for a part of one: not for all that it asks.
func TestAClientThatAsksForMuchWaitsForItself(t *testing.T) {
	var mu sync.Mutex
	var order []netip.Addr // of answers
	s := newStage(t, oneLoop, func(s *stage, cfg *Config) {
		cfg.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if strings.HasPrefix(h.Target, "/mem/") {
					mu.Lock()
					order = append(order, c.Remote().Addr())
					mu.Unlock()
				}
				return s.answer(c, h)
			}}
		}
	})
	const conns, atOnce = 2 * fewEvents, 3 * requestsAlone
	var crowd []*caller
	for range conns {
		crowd = append(crowd, callFrom(t, s.addr, "127.0.0.1"))
	}
	viewer := callFrom(t, s.addr, "127.0.0.2")
	for _, c := range append(crowd, viewer) { // all have begun, with TLS as well
		c.say(ask("GET", "/pass"))
		c.hear(http.MethodGet)
	}
	release := s.hold()
	for _, c := range crowd {
		c.say(strings.Repeat(ask("GET", "/mem/1"), atOnce))
	}
	viewer.say(ask("GET", "/mem/1"))
	release()
	for _, c := range append(crowd, viewer) {
		n := atOnce
		if c == viewer {
			n = 1
		}
		for range n {
			c.hearTarget(http.MethodGet, "/mem/1")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i, who := range order {
		if who == netip.MustParseAddr("127.0.0.2") {
			if i > 2*requestsAmong {
				t.Errorf("its answer was number %d of %d", i+1, len(order))
			}
			return
		}
	}
	t.Error("the viewer had no turn")
}

// The same at an edge, where all connections are balancers': those for whom they ask are the
// clients.
func TestForWhomANodeAsksIsWhoWaits(t *testing.T) {
	var mu sync.Mutex
	var order []string
	s := newStage(t, oneLoop, func(s *stage, cfg *Config) {
		cfg.Proves = func(_ any, h *h1.Request) bool { return h.Get("X-Node") != "" }
		cfg.Asks = func(h *h1.Request) string { return h.Get("X-Viewer") }
		cfg.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if strings.HasPrefix(h.Target, "/mem/") {
					mu.Lock()
					order = append(order, h.Get("X-Viewer"))
					mu.Unlock()
				}
				return s.answer(c, h)
			}}
		}
	})
	const crowd, viewer = "192.0.2.1", "192.0.2.2"
	var conns []*caller
	for range 3 * fewEvents {
		c := call(t, s.addr)
		c.say(ask("GET", "/pass", "X-Node: 1", "X-Viewer: "+crowd))
		c.hear(http.MethodGet)
		conns = append(conns, c)
	}
	release := s.hold()
	for i, c := range conns {
		who := crowd
		switch i {
		case len(conns) - 1:
			who = viewer
		case len(conns) - 2:
			who = "" // the node itself: it waits for nobody
		}
		c.say(ask("GET", "/mem/1", "X-Viewer: "+who))
	}
	release()
	for _, c := range conns {
		c.hearTarget(http.MethodGet, "/mem/1")
	}
	mu.Lock()
	defer mu.Unlock()
	for i, who := range order {
		if (who == viewer || who == "") && i > 3 {
			t.Errorf("its answer was number %d of %d", i+1, len(order))
		}
	}
	if len(order) != len(conns) {
		t.Errorf("%d answers to %d requests", len(order), len(conns))
	}
}
