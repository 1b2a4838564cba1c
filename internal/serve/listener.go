package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"tandem/internal/run"
)

// drainTime is how long a listener that is closed waits for what is in flight.
const drainTime = 2 * time.Second

// Listen listens at the address of a setting; an error names the setting.
func Listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use; give another address, or port 0 for any", flag, addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: %s is no address of this machine", flag, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %s: not allowed; ports below 1024 need a privilege", flag, addr)
	default:
		return nil, fmt.Errorf("%s: %q can't be listened at: %w", flag, addr, err)
	}
}

// Listener is one listener and who answers there.
type Listener struct {
	Name   string // of the setting
	Socket net.Listener
	Server Server
	Abrupt bool // closed without waiting for what is in flight
}

// Server is who answers at a listener: an *http.Server, or a *front.Server.
type Server interface {
	Serve(ln net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// Secured is a server behind TLS.
type Secured struct {
	*http.Server
	Config *tls.Config
}

// Serve is http.Server.ServeTLS.
func (s Secured) Serve(ln net.Listener) error {
	s.TLSConfig = s.Config
	return s.ServeTLS(ln, "", "")
}

// Part serves until ctx ends, then lets what is in flight finish.
func (l Listener) Part() run.Part {
	return run.Part{Name: l.Name, Run: func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- l.Server.Serve(l.Socket) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if !l.Abrupt && l.Server.Shutdown(limit) == nil {
			return nil
		}
		_ = l.Server.Close()
		return nil
	}}
}

// Admin is the listener for operators. Its streams of events never end by
// themselves, so nobody waits for them.
func Admin(ln net.Listener, h http.Handler) Listener {
	return Listener{Name: "admin", Socket: ln, Abrupt: true, Server: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}}
}

// BaseURL is the URL of a listener, for the log and for others.
func BaseURL(ln net.Listener) string { return "http://" + ln.Addr().String() }
