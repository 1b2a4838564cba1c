package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/lb/proxy"
)

// No viewer makes a receipt, whatever it asks, leaves unfinished or gives up, nor do
// answers that two edges give alike: nobody is suspected, and the next death has cost
// no response.
func TestNoViewerMakesAReceipt(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 8})
	resp, _ := c.viewer(nil, entryPath)
	token, _ := c.sessionAt(resp)
	pair, _ := c.lb.Placement().Pair(token.Pair)
	text, _, _ := wire.SplitPath(resp.Header.Get("Location"))
	object := wire.SessionPrefix + text + "/film/a.m4s"

	for _, line := range []string{
		"GET # HTTP/1.1\r\nRange: bytes=--5", "GET # HTTP/1.1\r\nRange: bytes=-0", "GET # HTTP/1.1\r\nRange: bytes=9-3",
		"GET # HTTP/1.1\r\nRange: bytes=99999999999999999999-", "GET # HTTP/1.1\r\nRange: bytes=0-0,2-2,4-", "GET # HTTP/1.1\r\nRange: bytes=1-\r\nIf-Range: \"none\"",
		"HEAD # HTTP/1.1\r\nRange: bytes=--5", "GET # HTTP/1.1\r\nIf-Match: \"none\"", "GET # HTTP/1.1\r\nTandem-Waiting: 1\r\nTandem-Reason: origin",
		"GET # HTTP/1.1\r\nX-Long: " + strings.Repeat("x", 40<<10), "GET #%00 HTTP/1.1\r\nX: y", "GET # HTTP/1.1\r\nX: \x01",
	} {
		c.tricky(t, strings.Replace(line, "#", object, 1))
	}
	for name, answer := range alike {
		gone := make(chan struct{}, 8)
		for _, m := range c.members {
			m.locked(func() {
				m.answers = func(w http.ResponseWriter) {
					answer(w)
					gone <- struct{}{}
				}
			})
		}
		c.tricky(t, "GET "+object+" HTTP/1.1\r\nX-Name: "+name)
		<-gone // a viewer that has gone is not answered, but let go
	}
	for _, m := range c.members {
		m.locked(func() { m.answers = nil })
		if m.pings() > 0 || c.lb.control.Checks.Suspected(m.edge.Name) {
			t.Errorf("%s was suspected", m.edge.Name)
		}
	}
	if n := c.lb.counts.takeoversAll.load(); n != 0 {
		t.Errorf("%d responses went on elsewhere", n)
	}
	c.member(pair.Low).Close()
	c.lb.control.Checks.Failed(pair.Low, proxy.CauseRefused)
	until(t, "declared dead", func() bool { return c.state(pair.Low) == wire.EdgeDown })
	var receipts []wire.Receipt
	c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
	if len(receipts) != 1 || receipts[0].Finished+receipts[0].Broken+receipts[0].LongestGap != 0 {
		t.Errorf("%+v", receipts)
	}
}

// alike are answers that every edge gives.
var alike = map[string]func(w http.ResponseWriter){
	"fails": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
	"another range": func(w http.ResponseWriter) {
		w.Header().Set("Content-Range", "bytes 0-9/100")
		w.Header().Set("Content-Length", "5")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "other")
	},
	"garbage": func(w http.ResponseWriter) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "ICY 200 OK\r\n\r\n")
			_ = conn.Close()
		}
	},
	"never ends": func(w http.ResponseWriter) { // until the viewer is gone
		w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
		w.Header().Set("ETag", `"long"`)
		for b := make([]byte, 64<<10); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	},
}

// tricky asks on a connection of its own, reads a little of the answer and resets.
func (c *stage) tricky(t *testing.T, head string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, head+"\r\nHost: x\r\n\r\n")
	method, _, _ := strings.Cut(head, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Errorf("%.60q: %v", head, err)
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 100)
}
