package lb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// writeCertificate makes a new pair of files, which differ in time from others.
func writeCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1_000_000+serial, 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewCertificateIsTakenAndABrokenOneIsNot(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writeCertificate(t, cert, key, 1)
	c, err := openCertificate(cert, key, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		shown, err := c.config().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return shown.Leaf.SerialNumber.Int64()
	}
	writeCertificate(t, cert, key, 2)
	c.look()
	if serial() != 2 {
		t.Fatal("the new one is not shown")
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.look()
	if serial() != 2 {
		t.Fatal("a broken one is shown")
	}
	if _, err := openCertificate(cert, key, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
		t.Fatal(err)
	}
}

func TestViewersWithTLSGetHTTP2(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writeCertificate(t, cert, key, 1)
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(c *Config) { c.TLSListen, c.TLSCert, c.TLSKey = "127.0.0.1:0", cert, key }})
	ln := listen(t)
	server := c.lb.Secure(c.lb.Handler(), c.lb.Relays)
	over := make(chan error, 1)
	go func() { over <- server.Serve(ln) }()
	defer func() { _ = server.Close(); <-over }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 2 {
		resp, body := c.request(client, http.MethodGet, "https://"+ln.Addr().String()+entryPath, nil)
		if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || string(body) != "object "+entryPath {
			t.Fatalf("%s %s %q", resp.Proto, resp.Status, body)
		}
	}
	if c.opened() != 1 {
		t.Fatalf("%d sessions on one connection", c.opened())
	}
}
