package h1

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestTargetIsAsItWasSpelled(t *testing.T) {
	for line, want := range map[string]string{
		"/a%2Fb//c?x=%3f&y=(1)": "/a%2Fb//c?x=%3f&y=(1)", "//host/a": "//host/a", "/a|b": "/a|b", "/?": "/?", "*": "*",
		"http://h:1/a%2Fb?c": "/a%2Fb?c", "HTTP://h": "/", "http://h?x": "/?x",
	} {
		if got := Target(&http.Request{RequestURI: line}); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if got := Target(&http.Request{URL: &url.URL{Path: "/a b"}}); got != "/a%20b" {
		t.Error(got)
	}
}

// What is asked for at a host is what stands in the request line there.
func TestURLIsAskedForAsItIsSpelled(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- Target(r) }))
	defer s.Close()
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/a", "/a%2Fb?x=%2f", "/it's(1)!*.ts", "//a//b", "//a%2Fb?", "/?", "/a|b[c]", "/%E4%BD%A0", "/a+b?c+d", "/http://x/y"} {
		req := (&http.Request{Method: http.MethodGet, URL: URL("http", at.Host, target), Host: at.Host, Header: http.Header{}}).WithContext(t.Context())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		resp.Body.Close()
		if sent := <-got; sent != target {
			t.Errorf("%s was asked for as %s", target, sent)
		}
	}
}
