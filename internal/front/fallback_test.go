package front

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

// echoing is a Handler that says what it read.
func echoing(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.Header().Set("X-Target", r.RequestURI)
	fmt.Fprintf(w, "%s %s %s %d %.20q %v", r.Proto, r.Method, r.URL.Path, len(body), body, err)
}

// echoStage has /foreign/ as foreign targets.
func echoStage(t *testing.T, change ...func(*stage, *Config)) *stage {
	return newStage(t, append(change, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(echoing)
		c.Foreign = func(target string) bool { return strings.HasPrefix(target, "/foreign/") }
	})...)
}

// fallbacks are requests that this room does not read, with what the Handler says.
var fallbacks = []struct{ name, text, says string }{
	{"old", "GET /old HTTP/1.0\r\n\r\n", `HTTP/1.0 GET /old 0 "" <nil>`},
	{"old, to be kept", "GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", `HTTP/1.0 GET /old 0 "" <nil>`},
	{"old with a body", "POST /old HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", `HTTP/1.0 POST /old 3 "abc" <nil>`},
	{"body", ask("POST", "/body", "Content-Length: 3") + "abc", `HTTP/1.1 POST /body 3 "abc" <nil>`},
	{"chunked", ask("PUT", "/body", "Transfer-Encoding: chunked") + "1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: x\r\n\r\n", `HTTP/1.1 PUT /body 3 "abc" <nil>`},
	{"body of GET", ask("GET", "/mem/5", "Content-Length: 3") + "GET", `HTTP/1.1 GET /mem/5 3 "GET" <nil>`},
	{"upgrade", ask("GET", "/up", "Connection: upgrade", "Upgrade: h2c"), `HTTP/1.1 GET /up 0 "" <nil>`},
	{"expect", ask("GET", "/expect", "Expect: 100-continue"), `HTTP/1.1 GET /expect 0 "" <nil>`},
	{"large body", ask("POST", "/body", "Content-Length: 1000000") + strings.Repeat("x", 1000000), `HTTP/1.1 POST /body 1000000 "xxxxxxxxxxxxxxxxxxxx" <nil>`},
}

func TestWhatIsNotReadHereIsAnsweredByNetHTTPAndIsTheLast(t *testing.T) {
	s := echoStage(t)
	for _, row := range fallbacks {
		for _, first := range []string{"", "/mem/4", "/away"} {
			c := call(t, s.addr)
			if first != "" {
				c.say("%s", ask("GET", first))
			}
			c.say("%s", row.text+ask("GET", "/mem/6")+ask("GET", "/behind"))
			if first != "" {
				c.hear("GET")
			}
			if r := c.hear("GET"); r.StatusCode != 200 || string(r.body) != row.says || !r.Close {
				t.Errorf("%s: %s %s, closing: %v", row.name, r.Status, r.body, r.Close)
			}
			if rest, _ := c.end(); len(rest) > 0 {
				t.Errorf("%s: what is behind it is answered: %q", row.name, rest)
			}
		}
	}
	if n := s.ways.Fallback.Load(); n != 3*int64(len(fallbacks)) {
		t.Errorf("%d connections were given to net/http; want %d", n, 3*len(fallbacks))
	}
}

func TestAskingForAllOptionsIsTheLastAsWell(t *testing.T) {
	s := echoStage(t)
	for fields, body := range map[string]string{"X: y": "", "Content-Length: 3": "abc"} {
		c := call(t, s.addr)
		c.say(ask("OPTIONS", "*", fields) + body + ask("OPTIONS", "*") + ask("GET", "/behind"))
		if r := c.hear("GET"); r.StatusCode != http.StatusOK || len(r.body) > 0 || !r.Close {
			t.Errorf("%s: %s, %q, closing: %v", fields, r.Status, r.body, r.Close)
		}
		if rest, _ := c.end(); len(rest) > 0 {
			t.Errorf("%s: what is behind it is answered: %q", fields, rest)
		}
	}
}

