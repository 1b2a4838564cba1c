package upstream

import (
	"net/http"
	"testing"
)

// What an answer's fields say of this origin is what viewers find at the cluster.
func TestFieldsThatNameTheOriginAreLedBack(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"Content-Location", "http://o.example/base/x/a.mp4?q", "/x/a.mp4?q"},
		{"Content-Location", "/base/x/a.mp4", "/x/a.mp4"},
		{"Content-Location", "a.mp4", "a.mp4"},
		{"Content-Location", "http://o.example/base//far.example/a.mp4", "/.//far.example/a.mp4"},
		{"Link", "</base//far.example/1.ts>;rel=next", "</.//far.example/1.ts>;rel=next"},
		{"Content-Location", "http://far.example/base/a.mp4", "http://far.example/base/a.mp4"},
		{"Link", `<http://o.example/base/1.ts>; rel=preload; title="<x>", </base/2.ts>;rel=next,<http://far.example/>`, `</1.ts>; rel=preload; title="<x>", </2.ts>;rel=next,<http://far.example/>`},
		{"Link", "<http://o.example/base/1.ts", "<http://o.example/base/1.ts"},
		{"Set-Cookie", "a=b;c; Path=/base/x; HttpOnly", "a=b;c; Path=/x; HttpOnly"},
		{"Set-Cookie", "a=/base/; path=/base;Domain=O.example", "a=/base/; path=/"},
		{"Set-Cookie", "a=b; Path=/basement; Domain=example", "a=b; Path=/basement; Domain=example"},
		{"Alt-Svc", `h3=":443"`, ""},
		{"X-Link", "http://o.example/base/", "http://o.example/base/"},
	} {
		x := newUnder(t, nil, of("http://o.example/base"))
		g := (*x.groups.Load())[0]
		h := http.Header{http.CanonicalHeaderKey(c.name): {c.in}}
		g.own(h, g.servers[0], "/x/m.m3u8")
		if got := h.Get(c.name); got != c.want {
			t.Errorf("%s: %s became %s, want %s", c.name, c.in, got, c.want)
		}
	}
}
