package rights

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"tandem/internal/identity"
)

// proving is a listener whose connections count what is proved on them.
type proving struct {
	net.Listener
	proved atomic.Int64
}

type proved struct {
	net.Conn
	by *proving
}

func (p *proving) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	return &proved{c, p}, err
}

func (c *proved) Proved() { c.by.proved.Add(1) }

// A connection hears of a node that was let through on it, and of no stranger.
func TestAConnectionHearsOfANode(t *testing.T) {
	s := newStage(t, OfBalancers)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &proving{Listener: ln}
	server := httptest.NewUnstartedServer(s.gate.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	_ = server.Listener.Close()
	server.Listener = tls.NewListener(l, s.nodes["lb-1"].Server(identity.ProtocolHTTP))
	OnConnections(server.Config)
	server.Start()
	defer server.Close()
	ask := func(config *tls.Config, want int) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		resp, err := client.Get("https://" + ln.Addr().String() + "/_tandem/ping")
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
	}
	ask(&tls.Config{InsecureSkipVerify: true}, http.StatusForbidden)
	if n := l.proved.Load(); n != 0 {
		t.Errorf("a stranger proved himself %d times", n)
	}
	ask(&tls.Config{InsecureSkipVerify: true, GetClientCertificate: s.nodes["edge-2"].Client("127.0.0.1", identity.Want{}).GetClientCertificate}, http.StatusOK)
	if n := l.proved.Load(); n != 1 {
		t.Errorf("a node proved itself %d times", n)
	}
}
