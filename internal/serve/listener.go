package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"tandem/internal/run"
)

// idleGrace is how long connections that are idle stay open once no new ones are
// accepted: whoever sends one more request gets an answer, and is told to go.
const idleGrace = 10 * time.Second

// CheckListen says what is wrong with how an address is written that is to be listened at.
func CheckListen(flag, addr string) error {
	const want = "want HOST:PORT, like 10.0.0.1:8080, [::1]:8080, or :8080 for all addresses"
	if addr == "" { // net.Listen takes it for any port at all addresses
		return fmt.Errorf("%s: it is empty; %s", flag, want)
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	var malformed *net.AddrError
	var unknown *net.DNSError
	switch {
	case errors.As(err, &malformed):
		return fmt.Errorf("%s: %q is no address (%s); %s", flag, addr, malformed.Err, want)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s: %q is no address (there is no port %s); %s", flag, addr, port, want)
	}
	return err
}

// Listen listens at the address of a setting; an error names the setting.
func Listen(flag, addr string) (net.Listener, error) {
	if err := CheckListen(flag, addr); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another process: end it (one that was told to stop may take its --drain-time), or give another address; port 0 is any", flag, addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: %s is no address of this machine", flag, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %s: not allowed; ports below 1024 need a privilege", flag, addr)
	default:
		return nil, fmt.Errorf("%s: %q can't be listened at: %w", flag, addr, err)
	}
}

// Server is who answers at a listener: a *front.Server, or one that HTTP made.
type Server interface {
	Serve(ln net.Listener) error
	// LameDuck makes every answer the last one of its connection.
	LameDuck()
	// StopAccepting closes the listener; the connections that there are stay.
	StopAccepting()
	// Connections counts those that are open.
	Connections() int
	// Shutdown closes what is idle and waits for the rest until ctx ends.
	Shutdown(ctx context.Context) error
	// Close resets what is left.
	Close() error
}

// Listener is one listener and who answers there.
type Listener struct {
	Name   string // of the setting
	Socket net.Listener
	Server Server
	Nodes  bool // only nodes and operators call, who try again: what is idle is closed at once
	Abrupt bool // nothing is waited for
}

// serve answers until ctx ends, then lets what is in flight finish, until limit
// ends. l stops accepting before, by whoever ends ctx.
func (l Listener) serve(ctx context.Context, limit func() (context.Context, context.CancelFunc)) error {
	ended := make(chan error, 1)
	go func() { ended <- l.Server.Serve(l.Socket) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	until, cancel := limit()
	defer cancel()
	if !l.Abrupt && l.finish(until) == nil {
		return nil
	}
	_ = l.Server.Close()
	return nil
}

// finish returns when nothing is in flight any more, or an error when ctx ended
// before.
func (l Listener) finish(ctx context.Context) error {
	l.Server.StopAccepting()
	if !l.Nodes {
		quiet, cancel := context.WithTimeout(ctx, idleGrace)
		defer cancel()
		for tick := time.NewTicker(10 * time.Millisecond); l.Server.Connections() > 0 && quiet.Err() == nil; {
			select {
			case <-tick.C:
			case <-quiet.Done():
				tick.Stop()
			}
		}
	}
	return l.Server.Shutdown(ctx)
}

// BaseURL is the URL of a listener, for the log and for others.
func BaseURL(ln net.Listener) string { return "http://" + ln.Addr().String() }

// part is the listener's as one of a process.
func (l Listener) part(limit func() (context.Context, context.CancelFunc)) run.Part {
	return run.Part{Name: l.Name, Run: func(ctx context.Context) error { return l.serve(ctx, limit) }}
}
