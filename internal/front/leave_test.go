package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

// endings are the ways in which a connection can end; each gets one that has been
// accepted, and has been left when the function returns.
var endings = []struct {
	name string
	end  func(t *testing.T, s *stage, c *caller)
}{
	{"its client closes", func(_ *testing.T, _ *stage, c *caller) { _ = c.Close() }},
	{"its client resets", func(_ *testing.T, _ *stage, c *caller) { c.vanish() }},
	{"it says nothing", func(_ *testing.T, _ *stage, c *caller) { c.ends(inOrder) }},
	{"half a head", func(_ *testing.T, _ *stage, c *caller) { c.say("GET"); c.refused("half a head", 408) }},
	{"half a head and a reset", func(_ *testing.T, _ *stage, c *caller) { c.say("GET"); c.vanish() }},
	{"malformed", func(_ *testing.T, _ *stage, c *caller) { c.say("GET\r\n"); c.refused("malformed", 400) }},
	{"the last request", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("GET", "/mem/5", "Connection: close"))
		c.hearTarget("GET", "/mem/5")
		c.ends(inOrder)
	}},
	{"the last request, away", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("GET", "/x", "Connection: close"))
		c.hearTarget("GET", "/x")
		c.ends(inOrder)
	}},
	{"idle for too long", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("GET", "/mem/5"))
		c.hearTarget("GET", "/mem/5")
		c.ends(inOrder)
	}},
	{"a reset in an answer", func(_ *testing.T, s *stage, c *caller) {
		c.say(ask("GET", "/mem/12000000"))
		_, _ = c.r.Peek(1)
		c.vanish()
		s.hears()
	}},
	{"a handler that aborts", func(_ *testing.T, _ *stage, c *caller) { c.say(ask("GET", "/abort")); c.ends(byReset) }},
	{"a body, and answered", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("POST", "/x", "Content-Length: 1") + "x")
		c.hear("POST")
		c.ends(inOrder)
	}},
	{"a body, and reset", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("POST", "/x", "Content-Length: 2") + "x")
		c.vanish()
	}},
	{"a body, and aborted", func(_ *testing.T, _ *stage, c *caller) {
		c.say(ask("POST", "/abort", "Content-Length: 1") + "x")
		_, _ = c.end()
	}},
	{"Shutdown", func(t *testing.T, s *stage, c *caller) {
		c.say(ask("GET", "/mem/5") + "GET")
		c.hearTarget("GET", "/mem/5")
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}},
	{"Close", func(t *testing.T, s *stage, c *caller) { _ = s.Close() }},
	{"Close while a body is awaited", func(_ *testing.T, s *stage, c *caller) {
		c.say(ask("POST", "/x", "Content-Length: 2") + "x")
		eventually(s.t, "it is away", func() bool { return s.ways.Away.Load() == 1 })
		_ = s.Close()
	}},
	{"Close at the moment a body is awaited", func(_ *testing.T, s *stage, c *caller) {
		c.say(ask("POST", "/x", "Content-Length: 2") + "x")
		_ = s.Close()
	}},
}

// That nobody leaves twice the stage looks at itself.
func TestEachConnectionThatEntersLeavesOnce(t *testing.T) {
	for _, row := range endings {
		t.Run(row.name, func(t *testing.T) {
			s := newStage(t, func(_ *stage, c *Config) {
				c.HeadTimeout, c.IdleTimeout, c.lingerFor = patience, short, short
				if row.name == "it says nothing" || row.name == "half a head" || row.name == "Shutdown" {
					c.HeadTimeout = 5 * short // in which a handshake ends as well
				}
				c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/abort":
						panic(http.ErrAbortHandler)
					default:
						_, _ = io.Copy(io.Discard, r.Body)
						saysPath(w, r)
					}
				})
			})
			before := s.entered.Load()
			c := call(t, s.addr)
			eventually(t, "it has entered", func() bool { return s.entered.Load() == before+1 })
			row.end(t, s, c)
			eventually(t, "it has left", func() bool { return s.left.Load() == before+1 })
			if n := s.Connections(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
		})
	}
}

// Whoever is refused by Enter, or comes during Shutdown, has its own way out.
func TestConnectionThatIsAcceptedTooLateLeavesAsWell(t *testing.T) {
	s := newStage(t, oneLoop, func(s *stage, c *Config) {
		c.Enter = func(address string) (any, bool) {
			s.draining.Store(s.entered.Load() > 0) // between accept and begin
			return s.enter(address)
		}
	})
	before := s.left.Load()
	if conn, err := net.Dial("tcp", s.addr); err == nil { // it may be reset already
		defer conn.Close()
	}
	eventually(t, "it has left", func() bool { return s.left.Load() == before+1 })
}
