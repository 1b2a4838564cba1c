package names

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Who connects from a loop connects to addresses, and can't wait until a name is looked up.
const (
	lookupLimit = 5 * time.Second
	lookupAgain = 30 * time.Second // names are looked up anew after that
)

// Resolver says at once what a host:port means, as far as it is known.
type Resolver struct {
	now func() time.Time
	// Lookup finds the addresses of a host. Changed by tests before Find is called.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu    sync.Mutex
	known map[string]resolution // guarded by mu
}

type resolution struct {
	addr    netip.AddrPort // invalid: not known
	asked   time.Time
	literal bool // no name: never asked again
}

// NewResolver knows nothing yet.
func NewResolver(now func() time.Time) *Resolver {
	return &Resolver{now: now, Lookup: net.DefaultResolver.LookupNetIP, known: map[string]resolution{}}
}

// Find is the address that a host:port stands for. One that is not known yet, or for long, is
// looked up meanwhile.
func (d *Resolver) Find(text string) (netip.AddrPort, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.known[text]
	if ok && (r.literal || d.now().Sub(r.asked) < lookupAgain) {
		return r.addr, r.addr.IsValid()
	}
	if len(d.known) >= most {
		clear(d.known)
	}
	r.asked = d.now()
	if addr, err := netip.ParseAddrPort(text); err == nil {
		r.addr, r.literal = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), true
	} else {
		go d.lookUp(text) // ends after lookupLimit at the latest
	}
	d.known[text] = r
	return r.addr, r.addr.IsValid()
}

func (d *Resolver) lookUp(text string) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupLimit)
	defer cancel()
	found, err := d.Lookup(ctx, "ip", host)
	if err != nil {
		return // the old address, if there is one, goes on
	}
	addr, ok := answering(ctx, found, uint16(number))
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.known[text]
	r.addr, r.asked = addr, d.now()
	d.known[text] = r
}

// answering is the one of several addresses that answers: a name may stand for some
// that the edge does not listen at (localhost is ::1 as well), and a loop tries one
// only.
func answering(ctx context.Context, found []netip.Addr, port uint16) (netip.AddrPort, bool) {
	for _, ip := range found {
		addr := netip.AddrPortFrom(ip.Unmap(), port)
		if len(found) == 1 {
			return addr, true
		}
		dialer := net.Dialer{Timeout: lookupLimit / time.Duration(len(found))}
		conn, err := dialer.DialContext(ctx, "tcp", addr.String())
		if err == nil {
			_ = conn.Close()
			return addr, true
		}
	}
	return netip.AddrPort{}, false
}
