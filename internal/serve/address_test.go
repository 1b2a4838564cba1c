package serve

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// What listens at all addresses is told to others by one that they can call, and the
// log says which and how to change it.
func TestAListenerAtAllAddressesIsToldByOneThatFacesTheOthers(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "[::]:0", "127.0.0.1:0"} {
		ln, err := net.Listen("tcp", at)
		must(t, err)
		defer ln.Close()
		var log bytes.Buffer
		base, err := Advertised(ln, "--advertise", []string{"http://127.0.0.1:8080"}, zerolog.New(&log))
		must(t, err)
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		if base != "http://127.0.0.1:"+port {
			t.Errorf("%s: others are told %s", at, base)
		}
		if told := strings.Contains(log.String(), "--advertise"); told != !strings.HasPrefix(at, "127") {
			t.Errorf("%s: the log says %q", at, log.String())
		}
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	must(t, err)
	defer ln.Close()
	base, err := Advertised(ln, "--advertise", []string{"http://host.invalid:1", "nonsense"}, zerolog.Nop())
	if err == nil && (strings.Contains(base, "0.0.0.0") || strings.Contains(base, "[::]")) || err != nil && !strings.Contains(err.Error(), "http://10.0.0.5") {
		t.Errorf("%s, %v", base, err)
	}
}

// What listens at a loopback address is none that those on another machine can call.
func TestALoopbackListenerIsForItsOwnMachine(t *testing.T) {
	own, away := []string{"http://127.0.0.1:1", "http://host.invalid", ""}, "http://192.0.2.1:8080"
	if ip := facing("192.0.2.1:9"); ip == nil {
		t.Log("there is no way out of this machine: nobody is elsewhere")
	} else {
		err := CheckNear("--listen", "127.0.0.1:8081", append(own, away))
		if err == nil || !strings.HasPrefix(err.Error(), "--listen: ") || !strings.HasSuffix(err.Error(), net.JoinHostPort(ip.String(), "8081")) {
			t.Error(err)
		}
		own = append(own, "http://"+net.JoinHostPort(ip.String(), "8080"))
	}
	for _, at := range []string{"[fe80::1%eth0]:80", "[fe80::1]:80"} {
		if err := CheckNear("--listen", at, []string{away}); err == nil || !strings.HasPrefix(err.Error(), "--listen: "+at) {
			t.Errorf("%s: %v", at, err)
		}
	}
	for at, others := range map[string][]string{"169.254.0.1:80": {away}, "[fe80::1%eth0]:80": nil, "127.0.0.1:8081": own, "10.0.0.1:8081": {away}, "lb-1:80": {away}} {
		if err := CheckNear("--listen", at, others); err != nil {
			t.Error(err)
		}
	}
}

// An address that faces the others is of the listener's own family: at one of
// IPv4 alone, as systemd may open it, nobody is heard who calls by IPv6. A host that has IPv6 alone is found an address as well.
func TestTheAddressThatOthersAreToldIsOfTheListenersFamily(t *testing.T) {
	if _, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"tcp", "tcp4"} { // tcp: all addresses of both
		ln, err := net.Listen(network, "0.0.0.0:0")
		must(t, err)
		defer ln.Close()
		base, err := Advertised(ln, "--advertise", []string{"http://[::1]:8080"}, zerolog.Nop())
		if six := strings.HasPrefix(base, "http://[::1]:"); six != (network == "tcp") {
			t.Errorf("%s: others are told %q, %v", network, base, err)
		}
	}
	six := false
	for _, base := range anywhere {
		six = six || strings.HasPrefix(base, "[")
	}
	if !six {
		t.Error("the way out by IPv6 is not looked for")
	}
}
