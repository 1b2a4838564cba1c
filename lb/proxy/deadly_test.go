package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/wire"
)

// What killed two edges is asked of no third one: whether they are killed before the
// head or early in the body, on new connections and on kept ones.
func TestWhatKillsTwoEdgesIsAskedOfNoThird(t *testing.T) {
	for _, front := range fronts {
		for _, f := range []fault.Fault{{Kind: fault.Kill, At: -1}, {Kind: fault.Close, At: 30_000}} {
			t.Run(fmt.Sprintf("%s/%s@%d", front.name, f.Kind, f.At), func(t *testing.T) {
				t.Parallel()
				o := front.o
				o.cfg, o.edges = patient, 4
				s := newStage(t, o)
				s.whole(s.get(http.MethodGet, "/small", ""), http.StatusOK, content["/small"]) // a connection is kept
				for i := range s.edges {
					s.fault(i, f)
				}
				g := s.get(http.MethodGet, "/big", "")
				switch {
				case f.At < 0 && (g.status != http.StatusBadGateway || g.header.Get(wire.HeaderReason) != wire.ReasonDeadly):
					t.Errorf("%d, %v, %v", g.status, g.header, g.err)
				case f.At > 0 && (g.err == nil || !bytes.HasPrefix(content["/big"], g.body)):
					t.Errorf("%d bytes, %v: not broken", len(g.body), g.err)
				}
				moves, failed := s.taken()
				if last := moves[len(moves)-1]; last.OK || last.Cause != CauseDeadly {
					t.Errorf("takeovers %+v", moves)
				}
				for i, e := range s.edges {
					if struck := e.proxy.Struck() > 0; struck != (i < 2) {
						t.Errorf("%s was asked: %v; evidence %v", e.name, struck, failed)
					}
				}
			})
		}
	}
}

// An edge that dies of a request on a kept connection listens no more afterwards: that
// is a death under it too, not an edge that was dead before.
func TestAnEdgeThatDiesOnAKeptConnectionDied(t *testing.T) {
	for _, without := range []bool{false, true} {
		var edges []Target
		var third atomic.Int32
		for _, name := range []string{"edge-1", "edge-2"} {
			var e *scripted
			var alive atomic.Bool
			e = script(t, func(c net.Conn, ask string) {
				if alive.Swap(true) || name != "edge-1" {
					_ = e.ln.Close()
					_ = c.Close()
					return
				}
				send(c, objectFor(ask, "fine"))
			})
			edges = append(edges, e.target(name))
		}
		last := script(t, func(c net.Conn, ask string) { third.Add(1); send(c, objectFor(ask, "fine")) })
		s := openSplices(t, spliceOptions{edges: append(edges, last.target("edge-3")), without: without})
		v := s.dial()
		for i, want := range []int{http.StatusOK, http.StatusBadGateway} {
			v.ask(http.MethodGet, "/1")
			if g := v.read(http.MethodGet); g.err != nil || g.status != want {
				t.Fatalf("without splices %v, request %d: %.300s", without, i, g.text())
			}
		}
		if n := third.Load(); n != 0 {
			t.Fatalf("without splices %v: the third edge was asked %d times", without, n)
		}
		s.stop()
	}
}

