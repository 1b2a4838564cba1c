package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// word is what an edge says of what it does, before its answer.
func word(does string) string {
	return "HTTP/1.1 102 Processing\r\n" + wire.HeaderWaiting + ": " + does + "\r\n\r\n"
}

// What two edges have died of is asked of no third one, and nobody's retry either: by their own
// last word they read it. Edges that die while they wait, or give an answer, or say nothing, have
// been killed from outside, as two on one host are: the next one is asked, but no fourth.
func TestWhatTwoEdgesDiedOfIsAskedOfNoThird(t *testing.T) {
	const reads, waits = call.Reading, call.Waits
	head := strings.Replace(plainOK(pattern(100_000))[:20_000], "\r\n", "\r\n"+wire.HeaderWaiting+": k2\r\n", 1)
	for _, row := range []struct {
		name   string
		says   []string // by edge
		asked  int32    // edges
		deadly bool     // the viewer is told so, where nothing was begun
		told   bool     // so are all edges
	}{
		{"both read it", []string{word(reads), word(reads)}, 2, true, true},
		{"both wait for it before that", []string{word(waits) + word(reads), word(waits) + word(reads)}, 2, true, true},
		{"the second one is dying when it is asked", []string{word(reads), ""}, 3, false, false},
		{"both wait", []string{word(waits), word(waits)}, 3, false, false},
		{"both have read it, and give it", []string{word(reads) + head, word(reads) + head}, 3, false, false},
		{"three say nothing", []string{"", "", ""}, 3, true, false},
		{"the third one reads it", []string{word(waits), word(reads), word(reads)}, 3, true, true},
	} {
		for _, without := range []bool{false, true} {
			var asked atomic.Int32
			var edges []upstream.Target
			for i := range 4 {
				said := ""
				if i < len(row.says) {
					said = row.says[i]
				}
				edges = append(edges, script(t, func(c net.Conn, ask string) {
					asked.Add(1)
					if i < len(row.says) {
						send(c, said)
						_ = c.Close()
						return
					}
					send(c, objectFor(ask, pattern(100_000)))
				}).target(fmt.Sprint("edge-", i+1)))
			}
			s := openSplices(t, spliceOptions{edges: edges, without: without})
			var told atomic.Int32
			s.c.deps.Deadly = func(string) { told.Add(1) }
			g := s.get(http.MethodGet, "/1")
			if asked.Load() != row.asked || (told.Load() == 1) != row.told {
				t.Errorf("%s, without splices %v: %d edges were asked, all were told %d times", row.name, without, asked.Load(), told.Load())
			}
			if refused := g.status == http.StatusBadGateway && strings.Contains(g.text(), wire.ReasonDeadly); refused != row.deadly {
				t.Errorf("%s, without splices %v: %.300s", row.name, without, g.text())
			}
			if err := g.check(http.StatusOK, []byte(pattern(100_000))); !row.deadly && err != nil {
				t.Errorf("%s, without splices %v: %v", row.name, without, err)
			}
			s.stop()
		}
	}
}

// An edge that has just got an answer may have died of that: not one that waits for it, or for
// the rest.
func TestWhoWaitsIsNotInDanger(t *testing.T) {
	begun := time.Unix(1000, 0)
	for _, row := range []struct {
		does  string
		after time.Duration
		want  bool
	}{
		{call.Answered, 0, true},
		{call.Answered, headFor, true},
		{call.Answered, headFor + 1, false},
		{call.Waits, 0, false},
		{call.Reading, time.Minute, true},
		{"", 0, false},
		{"k2", 0, false},
	} {
		x := exchange{does: row.does, doesAt: begun}
		if got := x.endangered(begun.Add(row.after)); got != row.want {
			t.Errorf("%q for %s: %v", row.does, row.after, got)
		}
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
		for _, edges := range [][]upstream.Target{
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
		k := &response{c: &Proxy{deps: Deps{Now: time.Now}}, promise: promise{last: -1}}
		k.died(&attempt{to: upstream.Target{Edge: "edge-1", TLS: true}, exchange: exchange{said: true, does: call.Reading}}, row.err)
		if len(k.dead) != row.dead {
			t.Errorf("%v: dead %v, want %d", row.err, k.dead, row.dead)
		}
	}
}

// An edge may have asked another one for the object, that broke off under it, before it asked
// for it itself and died too: it says so, and where nobody can connect to that one any more, both
// have died of it.
func TestWhoDiedUnderAnEdgeThatDiedCounts(t *testing.T) {
	for said, counts := range map[string]bool{
		word(call.Reading + ";asks=edge-2"):                                 true,
		word(call.Reading+";asks=edge-2") + word(call.Waits+";asks=edge-2"): false,
	} {
		for _, gone := range []bool{true, false} {
			var third atomic.Int32
			dies := script(t, func(c net.Conn, _ string) { send(c, said); _ = c.Close() })
			last := script(t, func(c net.Conn, ask string) { third.Add(1); send(c, objectFor(ask, pattern(100_000))) })
			s := openSplices(t, spliceOptions{edges: []upstream.Target{dies.target("edge-1"), last.target("edge-3")}})
			var told atomic.Value
			s.c.deps.Deadly = func(target string) { told.Store(target) }
			s.c.deps.Gone = func(_ context.Context, edge string) bool { return gone && edge == "edge-2" }
			g, died := s.get(http.MethodGet, "/1"), gone && counts
			if fine := g.check(http.StatusOK, []byte(pattern(100_000))) == nil; fine == died || (third.Load() != 0) == died {
				t.Errorf("%.60q, gone %v: %v, the third edge was asked %d times", said, gone, fine, third.Load())
			}
			if target, _ := told.Load().(string); (target == "/1") != died {
				t.Errorf("%.60q, gone %v: told of %q", said, gone, target)
			}
			s.stop()
		}
	}
}
