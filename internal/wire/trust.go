package wire

import "errors"

// ErrKeys is returned for keys that contradict themselves.
var ErrKeys = errors.New("malformed keys")

// Trust is what every node has to know to tell who is who, and when to ask for
// what it may know beside it. Nothing in it is secret.
type Trust struct {
	Cluster string       `json:"cluster,omitempty"` // name of the cluster in certificates
	Roots   string       `json:"roots,omitempty"`   // the roots to trust, PEM: two while one takes over from the other
	Issuer  uint64       `json:"issuer,omitempty"`  // version in which the authority that issues now took over: older certificates are renewed
	Revoked []Revocation `json:"revoked,omitempty"` // in the order of the names
	Keys    uint64       `json:"keys,omitempty"`    // version in which the keys became what they are (Keys.Version)

	Protected []Protected `json:"protected,omitempty"` // what nobody is served who was not let in
}

// Protected is a prefix of paths below which a viewer has to be let in; Open: not
// so, inside of another one.
type Protected struct {
	Prefix string `json:"prefix"`
	Open   bool   `json:"open,omitempty"`
}

// Revocation voids the certificates of a name that were issued up to a version.
type Revocation struct {
	Node    string `json:"node"`
	Version uint64 `json:"version"`
}

// Standing is what an origin of the cluster has to know: it follows no placement, and
// opens no token.
type Standing struct {
	Trust     *Trust `json:"trust,omitempty"`
	Version   uint64 `json:"version"`   // of Datagrams (Keys.Version)
	Datagrams KeySet `json:"datagrams"` // keys that seal datagrams
}

// RevokedUpTo is the list by name.
func (t *Trust) RevokedUpTo() map[string]uint64 {
	list := make(map[string]uint64, len(t.Revoked))
	for _, r := range t.Revoked {
		list[r.Node] = r.Version
	}
	return list
}

// Enrol asks for a certificate: by a ticket, or by the one that is good still.
type Enrol struct {
	Ticket  []byte `json:"ticket,omitempty"` // its secret
	Request string `json:"request"`          // PEM; empty: only Clock is told, by the ticket's ID
	ID      string `json:"id,omitempty"`     // of the ticket
	Clock   int64  `json:"clock,omitempty"`  // what who joins has, unix milliseconds
}

// Certified is a certificate and what to trust, both PEM.
type Certified struct {
	Chain string `json:"chain"`
	Roots string `json:"roots"`
	Clock int64  `json:"clock,omitempty"` // what the balancer has, unix milliseconds
}

// TicketOrder is what an operator says of a ticket.
type TicketOrder struct {
	Role      string   `json:"role"`
	Node      string   `json:"node"`
	Addresses []string `json:"addresses"` // host names and IP addresses at which the node is reached
	Minutes   int      `json:"minutes,omitempty"`
}

// TicketMade is the answer.
type TicketMade struct {
	Ticket string `json:"ticket"`
}

// MaxAudited bounds how many a balancer tells the others at once.
const MaxAudited = 64

// Audited is one request at an admin listener that changed something, or was to.
type Audited struct {
	Time   int64  `json:"time"` // unix milliseconds
	Node   string `json:"node"` // that was asked
	Who    string `json:"who"`
	Role   string `json:"role"`
	By     string `json:"by"`   // token, login, oidc, open
	From   string `json:"from"` // address
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"` // of the answer
}
