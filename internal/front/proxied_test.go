package front

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/h1"
	"tandem/internal/proxied"
)

const proxyAt = "127.0.0.2" // a client of the stage that is a proxy

// from dials the stage from an address of its own.
func (s *stage) from(address string) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := d.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// whoAsks answers with the address that a request is taken to come from: /loop on the
// loop, the rest by the Handler.
func whoAsks(entered *sync.Map, networks proxied.Config) func(*stage, *Config) {
	return func(s *stage, c *Config) {
		c.Proxies = networks
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
		c.Quick = func(*Loop) Quick {
			return &scripted{serve: func(c *Conn, h *h1.Request) bool {
				body := []byte(c.Remote().String())
				return h.Target == "/loop" && c.Respond(fmt.Appendf(AppendStatus(c.Loop().Scratch(), 200), "Content-Length: %d\r\n", len(body)), Body{Bytes: body})
			}}
		}
		enter := c.Enter
		c.Enter = func(address string) (any, bool) {
			n, _ := entered.LoadOrStore(address, new(int))
			*n.(*int)++
			client, _ := enter(address)
			return client, address != "198.51.100.66"
		}
	}
}

func announcing(t *testing.T) proxied.Config {
	t.Helper()
	return proxied.Config{Announce: proxied.Networks{netip.MustParsePrefix(proxyAt + "/32")}}
}

// answers are the bodies of what comes, up to the connection's end.
func answers(conn io.Reader) (all []string) {
	for r := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return all
		}
		all = append(all, fmt.Sprint(resp.StatusCode, " ", string(b)))
	}
}

func TestProxyAnnouncesItsClient(t *testing.T) {
	plainOnly(t)
	var entered sync.Map
	s := newStage(t, oneLoop, whoAsks(&entered, announcing(t)))
	const two = "GET /loop HTTP/1.1\r\nHost: x\r\n\r\nGET /away HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, row := range []struct{ what, from, text, want string }{
		{"a header", proxyAt, "PROXY TCP4 203.0.113.7 10.0.0.1 4660 80\r\n" + two, "200 203.0.113.7:4660, 200 203.0.113.7:4660"},
		{"none", proxyAt, two, ""},
		{"a malformed one", proxyAt, "PROXY TCP4 203.0.113.7 10.0.0.1 4660\r\n" + two, ""},
		{"a client that is one too many", proxyAt, "PROXY TCP4 198.51.100.66 10.0.0.1 4660 80\r\n" + two, ""},
		{"a second one", proxyAt, "PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n" + two, "400"},
		{"from a stranger", "127.0.0.1", "PROXY TCP4 203.0.113.7 10.0.0.1 4660 80\r\n" + two, "400"},
	} {
		for _, step := range []int{1, 40, len(row.text)} {
			conn := s.from(row.from)
			for rest := row.text; rest != ""; rest = rest[min(step, len(rest)):] {
				if _, err := io.WriteString(conn, rest[:min(step, len(rest))]); err != nil {
					break // it was reset
				}
			}
			got := strings.Join(answers(conn), ", ")
			if strings.HasPrefix(got, "400") {
				got = "400"
			}
			if got != row.want && !(row.from != proxyAt && step < len(row.text) && got == "") {
				t.Errorf("%s, %d at a time: %q, want %q", row.what, step, got, row.want)
			}
		}
	}
	if _, ok := entered.Load(proxyAt); !ok {
		t.Error("a proxy's own connection (UNKNOWN) is nobody's")
	}
	if n, ok := entered.Load("203.0.113.7"); !ok || *n.(*int) != 3 {
		t.Error("the client that a proxy names has not its own connections:", n)
	}
}

func TestProxyThatAnnouncesNothingIsClosedAndNobodysClient(t *testing.T) {
	plainOnly(t)
	var entered sync.Map
	s := newStage(t, oneLoop, whoAsks(&entered, announcing(t)), func(_ *stage, c *Config) { c.HeadTimeout = 50 * time.Millisecond })
	for _, text := range []string{"", "PROXY TCP4 203"} {
		conn := s.from(proxyAt)
		_, _ = io.WriteString(conn, text)
		if got := answers(conn); len(got) != 0 {
			t.Errorf("%q is answered: %v", text, got)
		}
	}
	entered.Range(func(address, _ any) bool {
		if address != "127.0.0.1" {
			t.Error(address, "has entered")
		}
		return true
	})
}

func TestProxyAnnouncesItsClientBeforeTLS(t *testing.T) {
	var entered sync.Map
	s := newStage(t, whoAsks(&entered, announcing(t)), func(_ *stage, c *Config) { c.TLS = certified() })
	conn := s.from(proxyAt)
	_, _ = io.WriteString(conn, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x01\x12\x34\x00\x50")
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	_, err := io.WriteString(client, "GET /loop HTTP/1.1\r\nHost: x\r\n\r\nGET /away HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got := strings.Join(answers(client), ", "); err != nil || got != "200 203.0.113.7:4660, 200 203.0.113.7:4660" {
		t.Error(got, err)
	}
}

// Each request of a proxy's connection has its own client, and the client of one is not
// that of the next.
func TestProxySaysInEachRequestWhoAsks(t *testing.T) {
	plainOnly(t)
	var entered sync.Map
	trust := proxied.Config{Trust: proxied.Networks{netip.MustParsePrefix(proxyAt + "/32")}, Field: proxied.XForwardedFor}
	s := newStage(t, oneLoop, whoAsks(&entered, trust))
	ask := func(target string, fields ...string) string {
		return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(fields, "\r\n"), "\r\n")
	}
	for from, want := range map[string]string{
		proxyAt:     "200 203.0.113.7:0, 200 203.0.113.8:0, 200 PROXY, 200 203.0.113.9:0",
		"127.0.0.1": "200 PROXY, 200 PROXY, 200 PROXY, 200 PROXY",
	} {
		conn := s.from(from)
		_, err := io.WriteString(conn, ask("/loop", "X-Forwarded-For: 198.51.100.1", "x-forwarded-for: 203.0.113.7")+
			ask("/away", "X-Forwarded-For: 203.0.113.8", "Forwarded: for=198.51.100.1")+ask("/loop", "Forwarded: for=198.51.100.1")+
			ask("/loop", "X-Forwarded-For: 203.0.113.9", "Connection: close"))
		want := strings.ReplaceAll(want, "PROXY", conn.LocalAddr().String())
		if got := strings.Join(answers(conn), ", "); err != nil || got != want {
			t.Errorf("from %s: %s, want %s (%v)", from, got, want, err)
		}
	}
	if n, ok := entered.Load(proxyAt); !ok || *n.(*int) != 1 {
		t.Error("the connection is its clients':", n)
	}
}

func TestProxySaysInEachRequestOfHTTP2WhoAsks(t *testing.T) {
	s, client := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.ProtoMajor, " ", r.RemoteAddr) }), func(_ *stage, c *Config) {
		c.Proxies = proxied.Config{Trust: proxied.Networks{netip.MustParsePrefix("127.0.0.1/32")}, Field: proxied.Forwarded}
	})
	for says, want := range map[string]string{"for=203.0.113.7": "2 203.0.113.7:0", "for=unknown": "2 127.0.0.1:"} {
		r, err := http.NewRequest(http.MethodGet, "https://"+s.addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Forwarded", says)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %s, want %s", says, b, want)
		}
	}
}
