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

// Who asks an operators' listener for a head alone gets what GET has, without a body.
func TestTheHeadOfWhatOperatorsAskFor(t *testing.T) {
	onlyGet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		http.Error(w, "stopping", http.StatusServiceUnavailable)
	})
	ln := tcp(t)
	a := Admin(ln, onlyGet, nil, func(string) (func(), bool) { return func() {}, true })
	go func() { _ = a.Server.Serve(ln) }()
	defer a.Server.Close()
	for method, want := range map[string]string{http.MethodHead: "", http.MethodGet: "stopping\n", http.MethodPost: "Method Not Allowed\n"} {
		r, err := http.NewRequest(method, "http://"+ln.Addr().String()+"/readyz", nil)
		must(t, err)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		if (resp.StatusCode == http.StatusServiceUnavailable) != (method != http.MethodPost) || string(body) != want || method == http.MethodHead && resp.ContentLength != int64(len("stopping\n")) {
			t.Errorf("%s: %s, %d bytes, %q", method, resp.Status, resp.ContentLength, body)
		}
	}
}
