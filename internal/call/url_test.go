package call

import (
	"strings"
	"testing"
)

// What others can't dial is refused in a line that names the field and what is wanted.
func TestAddressesThatNobodyReaches(t *testing.T) {
	for text, good := range map[string]bool{
		"http://10.0.0.1:8080": true, "https://lb-1": true, "http://[2001:db8::1]:80/": true, "http://127.0.0.1:8080": true,
		"http://0.0.0.0:8080": false, "http://[::]:8080": false, "http://0.0.0.0": false, "http://10.0.0.1:0": false, "http://[::ffff:0.0.0.0]:80": false,
		"ftp://10.0.0.1": false, "10.0.0.1:8080": false, "http://": false, "http://lb-1/path": false, "http://lb-1?x": false, "http://lb-1:port": false, "": false,
	} {
		if err := CheckReached("--advertise", text); (err == nil) != good || err != nil && !strings.HasPrefix(err.Error(), "--advertise: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, good := range map[string]bool{
		"10.0.0.1:7080": true, "lb-1:7080": true, "[2001:db8::1]:7080": true,
		"nonsense": false, ":7080": false, "0.0.0.0:7080": false, "[::]:7080": false, "lb-1:0": false, "lb-1:65536": false, "lb-1:-1": false, "lb-1:raft": false,
		"http://lb-1:7080": false, "lb 1:7080": false, "lb-1@lb-2:7080": false, "": false, "lb-1": false,
	} {
		if err := CheckAddress("raft", text); (err == nil) != good || err != nil && !strings.HasPrefix(err.Error(), "raft: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A loopback address is what a node on this machine may be reached at, and none of another's.
func TestALoopbackAddressOfAnotherMachine(t *testing.T) {
	for _, row := range []struct {
		told, from string
		good       bool
	}{
		{"127.0.0.1:7080", "127.0.0.1:40000", true},
		{"http://localhost:80", "[::1]:40000", true},
		{"10.0.0.1:7080", "192.0.2.7:40000", true},
		{"http://lb-1", "192.0.2.7:40000", true},
		{"127.0.0.1:7080", "192.0.2.7:40000", false},
		{"[::1]:7080", "192.0.2.7:40000", false},
		{"http://127.0.0.1:8081", "192.0.2.7:40000", false},
		{"https://localhost", "[2001:db8::7]:40000", false},
	} {
		if err := CheckFrom("--advertise", row.told, row.from); (err == nil) != row.good || err != nil && !strings.HasPrefix(err.Error(), "--advertise: "+row.told) {
			t.Errorf("%s from %s: %v", row.told, row.from, err)
		}
	}
}

// An admin listener for its own machine alone is told to nobody on another one.
func TestALoopbackAdminListenerIsToldToItsOwnMachineAlone(t *testing.T) {
	for _, c := range []struct{ admin, base, told string }{
		{"http://127.0.0.1:9081", "http://10.0.0.5:8081", ""},
		{"https://[::1]:9081", "http://[fd00::5]:8081", ""},
		{"http://localhost:9081", "http://edge-1", ""},
		{"http://127.0.0.1:9081", "http://127.0.0.1:8081", "http://127.0.0.1:9081"},
		{"http://10.0.0.5:9081", "http://10.0.0.5:8081", "http://10.0.0.5:9081"},
	} {
		if got := ToldAdmin(c.admin, c.base); got != c.told {
			t.Errorf("%s of a node at %s: told %q, want %q", c.admin, c.base, got, c.told)
		}
	}
}
