package wire

import "testing"

func TestAClientIsAnAddressOrTheNetworkOfItsHost(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7",
		"192.0.2.7:4711":          "192.0.2.7",
		"::ffff:192.0.2.7":        "192.0.2.7",
		"[::ffff:192.0.2.7]:80":   "192.0.2.7",
		"2001:db8:1:2::7":         "2001:db8:1:2::/64",
		"[2001:db8:1:2:3::8]:443": "2001:db8:1:2::/64",
		"2001:db8:1:3::7":         "2001:db8:1:3::/64",
		"fe80::1%eth0":            "fe80::/64",
		"somebody":                "somebody",
		"":                        "",
	} {
		if got := ClientOf(address); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}
