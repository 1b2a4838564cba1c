package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// A node that connects again resumes its TLS session: a burst of connections costs no
// signature each. Who is there is judged all the same, by the certificate that the session
// began with (VerifyConnection, Peer); and no session outlives what it was judged by: a
// ticket holds the state of trust it was made in, and counts in no other one.

// sessionsMost bounds the sessions that a node keeps to resume.
const sessionsMost = 1024

// trustState stands for all that a certificate is judged by: the roots, the revocations,
// and what this node itself shows.
func (c *current) trustState() []byte {
	h := sha256.New()
	for _, part := range [][]byte{c.roots, c.leaf.Raw} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	for _, name := range slices.Sorted(maps.Keys(c.revoked)) {
		h.Write(binary.BigEndian.AppendUint64([]byte(name+"\x00"), c.revoked[name]))
	}
	return h.Sum([]byte("tandem-trust/1 "))
}

// resumable makes a server's configuration give tickets, and take those of the same
// state of trust. Go changes the keys that seal them each day, and they never leave the process.
func (b *Bundle) resumable(config *tls.Config) *tls.Config {
	config.WrapSession = func(state tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		s.Extra = [][]byte{b.now.Load().trustState()}
		return config.EncryptTicket(state, s)
	}
	config.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		s, err := config.DecryptTicket(ticket, state)
		if err != nil || s == nil || len(s.Extra) != 1 || string(s.Extra[0]) != string(b.now.Load().trustState()) {
			return nil, nil // a whole handshake, at which certificates are shown again
		}
		return s, nil
	}
	return config
}

// sessions keeps those with one node, of the state of trust in which it is dialled: nodes
// may share a host, and a session that began with another certificate of ours would show
// that one, also when its ticket comes after a renewal.
type sessions struct {
	b           *Bundle
	with, state string
}

func (b *Bundle) sessionsWith(host string, want Want, protocols []string) tls.ClientSessionCache {
	with := strings.Join(append([]string{host, string(want.Role), want.Node}, protocols...), "\x00")
	return sessions{b, with, string(b.now.Load().trustState())}
}

func (s sessions) key() string { return s.with + "\x00" + s.state }

// Get is a tls.ClientSessionCache's.
func (s sessions) Get(string) (*tls.ClientSessionState, bool) {
	if s.state != string(s.b.now.Load().trustState()) {
		return nil, false
	}
	return s.b.sessions.Get(s.key())
}

// Put is a tls.ClientSessionCache's.
func (s sessions) Put(_ string, state *tls.ClientSessionState) { s.b.sessions.Put(s.key(), state) }

var _ tls.ClientSessionCache = sessions{}
