package edge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"tandem/internal/accesslog"
	"tandem/internal/identity"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
)

// Media goes in clear at the nodes' listener, where there is one, to who has a grant of it,
// and nobody finds anything else there in clear.
func TestMediaInClearWhereNodesHaveAListener(t *testing.T) {
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	node := func(role identity.Role, name string) string {
		dir := t.TempDir()
		if err := identity.Enrol(dir, ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	balancer, err := identity.Open(node(identity.Balancer, "lb-1"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrigin(t)
	e := startEdge(t, Config{Origin: o.URL, Identity: node(identity.Edge, "edge-1"), NodeListen: "127.0.0.1:0", NodeMedia: wire.MediaPlain})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	media, nodes := e.Nodes().Media((*accesslog.Log)(nil).Handler, (*accesslog.Log)(nil).Quick), e.Nodes().Server()
	nodes.TLSConfig = e.Nodes().TLS()
	go func() { _ = media.Serve(ln) }()
	go func() { _ = nodes.ServeTLS(e.Nodes().Others(), "", "") }()
	t.Cleanup(func() { _ = media.Close(); _ = nodes.Close() })

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: balancer.Client("127.0.0.1", identity.Want{Node: "edge-1"}, identity.ProtocolHTTP)}}
	defer client.CloseIdleConnections()
	tickets := sealedhead.NewTickets("lb-1", time.Now, func(ctx context.Context, _ sealedhead.Edge) (g sealedhead.Grant, err error) {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+ln.Addr().String()+wire.PathSealed, nil)
		resp, err := client.Do(req)
		if err != nil {
			return g, err
		}
		defer resp.Body.Close()
		return g, json.NewDecoder(resp.Body).Decode(&g)
	})
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- tickets.Run(ctx) }()
	defer func() { cancel(); <-asked }()
	var k *sealedhead.Ticket
	eventually(t, "there is a grant", func() bool { k = tickets.Of(sealedhead.Edge{Name: "edge-1"}); return k != nil })

	const path = "/a/1.m4s"
	want := bodyOf(path, segmentSize)
	if _, got := get(t, e.url+path); !bytes.Equal(got, want) {
		t.Fatal("it is not here")
	}
	head, number := k.Seal([]byte("GET "+wire.PathSealed+" HTTP/1.1\r\nHost: x\r\n"+wire.HeaderSealed+": "), []byte("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"))
	resp, body := inClear(t, ln.Addr().String(), head)
	if _, err := k.Open([]byte(resp.Header.Get(wire.HeaderSealed)), number); err != nil || !bytes.Equal(body, want) {
		t.Errorf("%s, %d bytes, %v", resp.Status, len(body), err)
	}
	for _, target := range []string{path, wire.PathPing, wire.PathSealed, wire.PathReport} {
		if resp, _ := inClear(t, ln.Addr().String(), []byte("GET "+target+" HTTP/1.1\r\nHost: x")); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s in clear: %s", target, resp.Status)
		}
	}
}

// inClear asks by a connection of its own.
func inClear(t *testing.T, address string, head []byte) (*http.Response, []byte) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err = c.Write(append(head, "\r\n\r\n"...)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}
