package systest

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// Every wrong use gets one line that names the thing and the fix.
func TestWrongUse(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	short := write("short", "abc")
	unknown := write("unknown.yml", "capasity: 3\n")
	scenario := write("bad.yaml", "edges: [e1, e2]\ncapacity: 8\nsteps: [{explode: e1}]\n")
	for _, row := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no command", nil, 2, "command is missing"},
		{"unknown command", []string{"fly"}, 2, `"fly"`},
		{"unknown flag", []string{"edge", "--capcity", "3"}, 2, "capcity"},
		{"out of bounds", []string{"edge", "--capacity", "-1"}, 2, "1 to 1000000"},
		{"required setting", []string{"edge", "--origin", "http://127.0.0.1:1"}, 2, "--data"},
		{"unknown key in a file", []string{"edge", "--config", unknown}, 2, "capasity"},
		{"port in use", []string{"origin", "--sample", "--listen", taken.Addr().String()}, 1, "is in use"},
		{"no such directory", []string{"origin", "--media", filepath.Join(dir, "none")}, 1, "--media"},
		{"demo without media", []string{"demo", "--media", filepath.Join(dir, "none")}, 1, "--media"},
		{"short secret", []string{"lb", "--data", dir, "--secret-file", short}, 2, "want at least 16"},
		{"an admission that there is none of", []string{"demo", "--admission", "best"}, 2, "none of failsafe, pair"},
		{"nobody answers", []string{"status", "--admin", "http://127.0.0.1:1"}, 1, "no balancer at http://127.0.0.1:1: connection refused"},
		{"drain whom", []string{"drain"}, 2, "name one edge"},
		{"purge what", []string{"purge"}, 2, "--prefix"},
		{"bad scenario", []string{"sim", scenario}, 1, "line 3"},
		{"cluster file", []string{"status", "--cluster", filepath.Join(dir, "none.json")}, 1, "none.json"},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, errs, code := cluster.Command(t, nil, row.args...)
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			if code != row.code || len(lines) != 1 || !strings.HasPrefix(errs, "tandem: ") || !strings.Contains(errs, row.says) {
				t.Errorf("tandem %s: exit %d, stdout %q, stderr %q; want exit %d and one line with %q", strings.Join(row.args, " "), code, out, errs, row.code, row.says)
			}
		})
	}
}

// A running cluster does not take what is not its own.
func TestStrangers(t *testing.T) {
	h := start(t, "--insecure", "--edges", "2", "--balancers", "1")
	f := h.File()
	var foreign wire.KeyRing
	foreign.Take(wire.Keys{Version: 1, Tokens: wire.KeySet{Sealing: 1, Keys: []wire.Key{{ID: 1, Secret: make([]byte, wire.KeySize)}}}})
	token, _ := foreign.Seal(wire.Token{SessionID: wire.SessionID{Pair: 1}, Expires: time.Now().Add(time.Hour).Unix()})
	for _, row := range []struct {
		name, method, url string
		from, to          int // statuses that are right
	}{
		{"foreign token", "GET", f.Viewers[0] + "/s/" + token + "/sample/v0/init.mp4", 400, 499},
		{"foreign token at an edge", "GET", f.Node("edge-1").HTTP + "/s/" + token + "/sample/v0/init.mp4", 400, 499},
		{"torn token", "GET", f.Viewers[0] + "/s/" + token[:20] + "/sample/v0/init.mp4", 400, 499},
		{"internal endpoint", "GET", f.Viewers[0] + wire.PathPlacement, 403, 403},
		{"internal endpoint of an edge", "GET", f.Node("edge-1").HTTP + wire.PathInventory, 403, 403},
		{"method", "DELETE", f.Viewers[0] + stored, 405, 405},
		{"unknown stream", "GET", f.Viewers[0] + "/nothing/master.m3u8", 404, 404},
		{"traversal", "GET", f.Viewers[0] + "/sample/..%2f..%2fsecret", 400, 499},
		{"unknown edge", "POST", f.Node("lb-1").Admin + "/api/v1/edges/edge-9/drain", 404, 404},
	} {
		t.Run(row.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), row.method, row.url, nil)
			must(t, err)
			resp, err := http.DefaultTransport.RoundTrip(req)
			must(t, err)
			defer resp.Body.Close()
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
			if resp.StatusCode < row.from || resp.StatusCode > row.to {
				t.Errorf("%s %s: %s %q; want %d to %d", row.method, row.url, resp.Status, text, row.from, row.to)
			}
		})
	}
	tricks(t, h)
	wrong := filepath.Join(h.Dir, "wrong-secret")
	must(t, os.WriteFile(wrong, []byte("the secret of quite another cluster"), 0o600))
	n := newcomer(t, h, "edge-9")
	for i := range n.Args {
		if n.Args[i] == f.Secret {
			n.Args[i] = wrong
		}
	}
	n.Args = append(n.Args, "--log-level", "debug")
	must(t, h.Add(n))
	time.Sleep(2 * time.Second)
	s, err := h.Status()
	must(t, err)
	if cluster.EdgeState(s, "edge-9") != "" {
		t.Error("an edge with a wrong secret is a member")
	}
	if log, _ := os.ReadFile(filepath.Join(n.Dir, "log")); !strings.Contains(string(log), "403") {
		t.Errorf("the edge's log does not say that it was refused: %s", log)
	}
}

