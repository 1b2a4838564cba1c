package edge

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

// dial connects, and asks for something where text says so.
func dial(t *testing.T, e *testEdge, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, text)
	return conn
}

// Viewers that fill an edge keep no balancer and no neighbour out.
func TestAFullEdgeLetsNodesIn(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{MaxPerClient: 30, Capacity: 20} })
	e := edges[0]
	const asks = "GET /v/x/1.m4s HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n"
	for i := range 40 {
		dial(t, e, asks+"\r\n")
		if i >= 30 {
			continue
		}
		eventually(t, fmt.Sprint(i+1, " are in"), func() bool { return metricOf(t, e, "tandem_edge_connections") >= float64(min(i+1, 30)) })
	}
	bearer := testSecret().Bearer()
	conn := dial(t, e, asks+wire.HeaderAuth+": "+bearer+"\r\n"+wire.HeaderFrom+": lb-1\r\n\r\n")
	begin := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, begin); err != nil || string(begin) != "HTTP/1.1 200" {
		t.Fatalf("a balancer's request: %q, %v", begin, err)
	}
	if _, reason := open(t, e, 1, "/v/x/"); reason != "" {
		t.Fatal(reason)
	}
	if n := metricOf(t, e, "tandem_edge_slow_clients_total"); n != 0 {
		t.Errorf("%v are slow", n)
	}
	eventually(t, "strangers are counted", func() bool { return metricOf(t, e, "tandem_edge_connections_refused_total") >= 10 })
}
