package budget

import (
	"strings"
	"testing"
)

// A trusted proxy's connections are many clients': they are bounded in all alone.
func TestConnectionsOfAProxyAreNotOneClients(t *testing.T) {
	const proxy = "127.0.0.2"
	l := NewLimiter(5, 2, func(address string) string { return strings.TrimPrefix(address, proxy) })
	let := func(address string, want string) {
		t.Helper()
		got := ""
		for range 4 {
			_, ok := l.Enter(address)
			got += map[bool]string{true: "y", false: "n"}[ok]
		}
		if got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	let("203.0.113.7", "yynn")
	let(proxy, "yyyn")
}
