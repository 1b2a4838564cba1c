package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/wire"
)

// listening is an origin at one of loopback's addresses, at a port that others of
// them share.
func listening(t *testing.T, address, port, text string) (string, *httptest.Server) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, s
}

// silent is an address that takes no connection and refuses none: the queue of its
// listener is full.
func silent(t *testing.T, address, port string) {
	t.Helper()
	at := &unix.SockaddrInet4{Addr: netip.MustParseAddr(address).As4()}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	at.Port = n
	socket := func(nonblock bool) int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err = errors.Join(err, unix.SetNonblock(fd, nonblock)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	l := socket(false)
	if err := errors.Join(unix.SetsockoptInt(l, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(l, at), unix.Listen(l, 0)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := unix.Connect(socket(true), at); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Fatal(err)
		}
	}
}

// A name's dead address is no outage while another one answers: refused or silent.
func TestEveryAddressOfANameIsTried(t *testing.T) {
	port, _ := listening(t, "127.0.0.3", "0", "three")
	silent(t, "127.0.0.2", port)
	for name, addresses := range map[string][]string{"refused": {"127.0.0.4", "127.0.0.3"}, "silent": {"127.0.0.2", "127.0.0.3"}, "both": {"127.0.0.2", "127.0.0.4", "127.0.0.3"}} {
		x := newUnder(t, func(string) []string { return addresses }, of("http://"+name+".test:"+port))
		began := time.Now()
		x.says("/1", "three")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: the first request took %s", name, took)
		}
		x.Close() // the next one connects anew, and knows better
		if order, err := (*x.groups.Load())[0].servers[0].dialer.addresses(t.Context()); err != nil || order[0].String() != "127.0.0.3" {
			t.Errorf("%s: %v %v", name, order, err)
		}
		x.says("/2", "three")
	}
	x := newUnder(t, func(string) []string { return []string{"127.0.0.4", "127.0.0.5"} }, of("http://none.test:"+port))
	if _, _, err := x.get("/"); !errors.Is(err, ErrConnect) || !strings.Contains(err.Error(), "127.0.0.5") {
		t.Error("no address answers:", err)
	}
}

// A name that leads elsewhere is followed though the old address still answers,
// and what it was last counts when it can't be looked up.
func TestNameThatMovesIsFollowed(t *testing.T) {
	port, _ := listening(t, "127.0.0.1", "0", "one")
	listening(t, "127.0.0.2", port, "two")
	var at atomic.Value
	at.Store([]string{"127.0.0.1"})
	looked := make(chan struct{}, 100)
	x := newUnder(t, func(string) []string {
		looked <- struct{}{}
		return at.Load().([]string)
	}, of("http://origin.test:"+port))
	x.says("/", "one")
	<-looked
	at.Store([]string(nil)) // no answer
	x.clock.advance(lookupEvery + time.Second)
	x.says("/", "one")
	<-looked
	x.Close()
	x.clock.advance(time.Minute)
	x.says("/", "one")
	at.Store([]string{"127.0.0.2"})
	x.clock.advance(time.Minute)
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, text, err := x.get("/"); err == nil && text == "two" {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the name's new address is not followed")
		}
		x.clock.advance(time.Second)
	}
}

// Connections that are given up while one is busy: nobody asks by that one again.
func TestConnectionThatWasBusyWhenAllWereGivenUpIsNotUsedAgain(t *testing.T) {
	var mu sync.Mutex
	from := map[string]string{} // by path: who asked
	came, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from[r.URL.Path] = r.RemoteAddr
		mu.Unlock()
		if r.URL.Path == "/long" {
			close(came)
			<-release
		}
	}))
	defer s.Close()
	x := newUnder(t, nil, of(s.URL))
	var under sync.WaitGroup
	under.Go(func() { x.says("/long", "") })
	<-came
	x.Close()
	x.says("/short", "")
	close(release)
	under.Wait()
	x.says("/a", "")
	if from["/a"] != from["/short"] || from["/a"] == from["/long"] {
		t.Errorf("who asked: %v", from)
	}
}

func TestConnectionIsNotUsedAgainWhenItIsOld(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	u := of(s.URL)
	u.Age = wire.Span(time.Minute)
	x := newUnder(t, nil, u)
	for i, want := range []int64{1, 1, 2, 2} {
		x.says("/", "")
		if connections.Load() != want {
			t.Errorf("request %d: %d connections, want %d", i, connections.Load(), want)
		}
		x.clock.advance(40 * time.Second)
	}
}
