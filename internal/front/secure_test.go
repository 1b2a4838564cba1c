package front

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	mathbig "math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/front/streams"
)

// overTLS lets every stage speak TLS: the room's promises are the same there.
//
//	go test ./internal/front -args -tls
var overTLS = flag.Bool("tls", false, "stages speak TLS")

// certified is a config with a certificate that nobody has to trust.
var certified = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: mathbig.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
})

// speaking is a connection as a stage's clients use it.
func speaking(conn net.Conn) (net.Conn, error) {
	if !*overTLS {
		return conn, nil
	}
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	return client, client.Handshake()
}

// plainOnly is for tests of what TLS has no part in, or that hold up a loop on which a
// handshake would end.
func plainOnly(t *testing.T) {
	t.Helper()
	if *overTLS {
		t.Skip("without TLS only")
	}
}

// h2Stage has a server for HTTP/2 beside the loops.
func h2Stage(t *testing.T, h http.Handler, change ...func(*stage, *Config)) (*stage, *http.Client) {
	t.Helper()
	s := newStage(t, append([]func(*stage, *Config){func(_ *stage, c *Config) {
		cfg := certified().Clone()
		cfg.NextProtos = []string{"h2", "http/1.1"}
		c.TLS, c.HTTP2 = cfg, &streams.Config{Handler: h}
	}}, change...)...)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport}
}

func TestClientsThatChooseHTTP2GetIt(t *testing.T) {
	var known atomic.Value
	var over atomic.Int64
	s, client := h2Stage(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.URL.Path)
	}), func(_ *stage, c *Config) {
		c.Streams = func(held any, tcp *net.TCPConn) func() {
			known.Store(held)
			return func() { over.Add(1) }
		}
	})
	before := s.left.Load()
	for range 3 {
		resp, err := client.Get("https://" + s.addr + "/x")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(body) != "HTTP/2.0 /x" {
			t.Fatalf("%q", body)
		}
	}
	if s.Connections() != 1 || s.left.Load() != before || known.Load() != s.entered.Load() {
		t.Errorf("%d connections, %d left, client %v", s.Connections(), s.left.Load()-before, known.Load())
	}
	client.CloseIdleConnections()
	eventually(t, "it has left", func() bool { return s.Connections() == 0 && s.left.Load() == before+1 })
	if over.Load() != 1 {
		t.Errorf("%d are over", over.Load())
	}
}

// Requests of HTTP/2 are in flight as others are.
func TestEndingWaitsForHTTP2(t *testing.T) {
	for name, end := range map[string]func(*stage) error{
		"Shutdown": func(s *stage) error { return s.Shutdown(context.Background()) },
		"Close":    func(s *stage) error { return s.Close() },
	} {
		a := newAwaiting()
		s, client := h2Stage(t, a)
		got := make(chan string, 1)
		go func() {
			resp, err := client.Get("https://" + s.addr + "/wait")
			if err != nil {
				got <- "error"
				return
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			got <- fmt.Sprint(string(body), err)
		}()
		await(t, "the request", a.came)
		ended := make(chan error, 1)
		go func() { ended <- end(s) }()
		if name == "Close" {
			await(t, "it is cancelled", a.cancelled)
		} else {
			eventually(t, "it is draining", s.draining.Load)
			a.let(t)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if body := <-got; body != "away /wait<nil>" && name == "Shutdown" {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestLameDuckLetsHTTP2Go(t *testing.T) {
	s, client := h2Stage(t, http.HandlerFunc(saysPath))
	s.LameDuck()
	resp, err := client.Get("https://" + s.addr + "/x")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	eventually(t, "the connection ends", func() bool { return s.Connections() == 0 })
}

// What is no handshake, or not the whole of one, holds nothing for long.
func TestHandshakesThatAreNone(t *testing.T) {
	failed := make(chan error, 10)
	s := newStage(t, func(_ *stage, c *Config) {
		c.TLS, c.HeadTimeout, c.lingerFor = certified(), short, short
		c.Unshaken = func(err error) { failed <- err }
	})
	for text, answer := range map[string]string{
		ask("GET", "/mem/3"): "HTTP/1.1 400 Bad Request", "": "", "\x16\x03\x01\x02\x00\x01": "", strings.Repeat("\x00", 10_000): "",
	} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, text)
		got, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), answer) || answer == "" && len(got) > 0 {
			t.Errorf("%.20q: %.60q", text, got)
		}
		if err := <-failed; err == nil {
			t.Errorf("%.20q: no error", text)
		}
		_ = conn.Close()
	}
	eventually(t, "all have left", func() bool { return s.Connections() == 0 })
}

func TestClientThatVanishesInItsHandshakeLeaves(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) { c.TLS = certified() })
	for _, end := range []func(*net.TCPConn){func(c *net.TCPConn) { _ = c.SetLinger(0) }, func(*net.TCPConn) {}, func(c *net.TCPConn) { _ = c.CloseWrite() }} {
		before := s.entered.Load()
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "\x16\x03\x01\x02\x00\x01")
		eventually(t, "it has entered", func() bool { return s.entered.Load() > before })
		end(conn.(*net.TCPConn))
		_ = conn.Close()
		eventually(t, "it has left", func() bool { return s.left.Load() == s.entered.Load() })
	}
	conn, err := net.Dial("tcp", s.addr) // one that the server ends
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before := s.entered.Load()
	eventually(t, "it has entered", func() bool { return s.entered.Load() >= before && s.Connections() == 1 })
}

