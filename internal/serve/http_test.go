package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBodyThatDoesNotComeHoldsNoConnection: read or not; and one that has come has no
// deadline any more, which an order that takes long would feel.
func TestBodyThatDoesNotComeHoldsNoConnection(t *testing.T) {
	s := httptest.NewServer(timely(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/unread" {
			if _, err := io.ReadAll(r.Body); err != nil {
				http.Error(w, "slow", http.StatusRequestTimeout)
				return
			}
		}
		if r.URL.Path == "/long" {
			select {
			case <-r.Context().Done():
				t.Error("the order was broken off")
			case <-time.After(300 * time.Millisecond):
			}
		}
		_, _ = io.WriteString(w, "done")
	}), 100*time.Millisecond, takeTime))
	defer s.Close()
	for _, c := range []struct{ path, body, want string }{
		{"/unread", "{", "200"}, {"/read", "{", "408"}, {"/long", "{}", "200"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST "+c.path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"+c.body); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		in := bufio.NewReader(conn)
		if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, c.want) {
			t.Errorf("%s: %q %v", c.path, line, err)
		}
		if len(c.body) == 2 {
			continue // kept alive
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Errorf("%s: the connection is held: %v", c.path, err)
		}
	}
}
