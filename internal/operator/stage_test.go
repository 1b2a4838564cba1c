package operator

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rows = append([]Row{
	{"GET", "/{$}", Nobody}, {"GET", "/api/v1/status", Viewer}, {"POST", "/api/v1/edges/{edge}/drain", Operator}, {"POST", "/api/v1/keys/{purpose}/rotate", Admin},
}, append(append([]Row{}, Common...), AuthRows...)...)

// stage is a gate before an endpoint that tells who asks.
type stage struct {
	t       *testing.T
	gate    *Gate
	handler http.Handler
	now     time.Time
	tokens  map[string]string // by name
	audit   []Entry
	told    []error
	path    string
}

func newStage(t *testing.T, more string, change ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Unix(1_800_000_000, 0), tokens: map[string]string{}, path: filepath.Join(t.TempDir(), "operators.yaml")}
	text := "tokens:\n"
	for _, name := range []string{"viewer", "operator", "admin"} {
		token, hash := NewToken()
		s.tokens[name] = token
		text += fmt.Sprintf("  - {name: the %s, role: %s, hash: %s}\n", name, name, hash)
	}
	s.write(text + more)
	cfg := Config{Name: "lb-1", File: s.path, Listen: "0.0.0.0:9080", Hosts: []string{"lb.example"}}
	for _, f := range change {
		f(&cfg)
	}
	s.open(cfg)
	return s
}

func (s *stage) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) open(cfg Config) {
	s.t.Helper()
	g, err := New(cfg, Deps{Now: func() time.Time { return s.now }, Audit: func(e Entry) { s.audit = append(s.audit, e) }, Tell: func(err error) { s.told = append(s.told, err) }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.gate = g
	s.handler = g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, PersonOf(r.Context()).Name) }), rows...)
}

// ask sends a request; fields come in pairs.
func (s *stage) ask(method, target, body string, fields ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "lb.example:9080"
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "Host" {
			r.Host = fields[i+1]
			continue
		}
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

func (s *stage) bearer(name string) []string {
	return []string{"Authorization", "Bearer " + s.tokens[name]}
}

func text(resp *http.Response) string {
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}
