package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/certificate/certtest"
)

// at is a listener's address, and no listener.
type at struct {
	net.Listener
	addr string
}

func (a at) Addr() net.Addr {
	tcp, err := net.ResolveTCPAddr("tcp", a.addr)
	if err != nil {
		panic(err) // a test's own text
	}
	return tcp
}

// Tokens that go over a network in clear are warned of, and nothing else is.
func TestTokensInClearAreWarnedOf(t *testing.T) {
	guarded := adminConfig{operators: "o.yaml"}
	for _, row := range []struct {
		name   string
		config adminConfig
		listen string
		warned bool
	}{
		{"all addresses", guarded, "0.0.0.0:9080", true},
		{"all addresses, IPv6", guarded, "[::]:9080", true},
		{"one address", guarded, "10.0.0.1:9080", true},
		{"this machine", guarded, "127.0.0.1:9080", false},
		{"this machine, IPv6", guarded, "[::1]:9080", false},
		{"with TLS", adminConfig{operators: "o.yaml", cert: "c.pem"}, "0.0.0.0:9080", false},
		{"on purpose", adminConfig{operators: "o.yaml", plain: true}, "0.0.0.0:9080", false},
		{"nobody has a token", adminConfig{open: true}, "0.0.0.0:9080", false},
	} {
		var log bytes.Buffer
		row.config.warns(at{addr: row.listen}, zerolog.New(&log))
		if said := log.String(); (said != "") != row.warned || row.warned && (!strings.Contains(said, row.listen) || !strings.Contains(said, "--admin-cert") || !strings.Contains(said, `"warn"`)) {
			t.Errorf("%s: %q", row.name, said)
		}
	}
}

func TestAdminSettingsThatCannotBeMeantAreRefused(t *testing.T) {
	for _, row := range []struct {
		config     adminConfig
		advertised string
		says       string
	}{
		{adminConfig{}, "http://a:1", ""},
		{adminConfig{plain: true}, "https://proxy", ""},
		{adminConfig{cert: "c"}, "", ""},
		{adminConfig{cert: "c", key: "k"}, "https://a:1", ""},
		{adminConfig{key: "k"}, "", "--admin-key: "},
		{adminConfig{cert: "c", plain: true}, "", "--admin-plain: "},
		{adminConfig{cert: "c"}, "http://a:1", "https://a:1"},
	} {
		err := row.config.validate(row.advertised)
		if (err == nil) != (row.says == "") || err != nil && (!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%+v, advertised at %q: %v", row.config, row.advertised, err)
		}
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("4f2c9a1be07d5583c6a94f2c9a1be07d"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range roles() { // each of them checks it
		given := map[string]string{"admin-key": "k.pem", "data": t.TempDir(), "origin": "http://127.0.0.1:1", "sample": "true", "secret-file": secret}
		for _, s := range r.rows() {
			if text, ok := given[s.Name]; ok {
				if err := s.Value.Set(text); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.validate(); err == nil || !strings.Contains(err.Error(), "--admin-key") {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	if _, err := (&adminConfig{cert: "/not/there"}).shown(zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "--admin-cert: ") {
		t.Error(err)
	}
}

// The certificate of an admin listener is told of before its end, and one that is new is
// not.
func TestTheAdminCertificateIsToldBeforeItsEnd(t *testing.T) {
	var now time.Time
	var c adminConfig
	says := c.troubles(func() time.Time { return now })
	if said := says(); len(said) != 0 {
		t.Errorf("without one: %v", said)
	}
	c.cert, c.key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	certtest.Write(t, c.cert, c.key, 1, "lb")
	f, err := c.shown(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	leaf := f.Leaf()
	for at, want := range map[time.Time]string{leaf.NotBefore: "", leaf.NotAfter.Add(-time.Second): "the admin listener's certificate ends at ", leaf.NotAfter.Add(time.Second): "the admin listener's certificate has ended at "} {
		now = at
		said := says()
		if want == "" && len(said) == 0 {
			continue
		}
		if len(said) != 1 || !strings.HasPrefix(said[0].Text, want) || !strings.Contains(said[0].Next, c.cert) {
			t.Errorf("at %s: %v, want %q", at, said, want)
		}
	}
}

// One address of others takes no more of an admin listener than its part; this machine's
// are bounded by the sum alone.
func TestOneClientDoesNotFillAnAdminListener(t *testing.T) {
	places := (&adminConfig{most: 10, each: 3}).places()
	count := func(address string) (n int) {
		for range 20 {
			if _, ok := places(address); ok {
				n++
			}
		}
		return n
	}
	if n := count("10.0.0.1"); n != 3 {
		t.Errorf("one address: %d", n)
	}
	if n := count("2001:db8::1") + count("2001:db8::2"); n != 3 {
		t.Errorf("one /64: %d", n)
	}
	leave, ok := places("127.0.0.1")
	if !ok {
		t.Fatal("this machine is kept out")
	}
	leave()
	if n := count("::1"); n != 4 {
		t.Errorf("this machine: %d of the 4 that are left", n)
	}
}
