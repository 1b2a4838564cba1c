package lb

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/identity"
)

// of makes a node of a cluster of its own.
func of(t *testing.T, role identity.Role, node string) *identity.Bundle {
	t.Helper()
	ca, err := identity.NewAuthority("", time.Now())
	dir := filepath.Join(t.TempDir(), node)
	if err == nil {
		err = identity.Enrol(dir, ca, identity.Grant{Role: role, Node: node, Addresses: []string{"127.0.0.1"}}, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.OpenAs(dir, role, node, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// written is a log that a server's goroutines write.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// A node of another cluster ends the handshake before it has said who it is. Both sides
// have a line with cause and mend all the same, and who dials for something else makes none.
func TestANodeOfAnotherClusterIsALineOnBothSides(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log written
	s := &http.Server{ErrorLog: nodesLog(zerolog.New(&log))}
	over := make(chan error)
	go func() {
		over <- s.Serve(tls.NewListener(ln, of(t, identity.Balancer, "lb-1").Server(identity.ProtocolHTTP)))
	}()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	until(t, "a stranger's handshake has failed", func() bool { return strings.Contains(log.String(), "handshake error") })
	_ = c.Close()
	if strings.Contains(log.String(), `"warn"`) {
		t.Errorf("of a stranger: %s", log.String())
	}
	edge := of(t, identity.Edge, "edge-1")
	if _, err := tls.Dial("tcp", ln.Addr().String(), edge.Client("127.0.0.1", identity.Want{Role: identity.Balancer}, identity.ProtocolHTTP)); err == nil || !strings.Contains(err.Error(), "join it with a ticket") {
		t.Errorf("the node's own side: %v", err)
	}
	until(t, "the cluster's side tells", func() bool { return strings.Contains(log.String(), `"warn"`) })
	if text := log.String(); !strings.Contains(text, "joined to another cluster") || !strings.Contains(text, "tandem ticket") || !strings.Contains(text, `"from":"127.0.0.1:`) {
		t.Errorf("the cluster's side: %s", text)
	}
	_ = s.Close()
	<-over
}