func TestForeignRequestsKeepTheirConnectionAndOthersDoNot(t *testing.T) {
	s := echoStage(t)
	c := call(t, s.addr)
	c.say(ask("GET", "/mem/4"))
	c.hearTarget("GET", "/mem/4")
	for i := range 20 {
		c.say(ask("POST", "/foreign/x", fmt.Sprintf("Content-Length: %d", i)) + strings.Repeat("x", i))
		if r := c.hear("POST"); r.Close || !strings.HasPrefix(string(r.body), fmt.Sprintf("HTTP/1.1 POST /foreign/x %d ", i)) {
			t.Fatalf("%d: %q, closing: %v", i, r.body, r.Close)
		}
	}
	c.say(ask("GET", "/mem/4") + ask("GET", "/foreign/x")) // net/http reads it now
	if r := c.hear("GET"); !r.Close || !strings.HasPrefix(string(r.body), "HTTP/1.1 GET /mem/4") {
		t.Errorf("%q, closing: %v", r.body, r.Close)
	}
	if rest, _ := c.end(); len(rest) > 0 {
		t.Errorf("what is behind it is answered: %q", rest)
	}
	if n := s.ways.Fallback.Load(); n != 1 {
		t.Errorf("%d connections were given to net/http; want 1", n)
	}
}

func TestBodyIsAskedForWhereTheClientWaits(t *testing.T) {
	s := echoStage(t)
	c := call(t, s.addr)
	c.say(ask("POST", "/x", "Expect: 100-continue", "Content-Length: 3"))
	if line, err := c.r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	c.r.ReadString('\n')
	c.say("abc" + ask("GET", "/behind"))
	if r := c.hear("POST"); string(r.body) != `HTTP/1.1 POST /x 3 "abc" <nil>` || !r.Close {
		t.Errorf("%q, closing: %v", r.body, r.Close)
	}
	c.ends(inOrder)
}

// What had been read before a connection was handed over is longer than what
// net/http reads at once.
func TestAllThatWasReadBeforeIsHandedOver(t *testing.T) {
	s := echoStage(t, oneLoop)
	release := s.hold()
	c := call(t, s.addr)
	const requests = 500
	var all strings.Builder
	for i := range requests {
		all.WriteString(ask("POST", fmt.Sprintf("/foreign/%d", i), "Content-Length: 10") + "0123456789")
	}
	c.say("%s", all.String())
	release()
	for i := range requests {
		if r := c.hear("POST"); string(r.body) != fmt.Sprintf(`HTTP/1.1 POST /foreign/%d 10 "0123456789" <nil>`, i) {
			t.Fatalf("%q", r.body)
		}
	}
}

func TestHijackerGetsWhatWasReadBefore(t *testing.T) {
	got := make(chan string, 1)
	s := newStage(t, oneLoop, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			var all strings.Builder
			_, _ = io.CopyN(&all, buffered, int64(buffered.Reader.Buffered()))
			_, _ = io.Copy(&all, conn)
			got <- all.String()
		})
	})
	release := s.hold()
	c := call(t, s.addr)
	text := ""
	for len(text) < 20_000 {
		text += fmt.Sprint(len(text), " ")
	}
	c.lastWords(ask("GET", "/up", "Connection: upgrade", "Upgrade: x") + text)
	release()
	if all := <-got; all != text {
		t.Errorf("%d bytes of %d came: %.60q", len(all), len(text), all)
	}
}

func TestHandedConnectionIsKnownByItsClient(t *testing.T) {
	var asked atomic.Int64
	s := echoStage(t, func(_ *stage, c *Config) {
		c.Fallback = &http.Server{Handler: http.HandlerFunc(echoing), ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			if client, ok := ClientOf(conn); ok && conn.(*Handed).Client() == client {
				asked.Store(client.(int64))
			}
			return ctx
		}}
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/foreign/"))
	c.hear("GET")
	if asked.Load() != s.entered.Load() || s.left.Load() != s.entered.Load()-1 {
		t.Errorf("client %d of %d is asked for, %d left", asked.Load(), s.entered.Load(), s.left.Load())
	}
	if _, ok := ClientOf(c.TCPConn); ok {
		t.Error("a connection that was not handed over has a client")
	}
	_ = c.Close()
	eventually(t, "it has left", func() bool { return s.left.Load() == s.entered.Load() })
}

// A client whose machine has died sends no FIN: without probes a request that
// waits, or a stream to the fallback server, would hold its connection for ever.
func TestConnectionsAreProbedWhenNothingComes(t *testing.T) {
	told := make(chan int, 1)
	s := echoStage(t, func(_ *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				on, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
				idle, _ := unix.GetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
				told <- on * idle
				return false
			}}
		}
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/"))
	c.hear("GET")
	if seconds := <-told; seconds == 0 || seconds > 60 {
		t.Errorf("probes after %d seconds of silence", seconds)
	}
}
