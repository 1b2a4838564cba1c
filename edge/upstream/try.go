package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
)

// result is what became of one try, for the figures.
type result int

const (
	answered result = iota
	failing         // 500, 502, 503, 504
	unreached
	late
	broken  // reset, or no HTTP
	cut     // the body broke off
	misled  // it redirects to where no origin may lead
	results // how many there are
)

func (r result) String() string {
	return [...]string{"answered", "failing", "unreached", "late", "broken", "cut", "misled"}[r]
}

// attempt is what came of one try.
type attempt struct {
	server *server
	at     int // which one of a hedged's
	resp   *http.Response
	err    error
	result result
	cancel context.CancelFunc
}

// body is the answer's, as far as there is one.
func (a *attempt) body() (*body, bool) {
	if a.resp == nil {
		return nil, false
	}
	b, ok := a.resp.Body.(*body)
	return b, ok
}

// drop ends an attempt that is nobody's answer.
func (a *attempt) drop() {
	if a.resp != nil {
		a.resp.Body.Close()
	}
	a.cancel()
}

// do tries servers until one gives an answer.
func (g *group) do(ctx context.Context, r *Request) (*http.Response, error) {
	g.budget.earn()
	all := r.ordered(g.candidates(r.Target))
	var last attempt
	switch {
	case r.safe():
		if len(all) == 1 {
			all = append(all, candidate{server: all[0].server, again: true})
		}
		last = (&hedged{group: g, request: r, all: all, outcomes: make(chan attempt, len(all))}).run(ctx)
	default:
		for i, c := range all {
			if last = c.try(ctx, r, false); last.result != unreached || i == len(all)-1 {
				break
			}
			last.drop()
		}
	}
	if last.err != nil {
		last.cancel()
		return nil, last.err
	}
	return g.redirected(ctx, r, last)
}

// try asks one server; apart: by a connection that nobody had before.
func (s *server) try(ctx context.Context, r *Request, apart bool) attempt {
	a := attempt{server: s}
	ctx, a.cancel = context.WithCancel(ctx)
	reused := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
	req := (&http.Request{Method: r.Method, URL: s.url(r.Target), Host: s.host(), Header: s.fields(r.Header), ProtoMajor: 1, ProtoMinor: 1}).WithContext(traced)
	req.Close = r.Method == http.MethodHead || r.Body != nil // some origins send a body all the same, and some read none
	switch {
	case r.Body != nil:
		req.Body, req.ContentLength = io.NopCloser(r.Body), r.Length
	case r.safe():
		req.Body = io.NopCloser(unsent{})
	}
	connections := s.connections()
	if apart {
		a.resp, a.err = anew(connections, req)
	} else {
		a.resp, a.err = connections.RoundTrip(req)
	}
	switch {
	case !reused || !r.safe() || ctx.Err() != nil:
	case a.err != nil && resultOf(nil, a.err) == broken:
		connections.CloseIdleConnections() // what came before it on this one may have been too long
		a.resp, a.err = anew(connections, req)
	case a.err == nil && a.resp.StatusCode == http.StatusRequestTimeout: // of the idle connection, and not of this request (RFC 9110 section 15.5.9)
		a.resp.Body.Close()
		connections.CloseIdleConnections()
		a.resp, a.err = anew(connections, req)
	}
	if a.err == nil {
		a.resp, a.err = sound(a.resp, r)
	}
	a.result = resultOf(a.resp, a.err)
	if ctx.Err() == nil && !errors.Is(a.err, ErrLed) {
		s.note(a.result)
	}
	if a.err != nil {
		sentinel := ErrAnswer
		if a.result == unreached {
			sentinel = ErrConnect
		}
		if errors.Is(a.err, sentinel) {
			a.err = fmt.Errorf("%s: %w", s.name, a.err)
		} else {
			a.err = fmt.Errorf("%w from %s: %w", sentinel, s.name, a.err)
		}
		return a
	}
	a.resp.Body = &body{ReadCloser: a.resp.Body, server: s, ctx: ctx, cancel: a.cancel}
	return a
}

// anew asks by a connection of its own, which is not kept: others that become idle
// meanwhile may be about to end as well.
func anew(t *http.Transport, req *http.Request) (*http.Response, error) {
	own := t.Clone()
	own.DisableKeepAlives = true
	return own.RoundTrip(req)
}

// unsent is the body of a request without one. net/http sends what has none again on
// every idle connection that closes under it, as many as there are, and so brings a
// request that an origin dies of to each of its workers; what it can't rewind it leaves
// to try.
type unsent struct{}

func (unsent) Read([]byte) (int, error) { return 0, io.EOF }

func (s *server) host() string {
	if s.group.config.Host != "" {
		return s.group.config.Host
	}
	return s.base.Host
}

// fields are the request's with those that the upstream's setting adds.
func (s *server) fields(h http.Header) http.Header {
	own := s.group.config.Fields
	if h != nil && s.basic == "" && len(own) == 0 {
		return h
	}
	all := http.Header{}
	maps.Copy(all, h)
	if s.basic != "" {
		all["Authorization"] = []string{s.basic}
	}
	for name, value := range own {
		all[http.CanonicalHeaderKey(name)] = []string{value}
	}
	return all
}

// resultOf tells what became of a try that was not given up.
func resultOf(resp *http.Response, err error) result {
	var timeout net.Error
	switch {
	case err == nil:
		switch resp.StatusCode {
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return failing
		}
		return answered
	case errors.Is(err, ErrConnect):
		return unreached
	case errors.As(err, &timeout) && timeout.Timeout():
		return late
	}
	return broken
}

// note counts a try and keeps what it says of the server's health.
func (s *server) note(r result) {
	s.counts[r].Add(1)
	log := &s.group.u.deps.Logger
	if r == answered {
		if s.health.succeed() {
			log.Info().Str("origin", s.name).Str("upstream", s.group.config.Prefix).Msg("the origin answers again")
		}
		return
	}
	if s.health.fail(s.group.u.deps.Now(), r == unreached || r == late) {
		log.Warn().Str("origin", s.name).Str("upstream", s.group.config.Prefix).Str("why", r.String()).Msg("the origin is down")
	}
}

// body is an answer's: its end ends the try.
type body struct {
	io.ReadCloser
	server *server
	ctx    context.Context
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() == nil && !errors.Is(err, http.ErrBodyReadAfterClose) {
		b.server.note(cut)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
