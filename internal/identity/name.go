package identity

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Role is what a node is in the cluster.
type Role string

// The roles. A Node is an edge and a balancer in one process (paragraph 84).
const (
	Origin   Role = "origin"
	Edge     Role = "edge"
	Balancer Role = "balancer"
	Node     Role = "node"
)

// Roles lists them.
var Roles = []Role{Origin, Edge, Balancer, Node}

// Is tells whether the role is, or includes, another one.
func (r Role) Is(want Role) bool {
	return r == want || r == Node && (want == Edge || want == Balancer)
}

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	for _, r := range Roles {
		if string(r) == text {
			return r, nil
		}
	}
	return "", fmt.Errorf("%q is no role; want origin, edge, balancer or node", text)
}

// MaxNode bounds the name of a node, or of a zone, in bytes.
const MaxNode = 64

// Name is who a certificate says that a node is.
type Name struct {
	Cluster string // drawn when the authority was made, so that two clusters are told apart
	Role    Role
	Node    string
}

// String is the name as a URI.
func (n Name) String() string { return n.uri().String() }

func (n Name) uri() *url.URL {
	return &url.URL{Scheme: "spiffe", Host: n.Cluster, Path: "/" + string(n.Role) + "/" + n.Node}
}

// Check tells what is wrong with a name.
func (n Name) Check() error {
	if _, err := ParseRole(string(n.Role)); err != nil {
		return err
	}
	if !IsName(n.Node) || !IsName(n.Cluster) {
		return fmt.Errorf("%q is no name of a node: 1 to %d letters, digits, '-', '.' or '_'", n.Node, MaxNode)
	}
	return nil
}

// IsName tells whether a node or a zone can be called so: 1 to MaxNode letters, digits, '-',
// '.' or '_'.
func IsName(s string) bool {
	if s == "" || len(s) > MaxNode {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// CheckNames tells which of these settings, a flag and what it is set to by turns, is no
// name, if they are looked at; those that are empty are not set.
func CheckNames(look bool, settings ...string) error {
	for i := 1; look && i < len(settings); i += 2 {
		if text := settings[i]; text != "" && !IsName(text) {
			return fmt.Errorf("%s: %q: want 1 to %d letters, digits, '-', '.' or '_'", settings[i-1], text, MaxNode)
		}
	}
	return nil
}

// NameOf reads the name in a certificate. It proves nothing: see Bundle.Peer.
func NameOf(cert *x509.Certificate) (Name, error) {
	if len(cert.URIs) != 1 || cert.URIs[0].Scheme != "spiffe" {
		return Name{}, fmt.Errorf("%w: the certificate of %q names no node of a cluster", ErrForeign, cert.Subject.CommonName)
	}
	u := cert.URIs[0]
	role, node, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	n := Name{Cluster: u.Host, Role: Role(role), Node: node}
	if err := n.Check(); err != nil {
		return Name{}, fmt.Errorf("%w: %s: %w", ErrForeign, u, err)
	}
	return n, nil
}

// maxHost bounds the name of a host, in bytes (RFC 1035 section 2.3.4).
const maxHost = 253

// CheckHosts says in one line which of the names and addresses of hosts that a certificate
// is to name is none: it would be refused wherever its node is called.
func CheckHosts(hosts []string) error {
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			return fmt.Errorf("%s is no address of a node: want one at which others reach it", host)
		} else if ip == nil && !isHost(host) {
			return fmt.Errorf("%.64q is no name or address of a host: want one like edge-3.example.com or 10.0.0.13, without a port", host)
		}
	}
	return nil
}

// isHost tells whether text is the name of a host. One whose last label is a number was
// meant to be an address.
func isHost(text string) bool {
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if len(label) == 0 || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return len(text) <= maxHost && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
