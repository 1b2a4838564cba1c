package main

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

// open listens at the address of a setting; an error names the setting.
func open(flag, addr string) (net.Listener, error) {
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

// door is one listener and who answers there.
type door struct {
	name   string
	ln     net.Listener
	server server
	abrupt bool // nobody's picture hangs on it: closed without waiting
}

// server is who answers at a listener: an *http.Server, or a *front.Server.
type server interface {
	Serve(ln net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// secured is a server behind TLS.
type secured struct {
	*http.Server
	config *tls.Config
}

// Serve is http.Server.ServeTLS.
func (s secured) Serve(ln net.Listener) error {
	s.TLSConfig = s.config
	return s.ServeTLS(ln, "", "")
}

// part serves until ctx ends, then lets what is in flight finish.
func (d door) part() run.Part {
	return run.Part{Name: d.name, Run: func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- d.server.Serve(d.ln) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if !d.abrupt && d.server.Shutdown(limit) == nil {
			return nil
		}
		_ = d.server.Close()
		return nil
	}}
}

// admin is the door for operators. Its streams of events never end by
// themselves, so nobody waits for them.
func admin(ln net.Listener, h http.Handler) door {
	return door{name: "admin", ln: ln, abrupt: true, server: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}}
}

// baseURL is the URL of a listener, for the log and for others.
func baseURL(ln net.Listener) string { return "http://" + ln.Addr().String() }
