package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tandem/internal/names"
)

// Protocols between nodes (ALPN).
const (
	ProtocolHTTP = "http/1.1"
	ProtocolRaft = "tandem-raft/1"
)

// Server is the configuration of a listener for nodes. Everybody gets through
// the handshake: who is there is judged behind it (Require, Peer), where the
// reason of a refusal can be told to the other side.
func (b *Bundle) Server(protocols ...string) *tls.Config {
	return b.resumable(&tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &b.now.Load().shown, nil },
	})
}

// Want is whom a node means to reach.
type Want struct {
	Role Role   // empty: any
	Node string // empty: any of that role
}

func (w Want) check(p Peer) error {
	switch {
	case w.Role != "" && !p.Role.Is(w.Role):
		return fmt.Errorf("%w: %s is %s, not %s: is the address right?", ErrRole, p.Node, p.Role, w.Role)
	case w.Node != "" && w.Node != p.Node:
		return fmt.Errorf("%w: %s answers where %s was to be: is the address right?", ErrRole, p.Node, w.Node)
	}
	return nil
}

// Client is the configuration of a connection to a node at a host.
func (b *Bundle) Client(host string, want Want, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, ServerName: host,
		ClientSessionCache:   b.sessionsWith(host, want, protocols),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &b.now.Load().shown, nil },
		InsecureSkipVerify:   true, // VerifyConnection does it all, by the roots that count now
		VerifyConnection: func(state tls.ConnectionState) error {
			p, err := b.Peer(&state)
			if err == nil {
				err = p.At(host)
			}
			if err == nil {
				err = want.check(p)
			}
			if err != nil {
				b.Counts.Strange.Add(1)
			}
			return err
		},
	}
}

// Dial connects to a node.
func (b *Bundle) Dial(ctx context.Context, address string, want Want, protocols ...string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	plain, err := names.Dial(ctx, new(net.Dialer), "tcp", address)
	if err != nil {
		return nil, b.Told(err)
	}
	conn := tls.Client(plain, b.Client(host, want, protocols...))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, b.Told(err)
	}
	return b.Watch(conn), nil
}

// Joining is the configuration of a connection on which a ticket is shown: the
// cluster is known by the hash of its root alone. Where nothing but the time is against
// the balancer's certificate off is told why, and the connection stands: no ticket is to
// be shown on it, but the balancer can be told what the clock here says.
func (t Ticket) Joining(host string, now time.Time, off func(error)) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{ProtocolHTTP}, ServerName: host,
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(state tls.ConnectionState) error {
			certs := state.PeerCertificates
			c := &current{pool: x509.NewCertPool(), verified: newVerified()}
			for _, cert := range certs {
				if cert.IsCA && string(rootHash(cert)) == string(t.Root) {
					c.pool.AddCert(cert)
				}
			}
			if len(certs) > 0 {
				c.name, _ = NameOf(certs[0]) // whatever cluster the ticket's root says
			}
			p, err := c.identify(certs, now)
			if late := err; errors.Is(late, ErrClock) || errors.Is(late, ErrExpired) {
				if p, err = c.identify(certs, certs[0].NotBefore); err == nil {
					off(late)
				}
			}
			if errors.Is(err, ErrForeign) {
				return fmt.Errorf("%w: %s is not of the cluster that made the ticket", ErrForeign, host)
			}
			if err == nil {
				err = Want{Role: Balancer}.check(p)
			}
			return err
		},
	}
}

type peerKey struct{}

// PeerOf is the node that made a request, behind Require.
func PeerOf(r *http.Request) (Peer, bool) {
	p, ok := r.Context().Value(peerKey{}).(Peer)
	return p, ok
}

// Require lets only nodes of the cluster through, and tells others why not.
// refused is called for each of them.
func (b *Bundle) Require(next http.Handler, refused func(r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := b.Peer(r.TLS)
		if err != nil {
			refused(r, err)
			w.Header().Set("Connection", "close")
			Refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, p)))
	})
}

// Refuse answers 403 with the reason, for the other side's log.
func Refuse(w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error(), "reason": "certificate"})
}
