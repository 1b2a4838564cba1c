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
