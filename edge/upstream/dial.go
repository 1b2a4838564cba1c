package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"tandem/internal/identity"
)

// How addresses of a name are tried (RFC 8305), and how long what was found holds.
const (
	dialStagger  = 250 * time.Millisecond // then the next address is tried beside it
	dialBad      = 30 * time.Second       // an address that failed comes last for so long
	lookupFresh  = 2 * time.Second        // for new connections
	lookupEvery  = 10 * time.Second       // of a server in use: it may have moved
	lookupLimit  = 5 * time.Second
	keepAlive    = 15 * time.Second
	maxAddresses = 16
)

// dialer connects to one server by any of its addresses.
type dialer struct {
	host, port string
	limit      time.Duration
	now        func() time.Time
	lookup     func(ctx context.Context, host string) ([]netip.Addr, error)
	may        func(ctx context.Context, at netip.AddrPort) error // nil: any address will do
	once       singleflight.Group

	mu      sync.Mutex
	known   []netip.Addr             // the last answer that was one; guarded by mu
	asked   time.Time                // when; guarded by mu
	asking  bool                     // in the background; guarded by mu
	bad     map[netip.Addr]time.Time // failed lately; guarded by mu
	dialled map[netip.Addr]bool      // since the last look at moved; guarded by mu
}

// dial is a http.Transport's.
func (d *dialer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	addresses, err := d.addresses(ctx)
	if err == nil && d.may != nil {
		addresses, err = d.allowed(ctx, addresses)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	conn, err := d.race(ctx, network, addresses)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	return conn, nil
}

// allowed are the addresses to which a connection may be made; there are some.
func (d *dialer) allowed(ctx context.Context, all []netip.Addr) (some []netip.Addr, err error) {
	port, err := strconv.ParseUint(d.port, 10, 16)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if no := d.may(ctx, netip.AddrPortFrom(a.Unmap(), uint16(port))); no != nil {
			err = no
			continue
		}
		some = append(some, a)
	}
	if len(some) > 0 {
		err = nil
	}
	return some, err
}

// dialTLS is the same for https: a certificate that is not the origin's is no
// connection. One whose handshake was altered on its way is begun once more.
func (d *dialer) dialTLS(ctx context.Context, network, address string, c *tls.Config) (net.Conn, error) {
	conn, err := d.handshake(ctx, network, address, c)
	if identity.Altered(err) && !errors.As(err, new(*tls.CertificateVerificationError)) {
		return d.handshake(ctx, network, address, c)
	}
	return conn, err
}

func (d *dialer) handshake(ctx context.Context, network, address string, c *tls.Config) (net.Conn, error) {
	plain, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	conn := tls.Client(plain, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, fmt.Errorf("%w: TLS: %w", ErrConnect, err)
	}
	return conn, nil
}

// addresses are the name's, those that failed lately last. When it can't be looked
// up, what it had last counts.
func (d *dialer) addresses(ctx context.Context) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(d.host); err == nil {
		return []netip.Addr{ip}, nil
	}
	d.mu.Lock()
	known, old := d.known, d.now().Sub(d.asked) > lookupFresh
	d.mu.Unlock()
	if old {
		select {
		case found := <-d.once.DoChan("", func() (any, error) { return d.resolve(ctx) }):
			if found.Err == nil {
				known = found.Val.([]netip.Addr)
			} else if len(known) == 0 {
				return nil, found.Err
			}
		case <-ctx.Done():
			if len(known) == 0 {
				return nil, fmt.Errorf("the name %s is not resolved: %w", d.host, context.Cause(ctx))
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known = slices.Clone(known)
	now := d.now()
	slices.SortStableFunc(known, func(a, b netip.Addr) int { // false before true
		x, y := now.Before(d.bad[a]), now.Before(d.bad[b])
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return known, nil
}

// resolve looks the name up, for all who ask at the moment. The families take turns.
func (d *dialer) resolve(ctx context.Context) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupLimit)
	defer cancel()
	found, err := d.lookup(ctx, d.host)
	if err == nil && len(found) == 0 {
		err = errors.New("the name has no address")
	}
	if err != nil {
		return nil, err
	}
	var six, four, mixed []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	for i := 0; i < max(len(six), len(four)) && len(mixed) < maxAddresses; i++ {
		mixed = append(mixed, six[min(i, len(six)):min(i+1, len(six))]...)
		mixed = append(mixed, four[min(i, len(four)):min(i+1, len(four))]...)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known, d.asked = mixed, d.now()
	for a, until := range d.bad {
		if !d.now().Before(until) {
			delete(d.bad, a)
		}
	}
	return mixed, nil
}

// race tries addresses one after the other, a little apart; the first connection
// wins.
func (d *dialer) race(ctx context.Context, network string, addresses []netip.Addr) (net.Conn, error) {
	type outcome struct {
		conn net.Conn
		at   netip.Addr
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, len(addresses))
	try := func(at netip.Addr) {
		conn, err := (&net.Dialer{KeepAlive: keepAlive}).DialContext(ctx, network, net.JoinHostPort(at.String(), d.port))
		outcomes <- outcome{conn, at, err}
	}
	begun, ended, errs := 1, 0, []error(nil)
	go try(addresses[0])
	defer func() {
		go func(left int) {
			for range left {
				if o := <-outcomes; o.conn != nil {
					o.conn.Close() // came second
				}
			}
		}(begun - ended)
	}()
	timer := time.NewTimer(dialStagger)
	defer timer.Stop()
	for {
		select {
		case o := <-outcomes:
			ended++
			if o.err == nil {
				d.note(o.at, addresses[:begun])
				return o.conn, nil
			}
			errs = append(errs, o.err)
		case <-timer.C:
		case <-ctx.Done():
			return nil, errors.Join(append(errs, context.Cause(ctx))...)
		}
		switch {
		case begun < len(addresses):
			go try(addresses[begun])
			begun++
			timer.Reset(dialStagger)
		case ended == begun:
			return nil, errors.Join(errs...)
		}
	}
}

// note keeps which address is used now; those that were tried before it and have
// not answered yet are slow.
func (d *dialer) note(at netip.Addr, tried []netip.Addr) {
	for _, a := range tried {
		if a == at {
			break
		}
		d.spoil(a)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.bad, at)
	if d.dialled == nil {
		d.dialled = map[netip.Addr]bool{}
	}
	d.dialled[at] = true
}

func (d *dialer) spoil(at netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bad == nil {
		d.bad = map[netip.Addr]time.Time{}
	}
	d.bad[at] = d.now().Add(dialBad)
}

// moved tells, once, whether the name has an address no more to which there are
// connections. It looks the name up in the background now and then.
func (d *dialer) moved() bool {
	if _, err := netip.ParseAddr(d.host); err == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.asking && d.now().Sub(d.asked) > lookupEvery {
		d.asking = true
		go d.look()
	}
	for a := range d.dialled {
		if !slices.Contains(d.known, a) {
			d.dialled = nil
			return true
		}
	}
	return false
}

// look asks for the name's addresses.
func (d *dialer) look() {
	_, err, _ := d.once.Do("", func() (any, error) { return d.resolve(context.Background()) })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking = false
	if err != nil {
		d.asked = d.now() // not again at once; what is known stays
	}
}
