package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var moment = time.Unix(1_800_000_000, 0)

const (
	firstSecret  = "the first of two signing keys, K1"
	secondSecret = "the second one of them, which is k2"
)

// stage is a directory with keys and a geo file.
type stage struct {
	t   *testing.T
	dir string
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	var err error
	if s.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if s.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	s.write("k1", firstSecret)
	s.write("k2", secondSecret)
	s.write("ec.pem", s.public(&s.ec.PublicKey))
	s.write("rsa.pem", s.public(&s.rsa.PublicKey))
	s.write("geo.mmdb", string(geoOf(map[string]string{"203.0.113.0/24": "NO", "198.51.100.0/24": "SE"})))
	return s
}

func (s *stage) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *stage) public(key crypto.PublicKey) string {
	s.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

const allKeys = "keys: [{id: k1, file: k1}, {id: k2, file: k2}, {id: ec, file: ec.pem}, {id: rsa, file: rsa.pem}]"

// policy loads a policy of these rules, a line of YAML each.
func (s *stage) policy(rules ...string) *Policy {
	s.t.Helper()
	p, _, err := Load(s.write("access.yaml", "geo: geo.mmdb\nrules:\n  - {"+strings.Join(rules, "}\n  - {")+"}\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// asks is a request for a target.
func asks(target string, fields ...string) Request {
	r := Request{
		Method: http.MethodGet, Target: target, Scheme: "https", Host: "cdn.example:8443", Protocol: "http/1.1",
		Address: netip.MustParseAddr("203.0.113.7"), Header: http.Header{},
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// reason is why a request was refused, "" when it was not.
func reason(err error) string {
	var refusal *Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Reason
	}
	return err.Error()
}

// geoOf writes a MaxMind DB: format 2.0, records of 24 bits, IPv4.
func geoOf(networks map[string]string) []byte {
	type node [2]int // below 0: a leaf, -1 none, else -(2+offset of the data)
	nodes := []node{{-1, -1}}
	var data []byte
	for text, country := range networks {
		n := netip.MustParsePrefix(text)
		bits := binary.BigEndian.Uint32(n.Addr().AsSlice())
		at := 0
		for i := range n.Bits() {
			side := int(bits >> (31 - i) & 1)
			if i == n.Bits()-1 {
				nodes[at][side] = -(2 + len(data))
				break
			}
			if nodes[at][side] < 0 {
				nodes = append(nodes, node{-1, -1})
				nodes[at][side] = len(nodes) - 1
			}
			at = nodes[at][side]
		}
		data = append(data, mapOf("country", mapOf("iso_code", textOf(country)))...)
	}
	var out []byte
	for _, n := range nodes {
		for _, v := range n {
			switch {
			case v == -1:
				v = len(nodes)
			case v < 0:
				v = len(nodes) + 16 + (-v - 2)
			}
			out = append(out, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	out = append(append(out, make([]byte, 16)...), data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return append(out, mapOf(
		"node_count", []byte{6<<5 | 4, 0, 0, byte(len(nodes) >> 8), byte(len(nodes))}, "record_size", []byte{5<<5 | 1, 24}, "ip_version", []byte{5<<5 | 1, 4},
		"database_type", textOf("Test-Country"), "languages", []byte{0, 4}, "binary_format_major_version", []byte{5<<5 | 1, 2},
		"binary_format_minor_version", []byte{5 << 5}, "build_epoch", []byte{4, 2, 0x6b, 0, 0, 0}, "description", mapOf(),
	)...)
}

func textOf(s string) []byte { return append([]byte{2<<5 | byte(len(s))}, s...) }

func mapOf(pairs ...any) []byte {
	out := []byte{7<<5 | byte(len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		out = append(append(out, textOf(pairs[i].(string))...), pairs[i+1].([]byte)...)
	}
	return out
}
