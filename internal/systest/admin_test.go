package systest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/certificate/certtest"
	"tandem/internal/cluster"
	"tandem/internal/operator"
)

// Every role's admin listener speaks TLS where it has a certificate, and nothing else; a
// new certificate is shown without a restart; commands trust it by --ca or by
// cluster.json; and a demo whose nodes ask for a token is ready by that of its
// environment.
//
//	TANDEM_TOKEN=... tandem demo --lb-flags=--operators-file=o.yaml,--admin-cert=c.pem,--admin-key=k.pem
func TestOperatorsAreSpokenWithByTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, operators := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "operators")
	certtest.Write(t, cert, key, 1)
	token, hash := operator.NewToken()
	must(t, os.WriteFile(operators, []byte("tokens: [{name: anna, role: admin, hash: "+hash+"}]\n"), 0o600))
	t.Setenv(cluster.TokenEnv, token)
	flags := []string{"--edges", "2", "--balancers", "1"}
	for _, role := range []string{"lb", "edge", "origin"} {
		flags = append(flags, "--"+role+"-flags=--operators-file="+operators+",--admin-cert="+cert+",--admin-key="+key)
	}
	h := start(t, flags...)
	f := h.File()
	for _, n := range f.Nodes {
		spokenWith(t, n, f.CA, token)
	}
	s, err := h.Status()
	must(t, err)
	told := []string{s.Balancers[0].Admin}
	for _, e := range s.Edges {
		told = append(told, e.Admin)
	}
	for _, at := range told {
		if !strings.HasPrefix(at, "https://127.0.0.1:") {
			t.Errorf("others are told %s", at)
		}
	}
	o, err := cluster.NewOperator(f.CA)
	must(t, err)
	login, err := o.HTTP.Post(f.Node("lb-1").Admin+"/auth/login", "application/json", strings.NewReader(`{"token":"`+token+`"}`))
	must(t, err)
	_ = login.Body.Close()
	if cookie := login.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-tandem-session-lb-1=") || !strings.Contains(cookie, "; Secure") || login.ProtoMajor != 2 {
		t.Errorf("%s: the cookie is %q", login.Proto, cookie)
	}
	commandsTrust(t, h, f.Node("lb-1").Admin, cert, operators)
	certtest.Write(t, cert, key, 2)
	for _, n := range f.Nodes {
		for end := time.Now().Add(10 * time.Second); serialOf(t, n.Admin, cert) != 2; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s does not show the new certificate", n.Name)
			}
		}
	}
}

// spokenWith tries one node's listener: with TLS, without, with a token and without.
func spokenWith(t *testing.T, n cluster.Node, ca, token string) {
	t.Helper()
	o, err := cluster.NewOperator(ca)
	must(t, err)
	for _, row := range []struct {
		url, token string
		status     int
	}{
		{n.Admin + "/livez", "", http.StatusOK},
		{n.Admin + "/metrics", token, http.StatusOK},
		{n.Admin + "/metrics", "", http.StatusUnauthorized},
		{"http" + strings.TrimPrefix(n.Admin, "https") + "/livez", "", http.StatusBadRequest},
		{"http" + strings.TrimPrefix(n.Admin, "https") + "/metrics", token, http.StatusBadRequest},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, row.url, nil)
		must(t, err)
		o.Token = row.token
		o.Sign(r)
		resp, err := o.HTTP.Do(r)
		must(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != row.status {
			t.Errorf("%s: %s, want %d", row.url, resp.Status, row.status)
		}
	}
}

// commandsTrust what --ca, its variable or cluster.json names, and say so where nothing
// does.
func commandsTrust(t *testing.T, h *cluster.Harness, at, cert, operators string) {
	t.Helper()
	host := strings.TrimPrefix(at, "https://")
	for _, row := range []struct {
		env  string
		args []string
		code int
		says string
	}{
		{"TANDEM_CLUSTER=" + h.Dir + "/cluster.json", []string{"status"}, 0, ""},
		{"", []string{"status", "--admin", at}, 1, "--ca"},
		{"", []string{"status", "--admin", at, "--ca", cert}, 0, ""},
		{"", []string{"status", "--admin", host, "--ca", cert}, 0, ""},
		{"TANDEM_CA=" + cert, []string{"status", "--admin", at}, 0, ""},
		{"TANDEM_CA=" + cert, []string{"ready", "--admin", at}, 0, ""},
		{"", []string{"ready", "--admin", at}, 0, ""}, // on this machine it is asked without
		{"", []string{"ready", "--admin", at, "--ca", operators}, 2, "no certificate in it"},
		{"", []string{"status", "--admin", "http://" + host}, 1, "has TLS: https://" + host},
	} {
		_, errs, code := cluster.Command(t, []string{row.env}, row.args...)
		if code != row.code || !strings.Contains(errs, row.says) || strings.Contains(errs, os.Getenv(cluster.TokenEnv)) {
			t.Errorf("%s %v: exit %d, %s", row.env, row.args, code, errs)
		}
	}
}

// serialOf is the number of the certificate that a listener shows; 0: it is not the one
// in the file.
func serialOf(t *testing.T, at, cert string) int64 {
	t.Helper()
	o, err := cluster.NewOperator(cert)
	must(t, err)
	resp, err := o.HTTP.Get(at + "/livez")
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
}
