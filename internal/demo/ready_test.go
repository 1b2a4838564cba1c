package demo

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/cluster"
)

// Balancers that were given an operators' file answer the demo as they answer everybody:
// with the token of its environment it is ready, and without it says so at once.
func TestBalancersThatAskForATokenAreShownOne(t *testing.T) {
	const token = "tandem-operator-abcdefgh"
	lb := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/api/v1/status":
			_, _ = w.Write([]byte(`{"leader":"lb-1","edges":[{"name":"edge-1","state":"up"}]}`))
		}
	}))
	defer lb.Close()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	for given, says := range map[string]string{token: "", "": "TANDEM_TOKEN=... tandem demo", "tandem-operator-another": "TANDEM_TOKEN=... tandem demo"} {
		t.Setenv(cluster.TokenEnv, given)
		dir := t.TempDir()
		file := &cluster.File{Dir: dir, Streams: []cluster.Stream{}, Nodes: []cluster.Node{{Name: "lb-1", Role: cluster.RoleLB, Admin: lb.URL, Args: []string{sleep, "602"}, Dir: filepath.Join(dir, "lb-1")}}}
		p, err := start(file, filepath.Join(dir, "cluster.json"), 0)
		if err != nil {
			t.Fatal(err)
		}
		err = p.ready(t.Context(), 1)
		p.end()
		switch {
		case err == nil && says != "":
			t.Errorf("with %q: ready", given)
		case err != nil && (says == "" || !strings.Contains(err.Error(), says) || strings.ContainsAny(err.Error(), "\n")):
			t.Errorf("with %q: %v", given, err)
		}
	}
}

// What a node is told of its admin listener is what others are told of it.
func TestAdminListenersWithTLSAreCalledByHTTPS(t *testing.T) {
	for _, flags := range [][]string{{"--admin-cert=/c.pem", "--admin-key=/k.pem"}, {"--admin-cert", "/c.pem"}, {"--admin-hosts=x"}} {
		file, err := plan(&Config{Dir: t.TempDir(), Edges: 1, Balancers: 1, Listen: "127.0.0.1:0", LBFlags: flags}, nil, "http://control")
		if err != nil {
			t.Fatal(err)
		}
		secure := flags[0] != "--admin-hosts=x"
		if https := strings.HasPrefix(file.Node("lb-1").Admin, "https://127.0.0.1:"); https != secure || (file.CA == "/c.pem") != secure || !strings.HasPrefix(file.Dashboard, file.Node("lb-1").Admin) {
			t.Errorf("%v: %s, %s, trusted by %q", flags, file.Node("lb-1").Admin, file.Dashboard, file.CA)
		}
		if edge := file.Node("edge-1").Admin; !strings.HasPrefix(edge, "http://") {
			t.Errorf("an edge without a certificate is called at %s", edge)
		}
	}
}
