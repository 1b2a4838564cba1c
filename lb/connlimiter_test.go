package lb

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

// Viewers that hold every connection a balancer takes keep no node out, and no stranger
// gets in by a node's paths.
func TestAFullBalancerLetsNodesIn(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8, config: func(cfg *Config) { cfg.MaxConnections = 1 }})
	c.client.CloseIdleConnections()
	until(t, "all are gone", func() bool { return c.lb.connections.Open() == 0 })
	viewer := c.person()
	if resp, _ := c.viewer(viewer, entryPath); resp.StatusCode != http.StatusFound {
		t.Fatal(resp.Status)
	}
	refused := c.lb.connections.Beyond()
	c.report(c.member("edge-1"))
	c.report(c.member("edge-1"))
	if n := c.lb.connections.Open(); n != 1 {
		t.Fatalf("%d connections count", n)
	}
	for _, header := range []string{"", wire.HeaderAuth + ": forged\r\n"} {
		for _, path := range []string{wire.PathReport, "/film/master.m3u8"} {
			conn, err := net.Dial("tcp", c.lb.cfg.Listen)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n")
			if n, err := conn.Read(make([]byte, 100)); n > 0 || err == io.EOF {
				t.Errorf("%s: %d bytes, %v; want a reset", path, n, err)
			}
			_ = conn.Close()
		}
	}
	until(t, "they are counted", func() bool { return c.lb.connections.Beyond() == refused+4 })
	var status wire.Status
	c.api(http.MethodGet, "/status", nil, http.StatusOK, &status)
	if !strings.Contains(status.Verdict.Text, c.lb.cfg.Name+": max-connections is reached") || !strings.Contains(status.Verdict.Next, "--max-connections") {
		t.Errorf("operators are told %q, %q", status.Verdict.Text, status.Verdict.Next)
	}
	c.stop()
	if n := c.lb.connections.Beyond(); n != refused+4 {
		t.Errorf("%d strangers were too many: a node was taken for one", n-refused)
	}
}
