package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"tandem/lb/proxy/upstream"
)

// An edge named by a host that stands for several addresses is asked at the one
// where it listens; until that is known, and when nobody knows it, by a response.
func TestEdgesWithNames(t *testing.T) {
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	port := netip.MustParseAddrPort(e.ln.Addr().String()).Port()
	for _, addrs := range [][]string{{"127.0.0.1"}, {"127.0.0.2", "127.0.0.1"}, {"::1", "::ffff:127.0.0.1"}, nil} {
		s := openSplices(t, spliceOptions{edges: []upstream.Target{{Edge: "edge-1", Addr: "localhost:" + number(int64(port))}}})
		looked := make(chan struct{}, 1)
		s.on(s.all()[0], func() {
			s.c.dialer.Resolved.Lookup = func(context.Context, string, string) (found []netip.Addr, err error) {
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
			s.eventually("it is known", func() bool { _, ok := s.c.dialer.Resolved.Find(s.o.edges[0].Addr); return ok })
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
