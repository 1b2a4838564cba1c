package edge

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// interims are the interim answers to a request, and the final one's body.
func interims(t *testing.T, method, url string, header ...string) (all []string, body string, final http.Header) {
	t.Helper()
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		all = append(all, fmt.Sprint(status, " ", h.Get("Link"), h.Get("X-Hop"), h.Get("Tandem-Waiting")))
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return all, string(text), resp.Header
}

// What the origin says before its answer reaches the viewer that the origin is
// asked for, and is no part of what is stored.
func TestInterimAnswersArePassedOn(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Link", "</a.css>; rel=preload")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "hop")
		w.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
		w.WriteHeader(http.StatusProcessing)
		h.Del("Connection")
		h.Del("X-Hop")
		h.Set("Cache-Control", "max-age=60")
		if strings.Contains(r.URL.Path, "never") {
			h.Set("Cache-Control", "no-store")
		}
		_, _ = io.WriteString(w, "body")
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	for _, c := range []struct {
		method, path, want string
		header             []string
	}{
		{"GET", "/a", "[103 </a.css>; rel=preload 102 ]", nil},
		{"GET", "/a", "[]", nil}, // stored
		{"GET", "/never", "[103 </a.css>; rel=preload 102 ]", nil},
		{"GET", "/never", "[103 </a.css>; rel=preload 102 ]", []string{"Cookie", "own=1"}}, // asked twice: the last time as it is
		{"POST", "/b", "[103 </a.css>; rel=preload 102 ]", nil},
	} {
		if c.want == "[]" {
			eventually(t, "it is whole", func() bool { return e.store.Has(c.path) })
		}
		all, body, final := interims(t, c.method, e.url+c.path, c.header...)
		if c.header != nil {
			all = all[:min(2, len(all))]
		}
		if got := fmt.Sprint(all); got != c.want || body != "body" || final.Get("Link") != "" || final.Get("Access-Control-Allow-Origin") != "*" && c.method == "GET" {
			t.Errorf("%s %s: %s, %q, %v; want %s", c.method, c.path, got, body, final, c.want)
		}
	}
	// A node of the cluster is told it as well, but for a 102, which says something else
	// there, and a neighbour that asks for its own viewer hands it on.
	_, pair := startRing(t, 2, o)
	for i, path := range []string{"/v/x/1", "/v/x/2", "/v/x/3", "/v/x/4"} {
		all, body, _ := interims(t, "GET", pair[i%2].url+path, asNode()...)
		all = slices.DeleteFunc(all, func(said string) bool { return strings.HasPrefix(said, "102") }) // the edge's own
		if got := fmt.Sprint(all); got != "[103 </a.css>; rel=preload]" || body != "body" {
			t.Errorf("%s by a node: %s, %q", path, got, body)
		}
	}
	for path, head := range map[string]string{"/c": "GET /c HTTP/1.0\r\n\r\n", "/never": "GET /never HTTP/1.0\r\n\r\n"} {
		if said := rawAsk(t, e.url, head); !strings.HasPrefix(said, "HTTP/1.") || strings.Count(said, "HTTP/1.") != 1 || !strings.Contains(said, " 200 ") {
			t.Errorf("%s by HTTP/1.0: %q", path, said)
		}
	}
}

// rawAsk sends a head and reads to the end.
func rawAsk(t *testing.T, url, head string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}