// Edges that were dead before, and those that broke far into an answer, did not die of
// the request: it goes on as long as somebody is there.
func TestOtherDeathsStopNobody(t *testing.T) {
	body := pattern(400_000)
	for _, without := range []bool{false, true} {
		far := func(c net.Conn, ask string) {
			text := objectFor(ask, body)
			send(c, text[:min(len(text), 100_000)])
			_ = c.Close()
		}
		fine := script(t, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
		for _, edges := range [][]Target{
			{nobody(t, "edge-1"), nobody(t, "edge-2"), nobody(t, "edge-3"), fine.target("edge-4")},
			{script(t, far).target("edge-1"), script(t, far).target("edge-2"), script(t, far).target("edge-3"), fine.target("edge-4")},
		} {
			s := openSplices(t, spliceOptions{edges: edges, without: without})
			if g := s.get(http.MethodGet, "/1"); g.check(http.StatusOK, []byte(body)) != nil {
				t.Fatalf("without splices %v: %.300s", without, g.text())
			}
			s.stop()
		}
	}
}

// An edge that is being killed takes connections until its listener is closed: one that
// breaks before the request is out on it says the same as one that is refused, where the
// request was on an idle connection that broke.
func TestAnEdgeThatDiesWhileItIsAskedAgainDied(t *testing.T) {
	for _, row := range []struct {
		again bool
		err   error
		dead  int
	}{
		{true, syscall.ECONNREFUSED, 1},
		{true, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, 1}, // in a handshake
		{true, io.EOF, 1},
		{true, errStalled, 0},
		{true, tls.AlertError(20), 0},
		{true, x509.UnknownAuthorityError{}, 0},
		{false, syscall.ECONNREFUSED, 0},
		{false, io.EOF, 0},
	} {
		k := &response{promise: promise{last: -1}}
		k.died(&attempt{to: Target{Edge: "edge-1", TLS: true}, exchange: exchange{again: row.again}}, row.err)
		if len(k.dead) != row.dead {
			t.Errorf("again %v, %v: dead %v, want %d", row.again, row.err, k.dead, row.dead)
		}
	}
}

// Whoever finds that what came was not what was sent, at either end, lives, and so does
// the edge: the request has killed nobody.
func TestWhatWasAlteredOnTheWayHasKilledNobody(t *testing.T) {
	remote := func(err error) error { return &net.OpError{Op: "remote error", Err: err} }
	for _, row := range []struct {
		err  error
		dead int
	}{
		{io.EOF, 1},
		{syscall.ECONNRESET, 1},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, 1},
		{tls.AlertError(20), 0}, // bad record MAC
		{remote(tls.AlertError(20)), 0},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, 0},
	} {
		k := &response{promise: promise{last: -1}}
		k.died(&attempt{to: Target{Edge: "edge-1", TLS: true}, exchange: exchange{said: true}}, row.err)
		if len(k.dead) != row.dead {
			t.Errorf("%v: dead %v, want %d", row.err, k.dead, row.dead)
		}
	}
}

// An edge may have asked another one for the object, and that one died of it first: the edge
// says whom it asks, before its answer or with the head, and where nobody can connect to that
// one any more it has died under the request as well.
func TestWhoDiedUnderAnEdgeThatDiedCounts(t *testing.T) {
	for _, said := range []string{
		"HTTP/1.1 102 Processing\r\n" + wire.HeaderWaiting + ": 1;asks=edge-2\r\n\r\n",
		strings.Replace(plainOK(pattern(100_000))[:20_000], "\r\n", "\r\n"+wire.HeaderWaiting+": k2;asks=edge-2\r\n", 1),
	} {
		for _, gone := range []bool{true, false} {
			var third atomic.Int32
			dies := script(t, func(c net.Conn, _ string) { send(c, said); _ = c.Close() })
			last := script(t, func(c net.Conn, ask string) { third.Add(1); send(c, objectFor(ask, pattern(100_000))) })
			s := openSplices(t, spliceOptions{edges: []Target{dies.target("edge-1"), last.target("edge-3")}})
			var told atomic.Value
			s.c.deps.Deadly = func(target string) { told.Store(target) }
			s.c.deps.Gone = func(_ context.Context, edge string) bool { return gone && edge == "edge-2" }
			g := s.get(http.MethodGet, "/1")
			if fine := g.check(http.StatusOK, []byte(pattern(100_000))) == nil; fine == gone || (third.Load() != 0) == gone {
				t.Errorf("%.60q, gone %v: %v, the third edge was asked %d times", said, gone, fine, third.Load())
			}
			if target, _ := told.Load().(string); (target == "/1") != gone {
				t.Errorf("%.60q, gone %v: told of %q", said, gone, target)
			}
			s.stop()
		}
	}
}
