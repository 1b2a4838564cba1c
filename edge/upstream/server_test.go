package upstream

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	encoding "encoding/pem"
	"errors"
	"fmt"
	"io"
	quiet "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// issued is a certificate with its key, in PEM.
type issued struct {
	cert, key string
	parsed    *x509.Certificate
	private   *ecdsa.PrivateKey
}

// issue makes a certificate; by nil it signs itself and may sign others.
func issue(t *testing.T, by *issued, name string, until time.Time) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.parsed, by.private
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := &issued{private: key}
	if made.parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	made.cert = string(encoding.EncodeToMemory(&encoding.Block{Type: "CERTIFICATE", Bytes: der}))
	made.key = string(encoding.EncodeToMemory(&encoding.Block{Type: "EC PRIVATE KEY", Bytes: private}))
	return made
}

// secured is an https origin that wants a client's certificate of ca; it says the
// name that it was asked by.
func secured(t *testing.T, server, ca *issued) string {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(server.cert), []byte(server.key))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.ServerName, " ", r.Host)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if ca != nil {
		s.TLS.ClientCAs, s.TLS.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		s.TLS.ClientCAs.AddCert(ca.parsed)
	}
	s.Config.ErrorLog = quiet.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return "https://origin.test:" + port
}

func local(string) []string { return []string{"127.0.0.1"} }

func TestPrivateAuthorityNameAndClientCertificate(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	ca := issue(t, nil, "ca", soon)
	mine := issue(t, ca, "edge", soon)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	url := secured(t, issue(t, ca, "origin.test", soon), ca)
	u := of(url)
	u.CA, u.Certificate, u.Key = ca.cert, mine.cert, mine.key
	host := strings.TrimPrefix(url, "https://")
	newUnder(t, local, u).says("/", "origin.test "+host)
	u = of(url)
	u.CA, u.Certificate, u.Key = file("ca.pem", ca.cert), file("c.pem", mine.cert), file("k.pem", mine.key)
	u.Host = "media.example.com"
	newUnder(t, local, u).says("/", "origin.test media.example.com")
	u = of(secured(t, issue(t, ca, "inner.name", soon), nil))
	u.CA, u.TLSName = ca.cert, "inner.name"
	x := newUnder(t, local, u)
	if status, text, err := x.get("/"); status != 200 || !strings.HasPrefix(text, "inner.name origin.test:") || err != nil {
		t.Error(status, text, err)
	}
	for what, c := range map[string]struct {
		server *issued
		ca     string
	}{
		"another authority": {issue(t, issue(t, nil, "other", soon), "origin.test", soon), ca.cert},
		"the system's":      {issue(t, ca, "origin.test", soon), ""},
		"another name":      {issue(t, ca, "else.test", soon), ca.cert},
		"expired":           {issue(t, ca, "origin.test", time.Now().Add(-time.Hour)), ca.cert},
	} {
		u := of(secured(t, c.server, nil))
		u.CA = c.ca
		x := newUnder(t, local, u)
		if _, _, err := x.get("/"); !errors.Is(err, ErrConnect) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(*wire.Upstream){
		"ca:":               func(u *wire.Upstream) { u.CA = filepath.Join(dir, "none") },
		"certificate, key:": func(u *wire.Upstream) { u.Certificate, u.Key = ca.cert, mine.key },
		"key:":              func(u *wire.Upstream) { u.Certificate, u.Key = mine.cert, filepath.Join(dir, "none") },
	} {
		u := of(url)
		change(&u)
		if _, err := New(Config{HeadTimeout: time.Second}, Deps{}, []wire.Upstream{u}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want %q, got %v", what, err)
		}
	}
}

// A certificate that was renewed is used without a restart.
func TestRenewedClientCertificateIsUsed(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	ca := issue(t, nil, "ca", soon)
	url := secured(t, issue(t, ca, "origin.test", soon), ca)
	dir := t.TempDir()
	put := func(i *issued) {
		for name, text := range map[string]string{"c.pem": i.cert, "k.pem": i.key} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(issue(t, ca, "edge", time.Now().Add(-time.Hour)))
	u := of(url)
	u.CA, u.Certificate, u.Key = ca.cert, filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	x := newUnder(t, local, u)
	if _, _, err := x.get("/"); err == nil {
		t.Fatal("an expired certificate was taken")
	}
	put(issue(t, ca, "edge", soon))
	x.clock.advance(defaultAge)
	if status, _, err := x.get("/"); status != 200 || err != nil {
		t.Error(status, err)
	}
}

// Credentials and other fields of the setting go out, and are never said.
func TestCredentialsAreUsedAndNeverSaid(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, user, " ", password, " ", r.Header.Get("X-Key"), " ", r.Header.Get("X-Viewer"))
	}))
	defer origin.Close()
	u := of(strings.Replace(origin.URL, "http://", "http://admin:s3cret@", 1))
	u.Fields = map[string]string{"x-key": "k3y"}
	x := newUnder(t, nil, u)
	asked := http.Header{"X-Viewer": {"v"}, "Authorization": {"Bearer viewer"}}
	if _, text, err := x.ask(&Request{Method: http.MethodGet, Target: "/", Header: asked}); text != "admin s3cret k3y v" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if asked.Get("Authorization") != "Bearer viewer" || len(asked) != 2 {
		t.Error("the asker's fields were changed:", asked)
	}
	origin.Close()
	_, _, err := x.get("/")
	if err == nil || strings.Contains(err.Error()+x.log.String()+fmt.Sprintf("%+v", x.Figures()), "s3cret") || strings.Contains(err.Error(), "k3y") {
		t.Errorf("%v\n%s", err, x.log)
	}
}

func TestHealthCheckTakesAServerOutAndBack(t *testing.T) {
	var ill atomic.Bool
	var other atomic.Int64
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/base/health" && ill.Load():
			w.WriteHeader(404)
		case r.URL.Path == "/base/health":
		default:
			other.Add(1)
			_, _ = io.WriteString(w, "first")
		}
	}))
	defer first.Close()
	second, _ := saying(t, 200, "second")
	u := of(first.URL+"/base", second)
	u.Check = &wire.UpstreamCheck{Target: "/health", Every: wire.Span(time.Second)}
	x := newUnder(t, nil, u)
	round := func() {
		t.Helper()
		x.clock.advance(time.Second)
		x.checkDue(t.Context())
		for until := time.Now().Add(20 * time.Second); x.checks(); time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("a check does not end")
			}
		}
	}
	round()
	x.says("/x", "first")
	ill.Store(true)
	round()
	x.says("/x", "second")
	x.clock.advance(time.Hour) // a request is no proof where a check says otherwise
	x.says("/x", "second")
	ill.Store(false)
	round()
	x.says("/x", "first")
	if other.Load() != 2 || strings.Count(x.log.String(), "health check") != 2 {
		t.Errorf("%d\n%s", other.Load(), x.log)
	}
}

// checks tells whether a health check runs.
func (x *under) checks() bool {
	for _, g := range *x.groups.Load() {
		for _, s := range g.servers {
			if s.checking.Load() {
				return true
			}
		}
	}
	return false
}

// A body that breaks off counts against its server.
func TestBodyThatBreaksOffIsCounted(t *testing.T) {
	url := raw(t, func(c net.Conn, _ string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	x := newUnder(t, nil, of(url))
	if _, text, err := x.get("/"); err == nil || text != "half" || x.tries(url, "cut") != 1 {
		t.Errorf("%q %v %+v", text, err, x.Figures())
	}
}
