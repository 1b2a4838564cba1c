package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/cluster"
)

// stage is a control over two processes, one of which has a proxy before it.
func stage(t *testing.T) *control {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := &cluster.File{Dir: dir}
	ready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(ready.Close)
	for name, arg := range map[string]string{"edge-1": "600", "lb-1": "601"} { // nodes are told apart by their command lines
		file.Nodes = append(file.Nodes, cluster.Node{Name: name, Role: strings.TrimSuffix(name, "-1"), Args: []string{sleep, arg}, Admin: ready.URL, Dir: filepath.Join(dir, name)})
	}
	p, err := openProxies()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	if _, err := p.add("edge-1", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c, err := openControl(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	nodes, err := start(file, filepath.Join(dir, "cluster.json"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nodes.end)
	if err := nodes.publish(); err != nil {
		t.Fatal(err)
	}
	if resp, _ := ask(t, c, http.MethodGet, "/"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("before all are ready: %s", resp.Status)
	}
	c.nodes.Store(nodes)
	return c
}

func ask(t *testing.T, c *control, method, path string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, c.url()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// What the page orders is done to the process, and what can be done next is told.
func TestNodesAreKilledHaltedCutOffAndBroughtBack(t *testing.T) {
	c := stage(t)
	for _, step := range []struct{ node, act, state, acts string }{
		{"edge-1", ActHalt, "halted", "start kill"},
		{"edge-1", ActStart, "up", "kill stop cut"},
		{"edge-1", ActKill, "dead", "start"},
		{"edge-1", ActStart, "up", "kill stop cut"},
		{"edge-1", ActCut, "cut", "start kill"},
		{"edge-1", ActStart, "up", "kill stop cut"},
		{"lb-1", ActHalt, "halted", "start kill"},
		{"lb-1", ActKill, "dead", "start"},
		{"lb-1", ActStart, "up", "kill stop"},
	} {
		resp, body := ask(t, c, http.MethodPost, "/nodes/"+step.node+"/"+step.act)
		var told State
		if err := json.Unmarshal([]byte(body), &told); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s %q", step.act, step.node, resp.Status, body)
		}
		for _, n := range told.Nodes {
			if n.Name == step.node && (n.State != step.state || strings.Join(n.Acts, " ") != step.acts) {
				t.Fatalf("after %s: %+v, want %s and %s", step.act, n, step.state, step.acts)
			}
		}
	}
	for path, want := range map[string]string{"/nodes/edge-9/kill": "no node", "/nodes/edge-1/melt": "can't be done", "/nodes/lb-1/cut": "no proxy"} {
		if resp, body := ask(t, c, http.MethodPost, path); resp.StatusCode != http.StatusConflict || !strings.Contains(body, want) {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
}

// A node that ends as soon as it is started is not told to be up, but why it ended.
func TestANodeThatEndsAtItsStartIsNotBack(t *testing.T) {
	c := stage(t)
	if resp, body := ask(t, c, http.MethodPost, "/nodes/edge-1/kill"); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %q", resp.Status, body)
	}
	file := c.nodes.Load().snapshot()
	file.Node("edge-1").Admin = "http://127.0.0.1:1" // nobody is there
	file.Node("edge-1").Args = []string{"sh", "-c", "echo listen tcp 127.0.0.1:8081: address already in use; exit 1"}
	if err := file.Write(c.nodes.Load().path); err != nil {
		t.Fatal(err)
	}
	resp, body := ask(t, c, http.MethodPost, "/nodes/edge-1/start")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "edge-1: it ended at its start: listen tcp 127.0.0.1:8081: address already in use") {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// Who does not know the secret in the address orders nothing.
func TestOrdersNeedTheSecret(t *testing.T) {
	c := stage(t)
	resp, err := http.Post(strings.TrimSuffix(c.url(), c.path)+"/nodes/edge-1/kill", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Fatalf("without the secret: %s", resp.Status)
	}
	file := c.nodes.Load().snapshot()
	if !file.Node("edge-1").Running() {
		t.Fatal("it was killed")
	}
}
