package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// hosts are a machine at two addresses, and what its name means at the moment.
func listen(t *testing.T, host, port string) (ln net.Listener, at string) {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	_, at, _ = net.SplitHostPort(ln.Addr().String())
	return ln, at
}

// A host that answered once is reached while its name means nothing, or is not answered for; one
// that moves is followed as soon as its name says so; one that nobody has reached is not
// guessed.
func TestAHostIsReachedWhileItsNameMeansNothing(t *testing.T) {
	first, port := listen(t, "127.0.0.1", "0")
	listen(t, "127.0.0.2", port)
	was := lookup
	t.Cleanup(func() { lookup = was; clear(known.at) })
	means := func(addrs ...string) {
		lookup = func(context.Context, string, string) (all []netip.Addr, err error) {
			for _, a := range addrs {
				all = append(all, netip.MustParseAddr(a))
			}
			return all, nil
		}
	}
	fails := func() {
		lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, errors.New("no such host") }
	}
	silent := func() {
		lookup = func(ctx context.Context, _, _ string) ([]netip.Addr, error) { <-ctx.Done(); return nil, ctx.Err() }
	}
	known.at["edge-1.test"] = netip.MustParseAddr("127.0.0.1")
	for i, step := range []struct {
		name func()
		want string
	}{
		{fails, "127.0.0.1"},
		{silent, "127.0.0.1"},
		{func() { means("127.0.0.2") }, "127.0.0.2"},
		{fails, "127.0.0.2"},
		{func() { means("127.0.0.1", "127.0.0.2") }, "127.0.0.2"}, // where it answered last is tried first
		{func() { means("127.0.0.9", "127.0.0.1") }, "127.0.0.1"}, // nobody is at the first
		{func() { first.Close() }, ""},
	} {
		step.name()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		conn, err := Dial(ctx, new(net.Dialer), "tcp", net.JoinHostPort("edge-1.test", port))
		cancel()
		if (err != nil) != (step.want == "") {
			t.Fatalf("step %d: %v", i, err)
		}
		if err == nil {
			if host, _, _ := net.SplitHostPort(conn.RemoteAddr().String()); host != step.want {
				t.Errorf("step %d: at %s, want %s", i, host, step.want)
			}
			conn.Close()
		}
	}
	for _, address := range []string{net.JoinHostPort("127.0.0.2", port), net.JoinHostPort("localhost", port)} {
		fails()
		if conn, err := Of(new(net.Dialer))(t.Context(), "tcp", address); err == nil {
			conn.Close()
		} else if address[0] == '1' {
			t.Errorf("an address needs no name: %v", err)
		}
	}
	if conn, err := Dial(t.Context(), new(net.Dialer), "tcp", "nobody.invalid:1"); err == nil {
		t.Errorf("nobody answers at %s", conn.RemoteAddr())
	}
}
