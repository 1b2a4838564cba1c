package upstream

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tandem/internal/wire"
)

// An origin of the cluster is asked by what nodes show each other, and by nothing else:
// an edge without a certificate does not ask it at all.
func TestAnOriginOfTheClusterIsAskedAsANode(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("object")) }))
	defer server.Close()
	row := wire.Upstream{Prefix: "/", Node: true, Servers: []wire.UpstreamServer{{URL: server.URL}}}
	if _, err := New(Config{HeadTimeout: time.Second}, Deps{}, []wire.Upstream{row}); !errors.Is(err, errNoIdentity) {
		t.Error("without an identity:", err)
	}
	if err := Check([]wire.Upstream{row}); err != nil {
		t.Error("a list that is right:", err)
	}
	hosts := []string{}
	nodes := func(host string) *tls.Config {
		hosts = append(hosts, host)
		return &tls.Config{InsecureSkipVerify: true} // the test's server is no node
	}
	u, err := New(Config{HeadTimeout: 5 * time.Second}, Deps{Nodes: nodes}, []wire.Upstream{row, {Prefix: "/public/", Servers: row.Servers}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	resp, err := u.Do(t.Context(), &Request{Method: http.MethodGet, Target: "/x"})
	if err != nil || len(hosts) != 1 || hosts[0] != "127.0.0.1" {
		t.Fatal(err, hosts)
	}
	_ = resp.Body.Close()
	if _, err := u.Do(t.Context(), &Request{Method: http.MethodGet, Target: "/public/x"}); !errors.Is(err, ErrConnect) {
		t.Error("the same server by the system's roots:", err)
	}
	if !u.Node("/x") || u.Node("/public/x") || len(hosts) != 1 {
		t.Error("which upstream is the cluster's:", hosts)
	}
}