// A reader that does not keep up gets all of it, and what was sealed for it waits.
func TestSealedBytesThatTheSocketDoesNotTakeAreKept(t *testing.T) {
	s := newStage(t, oneLoop, func(_ *stage, c *Config) { c.TLS = certified() })
	conn, err := (&net.Dialer{Control: smallWindow}).Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	c := &caller{conn.(*net.TCPConn), client, t, bufio.NewReader(client)}
	for _, target := range []string{"/mem/12000000", "/file/12000000", "/away?", "/mem/3000000"} { // more than the kernel keeps
		c.say(ask("GET", target) + ask("GET", "/mem/7") + ask("GET", "/x"))
		stuck(t, c.TCPConn)
		if target == "/away?" {
			c.hear("GET")
		} else {
			c.hearTarget("GET", target)
		}
		c.hearTarget("GET", "/mem/7")
		c.hearTarget("GET", "/x")
	}
	c.say(ask("GET", "/mem/3000000", "Connection: close"))
	time.Sleep(2 * s.cfg.lingerFor) // longer than one that has its answer is waited for
	c.hearTarget("GET", "/mem/3000000")
	c.ends(inOrder)
}

// stuck returns when no more comes into a socket: who sends to it has to keep the rest.
func stuck(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	all, before, same := make([]byte, 1<<20), 0, 0
	eventually(t, "it is full", func() bool {
		held := 0
		_ = raw.Control(func(fd uintptr) { held, _, _ = unix.Recvfrom(int(fd), all, unix.MSG_PEEK|unix.MSG_DONTWAIT) })
		if same++; held <= 0 || held != before {
			before, same = held, 0
		}
		return same > 20
	})
}

// However many shake hands at once, as many as there are processors reckon; who waits
// for his client is none of them.
func TestHandshakesTakeTurns(t *testing.T) {
	reckoning, on := make(chan struct{}, 100), make(chan struct{})
	s := newStage(t, func(_ *stage, c *Config) {
		cfg := certified().Clone()
		cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			reckoning <- struct{}{}
			<-on
			return nil, nil
		}
		c.TLS = cfg
	})
	t.Cleanup(func() { close(on) })
	taken := func() int { n, _ := s.turns.Taken(); return n }
	var silent []net.Conn
	for range 3 * kernel.Processors {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	eventually(t, "the silent ones have begun", func() bool { return s.Connections() == len(silent) && taken() == 0 })
	done := make(chan error)
	for range 2 * kernel.Processors {
		go func() {
			conn, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
			if err == nil {
				err = conn.Close()
			}
			done <- err
		}()
	}
	for range 2 {
		for range kernel.Processors {
			<-reckoning
		}
		if taken() != kernel.Processors {
			t.Fatalf("%d of %d turns are taken", taken(), kernel.Processors)
		}
		for range kernel.Processors {
			on <- struct{}{}
		}
	}
	for range 2 * kernel.Processors {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	eventually(t, "all have left", func() bool { return s.Connections() == 0 && taken() == 0 })
}
