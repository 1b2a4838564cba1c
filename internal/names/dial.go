package names

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	lookupWait = 100 * time.Millisecond // for what a name means, where it was known; less than a ping may take
	most       = 4096                   // names that are kept
)

// known is where hosts answered last.
var known = struct {
	sync.Mutex
	at map[string]netip.Addr // guarded by Mutex
}{at: map[string]netip.Addr{}}

// lookup finds what a name means. Changed by tests.
var lookup = net.DefaultResolver.LookupNetIP

// Dial connects to host:port as d does. A host that answered before is called where it
// did when its name can't be looked up.
func Dial(ctx context.Context, d *net.Dialer, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" || net.ParseIP(host) != nil {
		return d.DialContext(ctx, network, address)
	}
	known.Lock()
	last, before := known.at[host]
	known.Unlock()
	if !before {
		return note(host)(d.DialContext(ctx, network, address))
	}
	waits, cancel := context.WithTimeout(ctx, lookupWait)
	found, err := lookup(waits, "ip", host)
	cancel()
	if err != nil {
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(last.String(), port))
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		return note(host)(d.DialContext(ctx, network, address)) // it has moved, perhaps, and names are slow
	}
	if i := slices.IndexFunc(found, func(a netip.Addr) bool { return a.Unmap() == last }); i > 0 {
		found[0], found[i] = found[i], found[0]
	}
	var conn net.Conn
	for _, a := range found {
		if conn, err = d.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return note(host)(conn, nil)
		}
	}
	if len(found) == 0 {
		return d.DialContext(ctx, network, address) // which says so
	}
	return nil, err
}

// Of is Dial of one dialer, as an http.Transport takes it.
func Of(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return Dial(ctx, d, network, address)
	}
}

// note keeps where a host answers.
func note(host string) func(net.Conn, error) (net.Conn, error) {
	return func(conn net.Conn, err error) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		if at, bad := netip.ParseAddrPort(conn.RemoteAddr().String()); bad == nil {
			known.Lock()
			defer known.Unlock()
			if len(known.at) >= most {
				clear(known.at)
			}
			known.at[host] = at.Addr().Unmap()
		}
		return conn, nil
	}
}
