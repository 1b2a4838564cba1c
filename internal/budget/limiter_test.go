package budget

import (
	"fmt"
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

// A few clients that hold all they may leave room for many that hold little, and nobody is
// held to a share while there is plenty, or where one may have most of it anyway.
func TestFewClientsLeaveRoomForMany(t *testing.T) {
	own := func(address string) string { return address }
	fill := func(l *Limiter, client string) (n int) {
		for {
			if _, ok := l.Enter(client); !ok {
				return n
			}
			n++
		}
	}
	l := NewLimiter(4000, 200, own)
	for i := range 20 {
		n := fill(l, fmt.Sprint("greedy-", i))
		if i < 10 && n != 200 {
			t.Errorf("client %d, while there is plenty: %d", i, n)
		}
	}
	for i := range 100 {
		for range 2 {
			if _, ok := l.Enter(fmt.Sprint("viewer-", i)); !ok {
				t.Fatalf("viewer %d finds no place: %d of 4000 are taken", i, l.Open())
			}
		}
	}
	if n := fill(l, "one more"); n < shareLeast || n > 200 {
		t.Errorf("one more takes %d, beside %d", n, l.Open()-n)
	}
	if n := fill(NewLimiter(1000, 501, own), "alone"); n != 501 {
		t.Errorf("where one may have more than half: %d", n)
	}
	if n := fill(NewLimiter(1000, 2000, own), "alone"); n != 1000 {
		t.Errorf("where one may have all: %d", n)
	}
}
