package proxied

import (
	"net/netip"
	"strings"
	"testing"
)

func TestConfigNamesProxies(t *testing.T) {
	c := Config{announce: []string{"10.0.0.0/8"}, trust: []string{"192.0.2.1"}}
	if err := c.Validate(); err != nil || c.Field != XForwardedFor {
		t.Fatal(c.Field, err)
	}
	inside, proxy := netip.MustParseAddr("10.1.1.1"), netip.MustParseAddr("192.0.2.1")
	if !c.Announces(inside) || c.Announces(proxy) || !c.Trusts(proxy) || c.Trusts(inside) {
		t.Error("who announces and who is trusted")
	}
	clientOf := c.ClientOf(func(address string) string { return "client " + address })
	for address, want := range map[string]string{"10.1.1.1": "client 10.1.1.1", "192.0.2.1": "", "junk": "client junk"} {
		if got := clientOf(address); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
	for want, bad := range map[string]Config{
		"--proxy-protocol":  {announce: []string{"here"}},
		"--trusted-proxies": {trust: []string{"10.0.0.0/99"}},
		"--trusted-field":   {Field: "X-Real-IP"},
	} {
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
