package cluster

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A proxy of the machine carries what it can't read, and nothing else: by http:// it
// would be handed the operator's token.
func TestNoTokenGoesByAProxyInClear(t *testing.T) {
	asked := ownProxy(func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy:3128") })
	for at, by := range map[string]bool{
		"http://lb.example.com:9080":   false,
		"http://203.0.113.7:9080":      false,
		"https://lb.example.com:9080":  true,
		"https://203.0.113.7:9080":     true,
		"https://lb-1:9080":            false,
		"https://10.91.0.2:9080":       false,
		"https://[fd00::2]:9080":       false,
		"https://[::ffff:10.0.0.1]:1":  false,
		"https://169.254.1.1:9080":     false,
		"https://127.0.0.1:9080":       false,
		"https://[2001:db8::1]:9080":   true,
		"https://lb-1.example.com.:90": true,
	} {
		r, err := http.NewRequest(http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := asked(r)
		if err != nil || (proxy != nil) != by {
			t.Errorf("%s: by a proxy: %v, want %v (%v)", at, proxy != nil, by, err)
		}
	}
}

// Who refuses is named: the balancer was never asked.
func TestAProxyThatRefusesIsNamed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer proxy.Close()
	o, err := NewOperator("")
	if err != nil {
		t.Fatal(err)
	}
	o.HTTP.Transport.(*http.Transport).Proxy = ownProxy(func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) })
	resp, err := o.HTTP.Get("https://lb.example.com:9080/api/v1/status")
	if err == nil {
		resp.Body.Close()
		t.Fatal("answered")
	}
	if !strings.Contains(err.Error(), "the proxy "+strings.TrimPrefix(proxy.URL, "http://")+" (HTTPS_PROXY) answers 403 Forbidden") {
		t.Error(err)
	}
}
