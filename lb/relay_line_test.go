package lb

import (
	"net"
	"net/http"
	"testing"
)

// What an edge sends behind an answer never passes for the next one, if it came
// before that was asked for: however late the loop hears of it.
func TestLinesAreReusedClean(t *testing.T) {
	var conns []net.Conn
	e := script(t, func(c net.Conn, _ string) {
		conns = append(conns, c)
		send(c, plainOK("well"))
	})
	s := openRelays(t, relayOptions{edges: []target{e.target("edge-1")}})
	for _, poison := range []string{plainOK("poisoned"), "x", ""} {
		v := s.dial()
		v.ask(http.MethodGet, "/1")
		s.seenWell(v)
		s.settle()
		if _, idle := s.under(); idle != 1 {
			t.Fatalf("%d idle lines", idle)
		}
		thaw := s.freeze()
		v.ask(http.MethodGet, "/2") // the loop hears of this first
		if c := conns[len(conns)-1]; poison == "" {
			_ = c.Close()
		} else {
			send(c, poison)
		}
		thaw()
		s.seenWell(v)
		if _, moves, failed, _, _ := s.counted(); len(moves)+len(failed) != 0 {
			t.Fatalf("%q: takeovers %v, evidence %v", poison, moves, failed)
		}
	}
}

func (s *relayStage) seenWell(v *viewer) {
	s.t.Helper()
	if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte("well")) != nil {
		s.t.Fatal(g.text())
	}
}
