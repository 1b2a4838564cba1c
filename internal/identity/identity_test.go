package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/secret"
)

func TestCertificateSaysWhatWasGrantedAndNotWhatWasAskedFor(t *testing.T) {
	c := newTown(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	greedy := &x509.CertificateRequest{
		DNSNames: []string{"lb-1.example"}, URIs: []*url.URL{Name{Cluster: c.ca.Cluster(), Role: Balancer, Node: "lb-1"}.uri()},
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, greedy, key)
	if err != nil {
		t.Fatal(err)
	}
	granted := Grant{Role: Edge, Node: "edge-3", Addresses: []string{"edge-3.example", "10.0.0.3"}, Version: 77}
	chain, err := c.ca.Issue(pem.EncodeToMemory(&pem.Block{Type: blockRequest, Bytes: der}), granted, moment)
	if err != nil {
		t.Fatal(err)
	}
	_, certs, err := parsePEM(chain)
	if err != nil {
		t.Fatal(err)
	}
	got, err := GrantOf(certs[0])
	if err != nil || got.Role != Edge || got.Node != "edge-3" || strings.Join(got.Addresses, " ") != "edge-3.example 10.0.0.3" || versionOf(certs[0]) != 77 {
		t.Fatalf("%+v of version %d, %v", got, versionOf(certs[0]), err)
	}
	if certs[0].IsCA || len(certs) != 2 {
		t.Fatalf("%d certificates, the first one may issue: %v", len(certs), certs[0].IsCA)
	}
}

func TestWhoIsRefusedIsToldCauseAndMend(t *testing.T) {
	c := newTown(t)
	here := c.node(Balancer, "lb-1")
	foreign := newTown(t)
	sibling := &Authority{cluster: "other.tandem", cert: c.ca.cert, key: c.ca.key} // one operator's authority, two clusters
	other := c.node(Edge, "edge-2")
	issue(t, other.Dir(), sibling, Grant{Role: Edge, Node: "edge-2"}, moment)
	if _, err := other.Reload(); err != nil {
		t.Fatal(err)
	}
	here.Revoke(map[string]uint64{"edge-9": 50})
	for _, row := range []struct {
		what  string
		who   *Bundle
		clock time.Duration
		err   error
		says  string
	}{
		{"one of us", c.node(Edge, "edge-1"), 0, nil, ""},
		{"another authority", foreign.node(Edge, "edge-1"), 0, ErrForeign, "ticket of this cluster"},
		{"another cluster of the same authority", other, 0, ErrForeign, "other.tandem"},
		{"a clock that is an hour behind", c.node(Edge, "edge-1"), -time.Hour, ErrClock, "set both clocks"},
		{"a clock that is a minute behind", c.node(Edge, "edge-1"), -time.Minute, nil, ""},
		{"the end of its life", c.node(Edge, "edge-1"), NodeLife, ErrExpired, "new ticket"},
		{"a revocation", c.node(Edge, "edge-9", func(g *Grant) { g.Version = 50 }), 0, ErrRevoked, "new ticket"},
		{"a ticket after the revocation", c.node(Edge, "edge-9", func(g *Grant) { g.Version = 51 }), 0, nil, ""},
	} {
		own := row.who.now.Load()
		_, err := here.now.Load().identify([]*x509.Certificate{own.leaf}, moment.Add(row.clock+time.Second))
		if !errors.Is(err, row.err) {
			t.Errorf("%s: %v, want %v", row.what, err, row.err)
			continue
		}
		if err != nil && (!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %q names no mend (%s)", row.what, err, row.says)
		}
	}
	if _, err := here.now.Load().identify(nil, moment); !errors.Is(err, ErrNone) {
		t.Error("nothing shown:", err)
	}
}

func TestNodesKnowEachOtherAndShutOthersOut(t *testing.T) {
	c := newTown(t)
	lb := c.node(Balancer, "lb-1")
	address, refused := serve(t, lb)
	for _, row := range []struct {
		what string
		who  *Bundle
		want Want
		body string // in the answer
		err  error  // before there is one
	}{
		{"an edge", c.node(Edge, "edge-1"), Want{Role: Balancer}, "/edge/edge-1", nil},
		{"a node that is both", c.node(Node, "node-1"), Want{Role: Balancer, Node: "lb-1"}, "/node/node-1", nil},
		{"who wanted an edge", c.node(Edge, "edge-1"), Want{Role: Edge}, "", ErrRole},
		{"who wanted another one", c.node(Edge, "edge-1"), Want{Node: "lb-2"}, "", ErrRole},
		{"another cluster", newTown(t).node(Edge, "edge-1"), Want{}, "", ErrForeign},
	} {
		resp, err := caller(t, row.who, row.want).Get("https://" + address + "/")
		if row.err != nil {
			if !errors.Is(err, row.err) {
				t.Errorf("%s: %v, want %v", row.what, err, row.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.what, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.HasSuffix(string(body), row.body) {
			t.Errorf("%s: %d %s", row.what, resp.StatusCode, body)
		}
	}
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := stranger.Get("https://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 403 || !strings.Contains(string(body), "no certificate") || !errors.Is(<-refused, ErrNone) {
		t.Errorf("without a certificate: %d %s", resp.StatusCode, body)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		conn.Close()
		t.Error("TLS 1.2 between nodes")
	}
}

func TestNodeIsReachedOnlyWhereItsCertificateSays(t *testing.T) {
	c := newTown(t)
	address, _ := serve(t, c.node(Edge, "edge-1", func(g *Grant) { g.Addresses = []string{"10.9.9.9", "edge-1.example"} }))
	if _, err := caller(t, c.node(Balancer, "lb-1"), Want{}).Get("https://" + address + "/"); !errors.Is(err, ErrAddress) {
		t.Fatal(err)
	}
	p := c.node(Edge, "edge-1", func(g *Grant) { g.Addresses = []string{"10.9.9.9", "edge-1.example"} }).Self()
	for host, good := range map[string]bool{"10.9.9.9": true, "edge-1.example": true, "10.9.9.8": false, "example": false, "": false} {
		if err := p.At(host); (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestRevocationEndsAnOpenConnection(t *testing.T) {
	c := newTown(t)
	lb, edge := c.node(Balancer, "lb-1"), c.node(Edge, "edge-3")
	address, refused := serve(t, lb)
	client := caller(t, edge, Want{})
	for i, want := range []int{200, 403} {
		if i == 1 {
			lb.Revoke(map[string]uint64{"edge-3": 1})
		}
		resp, err := client.Get("https://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i, resp.StatusCode, want)
		}
	}
	if err := <-refused; !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
}

// One root after the other: while both are trusted every node speaks to every
// other one, whoever issued its certificate.
func TestAuthorityRollsOverWithTwoRootsAlive(t *testing.T) {
	c := newTown(t)
	lb, edge := c.node(Balancer, "lb-1"), c.node(Edge, "edge-1")
	address, _ := serve(t, lb)
	client := caller(t, edge, Want{Role: Balancer})
	ask := func(why string) {
		t.Helper()
		resp, err := client.Get("https://" + address + "/")
		if err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d", why, resp.StatusCode)
		}
	}
	ask("at the start")
	next, err := NewAuthority(c.ca.Cluster(), moment)
	if err != nil {
		t.Fatal(err)
	}
	both := append(c.ca.Root(), next.Root()...)
	if err := edge.Trust(next.Root()); !errors.Is(err, ErrForeign) {
		t.Fatalf("a list of roots that shuts the node itself out: %v", err)
	}
	ask("after a list that was not taken")
	for _, b := range []*Bundle{lb, edge} {
		if err := b.Trust(both); err != nil {
			t.Fatal(err)
		}
	}
	ask("with both")
	for i, b := range []*Bundle{edge, lb} {
		key, request := newRequest(t)
		g, _ := b.Self().Grant()
		chain, err := next.Issue(request, g, moment)
		if err != nil {
			t.Fatal(err)
		}
		if err := Save(b.Dir(), key, chain, both); err != nil {
			t.Fatal(err)
		}
		if changed, err := b.Reload(); err != nil || !changed {
			t.Fatal(changed, err)
		}
		ask("on the connection that is open")
		client.CloseIdleConnections()
		ask("anew, renewed: " + []string{"the edge", "both"}[i])
	}
	for _, b := range []*Bundle{lb, edge} {
		if err := b.Trust(next.Root()); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseIdleConnections()
	ask("with the new one alone")
	if _, err := lb.now.Load().identify([]*x509.Certificate{c.node(Edge, "edge-1").now.Load().leaf}, moment); !errors.Is(err, ErrForeign) {
		t.Fatal("the old root still counts:", err)
	}
}

func TestOperatorsOwnAuthorityIssues(t *testing.T) {
	c := newTown(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(0), NotBefore: moment.Add(-time.Hour), NotAfter: moment.Add(20 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca.cert, key.Public(), c.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: der})...)
	if _, err := ParseAuthority(text, ""); err == nil || !strings.Contains(err.Error(), "root") {
		t.Fatal("a chain without its root:", err)
	}
	own, err := ParseAuthority(append(text, c.ca.Root()...), "")
	if err != nil {
		t.Fatal(err)
	}
	if own.Cluster() != c.ca.Cluster() {
		t.Fatal(own.Cluster())
	}
	dir := t.TempDir()
	issue(t, dir, own, Grant{Role: Edge, Node: "edge-1"}, moment)
	b, err := Open(dir, func() time.Time { return moment })
	if err != nil {
		t.Fatal(err)
	}
	if !b.Until().Equal(template.NotAfter) {
		t.Fatalf("good until %s, its issuer until %s", b.Until(), template.NotAfter)
	}
	state := tls.ConnectionState{}
	for _, raw := range b.now.Load().shown.Certificate {
		cert, _ := x509.ParseCertificate(raw)
		state.PeerCertificates = append(state.PeerCertificates, cert)
	}
	if p, err := c.node(Balancer, "lb-1").Peer(&state); err != nil || p.Node != "edge-1" {
		t.Fatal(p, err)
	}
}

func TestSecretsThatOthersCanReadAreRefused(t *testing.T) {
	c := newTown(t)
	b := c.node(Edge, "edge-1")
	if err := SaveAuthority(b.Dir(), c.ca); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{nodeFile, authorityFile, rootsFile} {
		info, err := os.Stat(filepath.Join(b.Dir(), name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if again, err := ReadAuthority(b.Dir(), ""); err != nil || again.Cluster() != c.ca.Cluster() {
		t.Error(again, err)
	}
	for name, read := range map[string]func() error{
		nodeFile:      func() error { _, err := Open(b.Dir(), nil); return err },
		authorityFile: func() error { _, err := ReadAuthority(b.Dir(), ""); return err },
	} {
		path := filepath.Join(b.Dir(), name)
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, secret.ErrMode) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "tandem join") {
		t.Error("an empty directory:", err)
	}
}

func TestFilesThatDontFitChangeNothing(t *testing.T) {
	c := newTown(t)
	b, other := c.node(Edge, "edge-1"), c.node(Edge, "edge-2")
	was := b.now.Load()
	text, err := os.ReadFile(filepath.Join(other.Dir(), nodeFile))
	if err != nil {
		t.Fatal(err)
	}
	mine, _ := os.ReadFile(filepath.Join(b.Dir(), nodeFile))
	end := strings.Index(string(mine), "-----BEGIN CERTIFICATE")
	cut := strings.Index(string(text), "-----BEGIN CERTIFICATE")
	for what, mixed := range map[string]string{
		"another's certificate": string(mine[:end]) + string(text[cut:]),
		"no certificate":        string(mine[:end]),
		"no key":                string(mine[end:]),
		"two keys":              string(mine[:end]) + string(mine),
		"nothing":               "",
	} {
		if err := write(b.Dir(), nodeFile, []byte(mixed)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Reload(); !errors.Is(err, ErrFile) || b.now.Load() != was {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a node's certificate can't usefully name is refused when it is asked for: with a
// port, as a URL, an address with a mistake in it.
func TestHostsOfACertificate(t *testing.T) {
	for _, good := range []string{"edge-3", "edge_3.example.com", "10.0.0.13", "::1", "fe80::1", "3com.example", "localhost", strings.Repeat("a.", 126) + "a"} {
		if err := CheckHosts([]string{"a", good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "10.0.0.13:8081", "http://edge-3", "edge 3", "999.1.1.1", "10.0.0", "[::1]", "0.0.0.0", "::", "edge-3.", "*.example.com", "a..b", "é.example", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"} {
		if err := CheckHosts([]string{"a", bad}); err == nil || !strings.Contains(err.Error(), "want one") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
