package front

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/h1"
)

// fullStage takes nobody but nodes, which say so.
func fullStage(t *testing.T, change ...func(*stage, *Config)) *stage {
	plainOnly(t) // no node comes by TLS
	return newStage(t, append(change, func(s *stage, c *Config) {
		c.Enter = func(address string) (any, bool) {
			client, _ := s.enter(address)
			return client, false
		}
		c.Proves = func(_ any, h *h1.Request) bool { return h.Get("X-Node") == "yes" }
	})...)
}

const nodeAsks = "GET /x HTTP/1.1\r\nHost: a\r\nX-Node: yes\r\n\r\n"

func TestAConnectionTooManyIsANodesOrIsReset(t *testing.T) {
	s := fullStage(t)
	node := call(t, s.addr)
	for range 2 {
		node.say(nodeAsks)
		if r := node.hear("GET"); r.StatusCode != http.StatusOK {
			t.Fatal(r.Status)
		}
	}
	node.say("%s", ask("GET", "/x")) // it has shown what it is
	if r := node.hear("GET"); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	for name, says := range map[string]string{"a stranger's request": ask("GET", "/x"), "no request": "GET /x\r\n\r\n", "a node's second request": ask("GET", "/mem/3") + nodeAsks} {
		t.Run(name, func(t *testing.T) {
			c := call(t, s.addr)
			c.say("%s", says)
			c.ends(byReset)
		})
	}
	begin := time.Now()
	call(t, s.addr).ends(byReset)
	since(t, begin, trialFor)
}

// However many strangers say nothing, a node that asks at once is let in.
func TestAFloodOfStrangersKeepsNoNodeOut(t *testing.T) {
	s := fullStage(t, func(_ *stage, c *Config) { c.Loops = 1 })
	var strangers []*caller
	for range 2 * trialsMost {
		strangers = append(strangers, call(t, s.addr))
	}
	node := call(t, s.addr)
	node.say(nodeAsks)
	if r := node.hear("GET"); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	if n := s.Connections(); n > trialsMost+1 {
		t.Fatalf("%d connections", n)
	}
	strangers[0].ends(byReset)
}
