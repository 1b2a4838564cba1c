package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
