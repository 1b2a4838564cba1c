package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	ticketMark = "tandem-ticket-1."
	maxTicket  = 4096 // characters
	ticketSize = 16   // bytes of its secret
)

// Ticket lets one node in, once. It is worth a certificate, so it lives shortly
// and is given to the node by a way that others don't hear.
type Ticket struct {
	Role    Role     `json:"role"`
	Node    string   `json:"node"`
	At      []string `json:"at"`      // host:port of balancers' listeners for nodes
	Root    []byte   `json:"root"`    // SHA-256 of the root's public key: the cluster proves itself by it
	Secret  []byte   `json:"secret"`  // the node proves itself by it
	Expires int64    `json:"expires"` // unix seconds
}

// NewTicket draws one. root is the cluster's, PEM.
func NewTicket(role Role, node string, at []string, root []byte, expires time.Time) (Ticket, error) {
	if err := (Name{Cluster: "any", Role: role, Node: node}).Check(); err != nil {
		return Ticket{}, err
	}
	_, certs, err := parsePEM(root)
	if err != nil || len(certs) == 0 {
		return Ticket{}, fmt.Errorf("%w: no root", ErrFile)
	}
	return Ticket{Role: role, Node: node, At: at, Root: rootHash(certs[len(certs)-1]), Secret: draw(ticketSize), Expires: expires.Unix()}, nil
}

func rootHash(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return sum[:]
}

// Text is the ticket as it is handed over.
func (t Ticket) Text() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // it holds texts and bytes alone
	}
	return ticketMark + base64.RawURLEncoding.EncodeToString(b)
}

// ParseTicket reads a ticket.
func ParseTicket(text string) (Ticket, error) {
	text = strings.TrimSpace(text)
	rest, ok := strings.CutPrefix(text, ticketMark)
	if !ok || len(text) > maxTicket {
		return Ticket{}, fmt.Errorf("%w: it begins with %s (tandem ticket makes one)", ErrTicketForm, ticketMark)
	}
	var t Ticket
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil || len(t.Root) != sha256.Size || len(t.Secret) != ticketSize || len(t.At) == 0 {
		return Ticket{}, fmt.Errorf("%w: a part of it is missing; copy all of it", ErrTicketForm)
	}
	return t, (Name{Cluster: "any", Role: t.Role, Node: t.Node}).Check()
}

// TicketID is the name under which the cluster knows a ticket's secret, which it
// does not keep.
func TicketID(secret []byte) string {
	sum := sha256.Sum256(append([]byte("tandem ticket "), secret...))
	return hex.EncodeToString(sum[:16])
}

// KeyID names the key of a request, PEM: a ticket that was used by this key may
// be used by it again, since an answer can be lost.
func KeyID(request []byte) (string, error) {
	csr, err := parseRequest(request)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:16]), nil
}
