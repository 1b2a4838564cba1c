package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"tandem/internal/h1"
)

// targets are those that an origin was asked for, as they were spelled.
type targets struct {
	mu    sync.Mutex
	asked []string
}

func spelling(t *testing.T) (*testOrigin, *targets) {
	o, seen := newOrigin(t), &targets{}
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		seen.mu.Lock()
		seen.asked = append(seen.asked, h1.Target(r))
		seen.mu.Unlock()
		w.Header().Set("Content-Type", "video/mp2t")
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "object "+h1.Target(r))
		return true
	})
	return o, seen
}

func (s *targets) count(target string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.asked), func(a string) bool { return a != target }))
}

// spell asks for a target exactly as it is written.
func spell(t *testing.T, url, target string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// The origin is asked for what the viewer asked for, and what is spelled otherwise
// is another object: at an edge alone, at each member of a pair, at first and out
// of the store.
func TestNamesGoToTheOriginAsTheyCame(t *testing.T) {
	o, seen := spelling(t)
	alone := startEdge(t, Config{Origin: o.URL})
	_, pair := startRingOf(t, 2, o, func(int) Config { return Config{} })
	for round := range 2 {
		for _, target := range []string{
			"/v/x/a%2Fb.ts", "/v/x/a/b.ts", "/v/x/q%3Fx=1.ts", "/v/x/q?x=1.ts", "/v/x/c//d.ts", "/v/x/c/d.ts", "/v/x/k%25.ts", "/v/x/k%2525.ts", "/v/x/a+b.ts", "/v/x/a%20b.ts",
			"/v/x/it's(1)!*.ts", "/v/x/%E4%BD%A0.ts", "/v/x/p.ts?sid=1", "/v/x/p.ts?sid=2", "/v/x/p.ts?_HLS_skip=YES", "/v/x/p.ts", "/v/x/p.ts?", "/v/x/l.ts?" + strings.Repeat("x", 16_000),
		} {
			before := seen.count(target)
			for _, e := range append([]*testEdge{alone}, pair...) {
				if status, body := spell(t, e.url, target); status != http.StatusOK || body != "object "+target {
					t.Errorf("%.40s at %s: %d %.60s", target, e.cfg.Name, status, body)
				}
			}
			// By the one alone, and by the pair once for both.
			if asked := seen.count(target) - before; round == 0 && asked != 2 || round == 1 && asked != 0 {
				t.Errorf("%.40s: the origin was asked %d times in round %d", target, asked, round)
			}
		}
	}
	for same, of := range map[string]string{"/v/x/%61%2fb.ts": "/v/x/a%2Fb.ts", "/v/./y/../x/p.ts?CMCD=bs": "/v/x/p.ts", "/v/x/p.ts?CMCD=x&sid=1": "/v/x/p.ts?sid=1", "//v/x/p.ts": "//v/x/p.ts"} {
		before := seen.count(of)
		if before == 0 {
			before = 1 // a name of its own
		}
		if status, body := spell(t, alone.url, same); status != http.StatusOK || body != "object "+of || seen.count(of) != before {
			t.Errorf("%s: %d %s", same, status, body)
		}
	}
	for _, closed := range []string{"/x/../_tandem/ping", "/./_tandem/ping", "/%5ftandem/../_tandem/ping"} {
		if status, _ := spell(t, alone.url, closed); status/100 != 4 {
			t.Errorf("%s: %d", closed, status)
		}
	}
	for _, climbing := range []string{"/v/..%2Fsecret", "/..%5csecret", "/v/x/%", "/" + strings.Repeat("x", 16<<10)} {
		if status, _ := spell(t, alone.url, climbing); status != http.StatusBadRequest {
			t.Errorf("%.40s: %d", climbing, status)
		}
	}
}

// What of a query is part of a name is a setting.
func TestQueryIsPartOfANameAsItIsSet(t *testing.T) {
	for setting, row := range map[string]struct {
		sort  bool
		asked string
	}{
		"all": {false, "/v/p.ts?b=2&CMCD=x&a=1"}, "drop:CMCD": {false, "/v/p.ts?b=2&a=1"}, "keep:a": {false, "/v/p.ts?a=1"}, "drop:CMCD,c": {true, "/v/p.ts?a=1&b=2"},
	} {
		o, seen := spelling(t)
		e := startEdge(t, Config{Origin: o.URL, QueryNames: setting, QuerySort: row.sort})
		if status, body := spell(t, e.url, "/v/p.ts?b=2&CMCD=x&a=1"); status != http.StatusOK || body != "object "+row.asked || seen.count(row.asked) != 1 {
			t.Errorf("%s: %d %s", setting, status, body)
		}
	}
	if _, err := New(Config{Name: "edge-1", Origin: "http://127.0.0.1:1", Data: t.TempDir(), Duplication: "relay", QueryNames: "some"}, Deps{}); err == nil || !strings.Contains(err.Error(), "--query") {
		t.Error(err)
	}
}
