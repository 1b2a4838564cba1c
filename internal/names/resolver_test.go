package names

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// What is known of a name is looked up anew now and then, and kept when nobody
// knows it any more; literal addresses never are.
func TestNamesAreLookedUpAnew(t *testing.T) {
	now := time.Unix(0, 0)
	d := NewResolver(func() time.Time { return now })
	answers := make(chan []netip.Addr)
	d.Lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		if found := <-answers; found != nil {
			return found, nil
		}
		return nil, errors.New("nobody knows")
	}
	is := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			addr, ok := d.Find("edge:81")
			if ok && addr.String() == want || !ok && want == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v, %v, want %q", addr, ok, want)
			}
		}
	}
	is("")
	answers <- []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	is("192.0.2.1:81")
	now = now.Add(lookupAgain)
	is("192.0.2.1:81")
	answers <- []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	is("192.0.2.2:81")
	now = now.Add(lookupAgain)
	is("192.0.2.2:81")
	answers <- nil
	is("192.0.2.2:81")
	for text, want := range map[string]string{"192.0.2.3:80": "192.0.2.3:80", "[::ffff:192.0.2.3]:80": "192.0.2.3:80", "[2001:db8::1]:8080": "[2001:db8::1]:8080"} {
		if addr, ok := d.Find(text); !ok || addr.String() != want {
			t.Errorf("%s: %v, %v", text, addr, ok)
		}
	}
	for _, text := range []string{"", "edge", "edge:http", "edge:99999", ":80"} {
		if text == ":80" {
			go func() { answers <- nil }()
		}
		if addr, ok := d.Find(text); ok {
			t.Errorf("%q: %v", text, addr)
		}
	}
}