// tricks are those of viewers with a session: none of them moves a response to another
// edge, makes an edge suspected, or costs one its life.
func tricks(t *testing.T, h *cluster.Harness) {
	t.Helper()
	f := h.File()
	resp, err := http.Get(f.Viewers[0] + stored)
	must(t, err)
	_ = resp.Body.Close()
	text, _, ok := wire.SplitPath(resp.Request.URL.Path)
	if !ok {
		t.Fatalf("no session at %s", resp.Request.URL)
	}
	object := wire.SessionPrefix + text + "/sample/v0/seg1.m4s"
	lb, err := h.Node("lb-1")
	must(t, err)
	for _, line := range []string{
		"GET # HTTP/1.1\r\nRange: bytes=--5", "GET # HTTP/1.1\r\nRange: bytes=9-3", "GET # HTTP/1.1\r\nRange: bytes=99999999999999999999-",
		"GET # HTTP/1.1\r\nRange: bytes=0-0,2-2,4-", "GET # HTTP/1.1\r\nRange: bytes=1-\r\nIf-Range: \"none\"", "HEAD # HTTP/1.1\r\nRange: bytes=--5",
		"GET # HTTP/1.1\r\nIf-Match: \"none\"", "GET # HTTP/1.1\r\nTandem-Waiting: 1\r\nTandem-Reason: origin", "GET #%00 HTTP/1.1\r\nX: y",
		"GET #%0d%0aX:%20y HTTP/1.1\r\nX: y", "GET # HTTP/1.1\r\nX-Long: " + strings.Repeat("x", 40<<10), "GET #?" + strings.Repeat("%20", 5000) + " HTTP/1.1\r\nX: y",
		"GET # HTTP/1.1\r\nAccept-Encoding: \xff, *;q=2\r\nCookie: \x80", "GET # HTTP/1.1" + strings.Repeat("\r\nX-Many: y", 90),
		"GET # HTTP/1.1\r\nConnection: Host, Tandem-Auth, Range\r\nUpgrade: h2c", "GET # HTTP/1.1\r\nContent-Length: 5",
	} {
		conn, err := net.Dial("tcp", hostOf(t, f.Viewers[0]))
		must(t, err)
		_ = conn.(*net.TCPConn).SetLinger(0) // it reads a little, and is gone
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = io.WriteString(conn, strings.Replace(line, "#", object, 1)+"\r\nHost: x\r\n\r\nhello")
		must(t, err)
		if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil {
			t.Errorf("%.50q: %v", line, err)
		}
		_ = conn.Close()
	}
	if n := metric(t, lb.Admin, "tandem_lb_takeovers_total", ""); n != 0 {
		t.Errorf("%v responses were moved, or could not be", n)
	}
	s, err := h.Status()
	must(t, err)
	if cluster.EdgeState(s, "edge-1") != wire.EdgeUp || cluster.EdgeState(s, "edge-2") != wire.EdgeUp {
		t.Errorf("%+v", s.Edges)
	}
}
