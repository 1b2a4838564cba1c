package lb

import (
	"net"
	"net/http"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
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

// A descriptor is closed once: the second time it would be somebody else's.
func TestRefusedLinesAreClosedOnce(t *testing.T) {
	e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
	s := openRelays(t, relayOptions{edges: []target{nobody(t, "edge-1"), e.target("edge-2")}})
	over := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { // somebody else
		for {
			select {
			case <-over:
				return
			default:
			}
			var ends [2]int
			if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
				t.Error(err)
				return
			}
			for _, fd := range ends {
				if err := unix.Close(fd); err != nil {
					t.Errorf("closed by another: %v", err)
				}
			}
		}
	})
	v := s.dial()
	for range 100 {
		v.ask(http.MethodGet, "/1")
		s.seenWell(v)
	}
	close(over)
	others.Wait()
}

// An edge that speaks, or hangs up, as soon as it is connected is heard, also when
// the loop is told of that together with the connection.
func TestEdgesThatSpeakFirst(t *testing.T) {
	for _, greeting := range []string{plainOK("well"), "SSH-2.0-nothing\r\n", ""} {
		spoken := make(chan struct{})
		first := scriptGreeting(t, func(c net.Conn) {
			if greeting == "" {
				_ = c.(*net.TCPConn).CloseWrite()
			} else {
				send(c, greeting)
			}
			close(spoken)
		}, func(net.Conn, string) {})
		e := script(t, func(c net.Conn, _ string) { send(c, plainOK("well")) })
		s := openRelays(t, relayOptions{edges: []target{first.target("edge-1"), e.target("edge-2")}})
		n := s.all()[0]
		v := s.dial()
		s.settle()
		thaw := s.freeze()
		v.ask(http.MethodGet, "/1")
		n.loop.Post(func() { <-spoken }) // runs when the request has been dispatched
		thaw()
		s.seenWell(v)
		_, moves, _, _, _ := s.counted()
		if heard := greeting == plainOK("well"); heard != (len(moves) == 0) {
			t.Fatalf("%q: takeovers %+v", greeting, moves)
		}
	}
}
