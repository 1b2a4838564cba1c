package front

import (
	"crypto/tls"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/h2"
	"tandem/internal/front/kernel"
)

const h2Name = "h2" // in ALPN

// secured lets a goroutine do the handshake: it may wait, and costs as much as many
// requests. Then the connection is the loop's, or the server's for HTTP/2 where the client
// has chosen that.
func secured(c *Conn) *secure {
	s, server := &secure{conn: c}, c.loop.server
	s.tls = tls.Server(s, server.cfg.TLS)
	c.state, c.stop = away, func() {}
	server.away.Add(1)
	go func() {
		err := s.handshake(server.cfg.HeadTimeout)
		if err == nil && server.streams != nil && s.tls.ConnectionState().NegotiatedProtocol == h2Name {
			c.loop.Post(s.handOver) // it is away until its end
			return
		}
		if s.tcp != nil {
			_ = s.tcp.Close()
			s.tcp = nil
		}
		c.loop.Post(func() { s.shaken(err) })
		server.away.Done()
	}()
	return s
}

// handshake gives the connection a socket that waits, and speaks TLS on it.
func (s *secure) handshake(limit time.Duration) (err error) {
	if s.tcp, err = kernel.SocketOf(s.conn.fd); err != nil {
		return err
	}
	_ = s.tcp.SetDeadline(time.Now().Add(limit))
	s.turn = s.conn.loop.server.turns.Of(s.conn.remote.Addr())
	s.turn.Take()
	err = s.tls.Handshake()
	s.turn.Give()
	s.turn.End()
	s.turn = nil
	if err == nil {
		return s.tcp.SetDeadline(time.Time{})
	}
	var other tls.RecordHeaderError
	if errors.As(err, &other) && isMethod(other.RecordHeader[:]) {
		_, _ = io.WriteString(s.tcp, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nhere TLS is spoken\n")
	}
	return err
}

// isMethod tells whether what should be a record begins as a request does.
func isMethod(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && c != ' ' && c != '/' {
			return false
		}
	}
	return true
}

// shaken takes the connection from the goroutine.
func (s *secure) shaken(err error) {
	c := s.conn
	c.stop, c.state, c.readable, c.writable = nil, busy, true, true
	switch {
	case c.gone || c.loop.server.draining.Load():
		c.Reset()
	case err != nil:
		c.loop.server.cfg.Unshaken(err)
		c.shut()
	default:
		c.state = heading
		c.loop.heads.push(c, c.loop.now)
		c.receive()
	}
}

// handOver gives the connection to the server for HTTP/2.
func (s *secure) handOver() {
	c, server := s.conn, s.conn.loop.server
	c.stop = nil
	c.loop.Forget(c.fd) // the socket lives on, so its end would not do that
	c.state = closed
	unknown(c)
	_ = unix.Close(c.fd)
	c.loop.held.Add(-1)
	s.meter = new(h2.Meter)
	s.shared = &shared{turn: server.writes.Of(c.remote.Addr()), starts: server.turns.Of(c.remote.Addr())}
	go func() {
		defer server.away.Done()
		over := server.cfg.Streams(c.client, s.tcp)
		defer func() {
			s.shared.turn.End()
			s.shared.starts.End()
			over()
			server.open.Add(-1)
			server.cfg.Leave(c.client)
		}()
		state := s.tls.ConnectionState()
		server.streams.Serve(server.cfg.Context(server.ctx, c.client), gathered{s}, &state, s.meter)
	}()
}
