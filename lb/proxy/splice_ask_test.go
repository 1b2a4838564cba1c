package proxy

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tandem/lb/proxy/upstream"
)

// askCases are viewers' requests, whole.
func askCases() map[string]string {
	get := func(fields ...string) string {
		return "GET /a.m4s HTTP/1.1\r\nHost: lb\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
	}
	return map[string]string{
		"plain":    "GET /a.m4s HTTP/1.1\r\nHost: lb\r\n\r\n",
		"head":     "HEAD /a.m4s HTTP/1.1\r\nHost: lb\r\n\r\n",
		"query":    "GET /a.m4s?CMCD=br%3D1%2Csid%3D%22x%22&_HLS_msn=1&%&a=b?c HTTP/1.1\r\nHost: lb:8080\r\n\r\n",
		"empty ?":  "GET /a.m4s? HTTP/1.1\r\nHost: lb\r\n\r\n",
		"absolute": "GET http://other.example:81/a.m4s?b HTTP/1.1\r\nHost: lb\r\n\r\n",
		"no path":  "GET http://other.example?b HTTP/1.1\r\nHost: lb\r\n\r\n",
		"lines":    "\r\n\r\nGET /a.m4s HTTP/1.1\r\nHost: lb\r\n\r\n",
		"forged": get("Tandem-Auth: 1", "tandem-viewer: 2", "TANDEM-PAIR: 3", "tAnDeM-fRoM: 4", "Tandem-New: 5", "tandem-: 6", "Tandem: 7", "Tandemx-A: 8", "X-Tandem-Auth: 9",
			"Tandem_Auth: 10"),
		"hop by hop": get("Te: trailers", "TE: gzip", "keep-alive: 5", "Proxy-Connection: close", "Proxy-Authorization: x", "proxy-authenticate: x", "Trailer: x",
			"HTTP2-Settings: x", "Content-Length: 0", "Content-Type: text/plain", "content-encoding: br"),
		"keep-alive":      get("Connection: keep-alive", "X-Mine: 1"),
		"close":           get("connection: Close"),
		"listed":          get("Connection: X-Mine, close", "X-Mine: 1", "x-mine: 2", "X-Other: 3"),
		"listed twice":    get("Connection: close", "X-Mine: 1", "Connection: x-mine , x-OTHER", "X-Other: 3"),
		"lists Host":      get("Connection: Host, Range, Tandem-Auth", "Range: bytes=0-1"),
		"lists nothing":   get("Connection:", "Connection: ,", "X-Mine: 1"),
		"repeated":        get("Accept: a", "X-A: 1", "accept: b", "X-A: 2", "Accept: a"),
		"empty":           get("X-Empty:", "X-Blank: \t ", "Accept:"),
		"odd":             get("X-Odd: \tcaf\xe9 \x80\xff\t", "!#$%&'*+-.^_`|~: tokens", "T: t", "C: c", "e: e", "Hosts: h", "ETE: x", "X: "+strings.Repeat("long", 2000)),
		"injected":        get("X-A: b\\r\\nTandem-Auth: 1", "Cookie: %0d%0aTandem-Auth: 1", "Referer: http://x/\t\tTandem-Auth: 1"),
		"cookies":         get("Cookie: "+strings.Repeat("a=b; ", 4000), "Cookie: c=d"),
		"cmcd":            get("CMCD-Object: br=3200,d=4004", "cmcd-session: sid=\"a-b\"", "CMCD-Status: bs", "Range: bytes=5-", "If-Range: \"v1\"", "If-None-Match: W/\"x\", \"y\""),
		"long field name": get(strings.Repeat("N", 40)+": 1", strings.Repeat("t", 31)+": 1", strings.Repeat("c", 32)+": 1", strings.Repeat("p", 30)+": 1"),
		"forwarded":       get("X-Forwarded-For: 10.0.0.1", "Forwarded: for=x", "Via: 1.1 other", "Origin: http://x", "Authorization: Bearer z"),
	}
}

// A splice asks an edge for exactly what a response would ask it for.
func TestBothWaysAskTheSame(t *testing.T) {
	e := script(t, func(c net.Conn, ask string) {
		text := plainOK("well")
		if strings.HasPrefix(ask, "HEAD") {
			text = strings.TrimSuffix(text, "well")
		}
		send(c, text)
	})
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	oracle := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}, without: true})
	ask := func(s *spliceStage, text string) string {
		v := s.dial()
		defer v.Close()
		send(v, text)
		method, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), " ")
		if g := v.read(method); g.err != nil || g.status != http.StatusOK {
			t.Fatalf("%.100q: %s", text, g.text())
		}
		asked := e.taken()
		if len(asked) != 1 {
			t.Fatalf("%.100q: asked %d times", text, len(asked))
		}
		return inOrder(asked[0])
	}
	for name, text := range askCases() {
		s.counted()
		want, saw := ask(oracle, text), ask(s, text)
		if saw != want {
			t.Errorf("%s: a splice asks\n%.2000s\na response asks\n%.2000s", name, saw, want)
		}
		if _, _, _, left, _ := s.counted(); left != 0 {
			t.Errorf("%s: left to a response", name)
		}
		if strings.Count(saw, "\nTandem-Auth: ") != 1 || strings.ContainsAny(saw, "\r") {
			t.Errorf("%s: asked with\n%.2000s", name, saw)
		}
	}
}

// inOrder is a head with its names in one spelling and its fields in an order
// in which those of one name stay as they were.
func inOrder(head string) string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	for i, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		lines[1+i] = http.CanonicalHeaderKey(name) + ": " + value
	}
	slices.SortStableFunc(lines[1:], func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return strings.Compare(a, b)
	})
	return strings.Join(lines, "\n")
}
