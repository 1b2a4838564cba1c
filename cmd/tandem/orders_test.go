package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"tandem/internal/cluster"
	"tandem/raftfsm/placement"

	"tandem/internal/wire"
)

// said runs a command: what it printed, and its exit code.
func said(args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = dispatch(context.Background(), args, &o, &e)
	return o.String(), e.String(), code
}

// "started" is said of a node that is ready, and of one that ended at once why it did.
func TestStartWaitsUntilTheNodeIsReadyOrHasEnded(t *testing.T) {
	var asked atomic.Int64
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || asked.Add(1) < 3 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		}
	}))
	defer admin.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "cluster.json")
	file := &cluster.File{Dir: dir, Nodes: []cluster.Node{
		{Name: "edge-1", Role: cluster.RoleEdge, Admin: admin.URL, Dir: filepath.Join(dir, "edge-1"), Args: []string{"sleep", "602"}},
		{Name: "edge-2", Role: cluster.RoleEdge, Admin: "http://127.0.0.1:1", Dir: filepath.Join(dir, "edge-2"), Args: []string{"sh", "-c", "echo first; echo listen: address already in use; exit 1"}},
	}}
	if err := file.Write(path); err != nil {
		t.Fatal(err)
	}
	out, errs, code := said("start", "edge-1", "--cluster", path)
	known, err := cluster.Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := known.Node("edge-1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Signal(syscall.SIGKILL) }()
	if code != 0 || out != "edge-1 is started, and ready\n" || asked.Load() != 3 {
		t.Errorf("exit %d, %q %q, asked %d times", code, out, errs, asked.Load())
	}
	if out, errs, code := said("start", "edge-2", "--cluster", path); code != 1 || out != "" || !strings.Contains(errs, "start edge-2: it ended at its start: listen: address already in use") {
		t.Errorf("exit %d, %q %q", code, out, errs)
	}
}

// A file is read before anything is asked: what is no backup is said to be none, and what
// is one says what it holds.
func TestRestoreReadsTheFileFirst(t *testing.T) {
	var posted atomic.Int64
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posted.Add(1)
		}
		_, _ = w.Write([]byte(`{"version": 90, "streams": 12}`))
	}))
	defer admin.Close()
	path := filepath.Join(t.TempDir(), "tandem.backup")
	state := placement.NewState()
	for i, command := range []string{
		`{"kind": "found", "id": "1", "name": "c1"}`,
		`{"kind": "edge_up", "id": "2", "edge": {"name": "edge-1", "incarnation": 1, "http": "http://10.0.0.1:80", "capacity": 10}}`,
	} {
		if r := state.Apply(uint64(i+1), []byte(command)); r.Err != "" {
			t.Fatal(r.Err)
		}
	}
	var good bytes.Buffer
	if _, err := state.WriteTo(&good); err != nil {
		t.Fatal(err)
	}
	cut := good.Bytes()[:good.Len()-1]
	for _, yes := range [][]string{nil, {"--yes"}} {
		for text, want := range map[string]string{"": "is no backup that can be restored", "no backup at all, but a text of some length that is longer than its head": "is no backup that can be restored", string(cut): "bytes of"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, errs, code := said(append([]string{"cluster", "restore", path, "--admin", admin.URL}, yes...)...); code != 1 || !strings.Contains(errs, want) {
				t.Errorf("%d bytes, %v: exit %d, %q", len(text), yes, code, errs)
			}
		}
	}
	if err := os.WriteFile(path, good.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := said("cluster", "restore", path, "--admin", admin.URL)
	if code != 2 || !strings.Contains(errs, "is of cluster c1 and holds placement 2: 0 streams, 1 edge, 0 balancers; it would replace placement 90: 12 streams, 0 edges; --yes does it") {
		t.Errorf("exit %d, %q", code, errs)
	}
	if posted.Load() > 0 {
		t.Error("something was restored without --yes, or from no backup")
	}
	if _, errs, code := said("cluster", "restore", path, "--admin", admin.URL, "--yes"); code != 0 || posted.Load() != 1 {
		t.Errorf("with --yes: exit %d, %q", code, errs)
	}
}

// What an edge has not told yet is not 0: a balancer that was started anew showed that its edges
// had sent nothing.
func TestWhatAnEdgeHasNotToldIsNotZero(t *testing.T) {
	var out bytes.Buffer
	edges := []wire.EdgeStatus{{Name: "edge-1", State: wire.EdgeUp, ReportAge: -1}, {Name: "edge-2", State: wire.EdgeUp, Traffic: wire.Traffic{SentBytes: 4000, OriginAsked: 7}}}
	edgeTable(edges, false).print(&out)
	printEdges(&out, edges, false)
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "edge-1" && f[0] != "edge-2" {
			continue
		}
		if last := f[len(f)-1]; (f[0] == "edge-1") != (last == "-") && last != "0" { // 0: the margin of the table of loads
			t.Error(line)
		}
	}
	if n := strings.Count(out.String(), " -"); n < 7 {
		t.Errorf("%d figures are unknown:\n%s", n, out.String())
	}
}
