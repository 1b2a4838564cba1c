package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// An edge named by a host that stands for several addresses is asked at the one
// where it listens; until that is known, and when nobody knows it, by a response.
func TestEdgesWithNames(t *testing.T) {
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	port := netip.MustParseAddrPort(e.ln.Addr().String()).Port()
	for _, addrs := range [][]string{{"127.0.0.1"}, {"127.0.0.2", "127.0.0.1"}, {"::1", "::ffff:127.0.0.1"}, nil} {
		s := openSplices(t, spliceOptions{edges: []Target{{Edge: "edge-1", Addr: "localhost:" + number(int64(port))}}})
		looked := make(chan struct{}, 1)
		s.on(s.all()[0], func() {
			s.c.resolved.look = func(context.Context, string, string) (found []netip.Addr, err error) {
				for _, a := range addrs {
					found = append(found, netip.MustParseAddr(a))
				}
				if looked <- struct{}{}; found == nil {
					err = errors.New("nobody knows")
				}
				return found, err
			}
		})
		v := s.dial()
		v.ask(http.MethodGet, "/1")
		s.seenWell(v) // by a response
		<-looked
		if addrs != nil {
			s.eventually("it is known", func() bool { _, ok := s.c.resolved.find(s.o.edges[0].Addr); return ok })
		}
		for range 3 {
			v.ask(http.MethodGet, "/1")
			s.seenWell(v)
		}
		s.over(4)
		if _, moves, failed, left, _ := s.counted(); len(moves)+len(failed)+left != 0 || addrs != nil && s.ways.Quick.Load() != 3 {
			t.Fatalf("%v: takeovers %+v, evidence %v, %d left, %d by splices", addrs, moves, failed, left, s.ways.Quick.Load())
		}
	}
}

// What is known of a name is looked up anew now and then, and kept when nobody
// knows it any more; literal addresses never are.
func TestNamesAreLookedUpAnew(t *testing.T) {
	now := time.Unix(0, 0)
	d := newResolved(func() time.Time { return now })
	answers := make(chan []netip.Addr)
	d.look = func(context.Context, string, string) ([]netip.Addr, error) {
		if found := <-answers; found != nil {
			return found, nil
		}
		return nil, errors.New("nobody knows")
	}
	is := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			addr, ok := d.find("edge:81")
			if ok && addr.String() == want || !ok && want == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v, %v, want %q", addr, ok, want)
			}
		}
	}
	is("")
	answers <- []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	is("192.0.2.1:81")
	now = now.Add(resolveAgain)
	is("192.0.2.1:81")
	answers <- []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	is("192.0.2.2:81")
	now = now.Add(resolveAgain)
	is("192.0.2.2:81")
	answers <- nil
	is("192.0.2.2:81")
	for text, want := range map[string]string{"192.0.2.3:80": "192.0.2.3:80", "[::ffff:192.0.2.3]:80": "192.0.2.3:80", "[2001:db8::1]:8080": "[2001:db8::1]:8080"} {
		if addr, ok := d.find(text); !ok || addr.String() != want {
			t.Errorf("%s: %v, %v", text, addr, ok)
		}
	}
	for _, text := range []string{"", "edge", "edge:http", "edge:99999", ":80"} {
		if text == ":80" {
			go func() { answers <- nil }()
		}
		if addr, ok := d.find(text); ok {
			t.Errorf("%q: %v", text, addr)
		}
	}
}
