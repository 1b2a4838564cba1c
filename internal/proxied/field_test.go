package proxied

import (
	"net/netip"
	"strings"
	"testing"
)

func networks(t testing.TB, texts ...string) Networks {
	t.Helper()
	n, err := ParseNetworks(texts)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestClientIsTheLastOneThatIsNoProxyOfOurs(t *testing.T) {
	ours := networks(t, "10.0.0.0/8", "2001:db8:1::/48", "192.0.2.1")
	const proxy, client = "10.0.0.1", "203.0.113.7"
	for _, row := range []struct {
		what, from, field string
		values            []string
		want              string
	}{
		{"one", proxy, XForwardedFor, []string{client}, client},
		{"what the client says itself", proxy, XForwardedFor, []string{"198.51.100.1, " + client}, client},
		{"the same in fields of its own", proxy, XForwardedFor, []string{"198.51.100.1", client}, client},
		{"through two of ours", proxy, XForwardedFor, []string{"198.51.100.1," + client + ",\t10.9.9.9"}, client},
		{"through ours alone", proxy, XForwardedFor, []string{"10.1.1.1, 192.0.2.1"}, "10.1.1.1"},
		{"from somebody else", client, XForwardedFor, []string{"198.51.100.1"}, client},
		{"nothing", proxy, XForwardedFor, nil, proxy},
		{"with a port", proxy, XForwardedFor, []string{client + ":4711"}, client},
		{"six", proxy, XForwardedFor, []string{"2001:db8::7"}, "2001:db8::7"},
		{"six with a port", "2001:db8:1::1", XForwardedFor, []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"six in brackets", proxy, XForwardedFor, []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"four in six", "::ffff:10.0.0.1", XForwardedFor, []string{"::ffff:" + client}, client},
		{"no address", proxy, XForwardedFor, []string{"198.51.100.1, unknown"}, proxy},
		{"no address before one of ours", proxy, XForwardedFor, []string{"198.51.100.1, junk, 10.2.2.2"}, "10.2.2.2"},
		{"an empty one", proxy, XForwardedFor, []string{"198.51.100.1, "}, proxy},
		{"a zone", proxy, XForwardedFor, []string{"fe80::1%eth0"}, proxy},
		{"more than are followed", proxy, XForwardedFor, []string{client + strings.Repeat(", 10.0.0.2", hopsMost)}, "10.0.0.2"},
		{"Forwarded where X-Forwarded-For is the proxies'", proxy, XForwardedFor, []string{"for=" + client}, proxy},

		{"Forwarded", proxy, Forwarded, []string{"for=" + client}, client},
		{"Forwarded, what the client says itself", proxy, Forwarded, []string{"for=198.51.100.1", "For=" + client + ";proto=http;by=10.0.0.1"}, client},
		{"Forwarded, six", proxy, Forwarded, []string{`for="[2001:db8::7]:4711"`}, "2001:db8::7"},
		{"Forwarded, quoted", proxy, Forwarded, []string{`by=x; for="203.0.113.\7:80" ;host="a,b;for=1.1.1.1"`}, client},
		{"Forwarded, hidden", proxy, Forwarded, []string{"for=198.51.100.1, for=_gazonk"}, proxy},
		{"Forwarded, without a for", proxy, Forwarded, []string{"for=198.51.100.1, proto=https"}, proxy},
		{"Forwarded, an end that the client left open", proxy, Forwarded, []string{`for="198.51.100.1`, "for=" + client}, client},
		{"Forwarded, the same in one field", proxy, Forwarded, []string{`for="198.51.100.1, for=` + client}, client},
		{"Forwarded, a quoted comma", proxy, Forwarded, []string{`for=198.51.100.1, host="a,\"b";for=` + client}, client},
		{"Forwarded, two in one element", proxy, Forwarded, []string{`for=198.51.100.1 for=` + client}, proxy},
		{"Forwarded, an escape at the end", proxy, Forwarded, []string{`for="\`}, proxy},
		{"Forwarded, for twice", proxy, Forwarded, []string{"for=198.51.100.1;for=" + client}, proxy},
		{"Forwarded, no pair", proxy, Forwarded, []string{"for=198.51.100.1, junk"}, proxy},
		{"Forwarded, six without quotes", proxy, Forwarded, []string{"for=[2001:db8::7]"}, proxy},
		{"Forwarded, nothing", proxy, Forwarded, []string{""}, proxy},
		{"Forwarded, a name that is none", proxy, Forwarded, []string{"f or=" + client}, proxy},
		{"Forwarded, more than are followed", proxy, Forwarded, []string{"for=" + client + strings.Repeat(", for=10.0.0.2", hopsMost)}, "10.0.0.2"},
	} {
		if got := ours.Client(netip.MustParseAddr(row.from), row.field, row.values); got.Unmap().String() != strings.TrimPrefix(row.want, "::ffff:") {
			t.Errorf("%s: %v, want %s", row.what, got, row.want)
		}
	}
}

func TestNetworksAreAddressesAndPrefixes(t *testing.T) {
	n := networks(t, "10.0.0.5", "2001:db8::/32", "::ffff:192.0.2.1")
	for text, in := range map[string]bool{"10.0.0.5": true, "10.0.0.6": false, "::ffff:10.0.0.5": true, "2001:db8:9::1": true, "2001:db9::1": false, "192.0.2.1": true} {
		if n.Has(netip.MustParseAddr(text)) != in {
			t.Error(text)
		}
	}
	for _, text := range []string{"", "here", "10.0.0.0/33", "fe80::1%eth0", "10.0.0.0/8 ", "::ffff:10.0.0.0/104"} {
		if _, err := ParseNetworks([]string{text}); err == nil || !strings.Contains(err.Error(), "10.0.0.0/8") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if Networks(nil).Has(netip.MustParseAddr("10.0.0.5")) {
		t.Error("nobody was named")
	}
}

// Whatever a stranger writes before what the proxy adds, it is not believed.
func FuzzStrangersPassForNobodyElse(f *testing.F) {
	for _, s := range []string{"for=1.1.1.1", `for="`, `for="1.1.1.1", for="`, "1.1.1.1", "x;y", ",,", `a="\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, says string) {
		ours := networks(t, "10.0.0.0/8")
		proxy, client := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("203.0.113.7")
		for field, added := range map[string]string{XForwardedFor: client.String(), Forwarded: "for=" + client.String()} {
			for _, values := range [][]string{{says, added}, {says + ", " + added}} {
				if got := ours.Client(proxy, field, values); got != client {
					t.Fatalf("%s: %q passes for %v", field, values, got)
				}
			}
		}
	})
}
