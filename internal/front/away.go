package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"

	"tandem/internal/front/incoming"
	"tandem/internal/front/kernel"
	"tandem/internal/front/outgoing"
	"tandem/internal/h1"
)

// Begun is how far an answer is when it goes away: the zero value is not at all.
type Begun = outgoing.Begun

// Request makes the request whose head was parsed last; an error is a target
// that is no URL.
func (c *Conn) Request(h *h1.Request) (*http.Request, error) {
	u, err := url.ParseRequestURI(h.Target)
	if err != nil {
		return nil, &h1.Malformed{Status: http.StatusBadRequest, Why: "the target is no URL"}
	}
	header := make(http.Header, len(h.Fields))
	values := make([]string, 0, len(h.Fields)) // the slices of one value are parts of this one
	for _, f := range h.Fields {
		key := textproto.CanonicalMIMEHeaderKey(f.Name)
		if have := header[key]; have != nil {
			header[key] = append(have, f.Value)
			continue
		}
		values = append(values, f.Value)
		header[key] = values[len(values)-1 : len(values) : len(values)]
	}
	delete(header, "Host")
	r := &http.Request{
		Method: h.Method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: h.Minor, Header: header, Body: http.NoBody,
		Host: h.Host, RemoteAddr: c.remote.String(), RequestURI: h.Target, Close: h.Close, ContentLength: max(h.Length, 0),
	}
	if c.secure != nil {
		state := c.secure.tls.ConnectionState()
		r.TLS = &state
	}
	if h.Minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	if h.Chunked {
		delete(header, "Transfer-Encoding")
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	return r, nil
}

// sendAway gives a request to the Handler.
func (c *Conn) sendAway(h *h1.Request) {
	r, err := c.Request(h)
	if err != nil {
		c.refuse(err)
		return
	}
	if h.Bodied() {
		c.body = incoming.New(h.Body(), c.input, c.loop.server.cfg.BodyRate, c.loop.server.cfg.BodyGrace)
		if h.Expect != "" && h.Minor > 0 && len(c.input) == 0 {
			c.body.Ask(func() {}) // of the answer, which is not there yet
		}
		c.input, r.Body = nil, c.body
	}
	c.loop.starts.begin(c.loop, asksFor(c, h), goAway(c, r, Begun{}, c.loop.server.cfg.Handler.ServeHTTP))
}

// Away lets a goroutine give the answer, or the rest of one. The connection comes
// back when serve returns; a panic, or an answer that is not whole, resets it.
func (c *Conn) Away(r *http.Request, begun Begun, serve func(http.ResponseWriter, *http.Request)) {
	go goAway(c, r, begun, serve)()
}

// goAway is Away, but for the goroutine.
func goAway(c *Conn, r *http.Request, begun Begun, serve func(http.ResponseWriter, *http.Request)) func() {
	s := c.loop.server
	c.driver = nil
	c.state = away
	ctx, stop := context.WithCancel(s.cfg.Context(s.ctx, c.client))
	c.stop = stop
	parts(c)
	s.away.Add(1)
	return func() { c.serveAway(r.WithContext(ctx), begun, serve) }
}

// parts looks whether the client of a request that is away has gone. One that sends no
// more may have closed the connection, or wait for its answer still (RFC 9112 says of
// neither that it must not): nobody can tell until something is sent. So it is waited for,
// for a while; where the request has a body the end may be that of the body.
func parts(c *Conn) {
	switch {
	case c.gone:
		c.cancel()
	case c.half && c.body == nil && c.in == nil:
		c.loop.halves.push(c, c.loop.now)
	}
}

func (c *Conn) serveAway(r *http.Request, begun Begun, serve func(http.ResponseWriter, *http.Request)) {
	end := outgoing.BreakOff
	defer func() { // also after runtime.Goexit
		c.loop.Post(func() { c.back(end) })
		c.loop.server.away.Done()
	}()
	tcp, err := kernel.SocketOf(c.fd)
	if err == nil {
		defer tcp.Close()
	}
	var conn net.Conn = tcp
	if c.secure != nil {
		c.secure.tcp, conn, tcp = tcp, sealed{c.secure}, nil
	}
	// Without a descriptor serve runs all the same, and finds that nobody can be
	// written to: it has what is to be given back.
	if in := c.body; in != nil {
		in.From(conn, err)
	}
	end = outgoing.New(conn, tcp, r, c.body, begun, c.keep, err).Run(serve, r, c.loop.server.cfg.Panic)
}

// back takes the connection from its goroutine.
func (c *Conn) back(end outgoing.End) {
	c.leave()
	c.stop()
	c.stop = nil
	c.state, c.readable, c.writable = busy, true, true
	if c.secure != nil {
		c.secure.tcp = nil
	}
	if c.body != nil {
		c.input, c.body = c.body.Rest(), nil
	}
	c.out.over(c.out.body.Length == 0 && end != outgoing.BreakOff) // of sendRest; else there is nothing to tell
	if end == outgoing.BreakOff || c.gone {
		c.Reset()
		return
	}
	c.Done(end == outgoing.GoOn)
}

// sendRest sends the rest of a file in a goroutine: a page of it is not in memory.
// How that ended is told when the connection is back.
func (c *Conn) sendRest() {
	rest := &kernel.Extent{File: c.out.body.File, Offset: c.out.body.Offset, Left: c.out.body.Length}
	r := &http.Request{Method: http.MethodGet, ProtoMajor: 1, ProtoMinor: 1}
	c.Away(r, Begun{Head: true, Left: rest.Left}, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.(io.ReaderFrom).ReadFrom(rest)
		c.out.body.Length = rest.Left
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}
