package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/edge"
	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/setting"

	"github.com/rs/zerolog"
)

// An edge writes what balancers fetch for viewers wherever they come in: where nodes have
// certificates that is the listener for nodes, and its log was empty.
func TestAnEdgeLogsWhatBalancersFetchForViewers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "access.log")
	var cfg edgeConfig
	set := &setting.Set{Command: "edge", Rows: cfg.Settings(), Getenv: func(string) string { return "" }}
	if _, err := set.Parse([]string{"--data", dir, "--origin", "http://127.0.0.1:1", "--access-log", file}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(cfg.Config, edge.Deps{Logger: zerolog.Nop(), Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	access, written, err := openAccess(cfg.access, "edge-1", edge.KeysOf(e), true, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	server := nodesServer(e, access)
	for _, target := range []string{"/film/1.ts", "/_tandem/ping"} {
		server.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
	}
	if err := errors.Join(run.Group(over(), written...), e.Run(over())); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if said := string(text); err != nil || strings.Count(said, "\n") != 1 || !strings.Contains(said, `"/film/1.ts"`) {
		t.Errorf("%v %q", err, said)
	}
}
