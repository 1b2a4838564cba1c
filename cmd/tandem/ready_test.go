package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/identity"
)

// A container's health check has nothing but an exit code and one line.
func TestReady(t *testing.T) {
	well := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/readyz":
			http.NotFound(w, r)
		case !well:
			http.Error(w, "no edge is up", http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	for _, row := range []struct {
		well bool
		code int
		says string
	}{{true, 0, "ready"}, {false, 1, "tandem: not ready: no edge is up"}} {
		well = row.well
		var out, errs bytes.Buffer
		if code := dispatch(t.Context(), []string{"ready", "--admin", s.URL}, &out, &errs); code != row.code || strings.TrimSpace(out.String()+errs.String()) != row.says {
			t.Errorf("well %t: exit %d, %q %q", row.well, code, &out, &errs)
		}
	}
}

// A listener with TLS, as by a node's certificate, which names no loopback address, is asked all
// the same by the health check of its own container; and by who trusts no more than a file,
// not.
func TestReadyOfAListenerWithTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	plain := "http://" + strings.TrimPrefix(s.URL, "https://")
	roots := filepath.Join(t.TempDir(), "roots.pem")
	other, err := identity.NewAuthority("", time.Now())
	if err == nil {
		err = os.WriteFile(roots, other.Root(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		code int
	}{{[]string{"--admin", s.URL}, 0}, {[]string{"--admin", plain}, 0}, {[]string{"--admin", s.URL, "--ca", roots}, 1}, {[]string{"--admin", plain, "--ca", roots}, 1}} {
		var out, errs bytes.Buffer
		if code := dispatch(t.Context(), append([]string{"ready"}, row.args...), &out, &errs); code != row.code || strings.Count(out.String()+errs.String(), "\n") != 1 {
			t.Errorf("%q: exit %d, %q %q", row.args, code, &out, &errs)
		}
	}
}
