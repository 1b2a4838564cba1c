package lb

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// A balancer with an empty disk, which nobody has let in, says of no session that it is
// none, and of no edge that it is dead: it was 403 for a segment, which a player does not
// ask for again, and `no_edge`.
func TestABalancerThatKnowsNoClusterRefusesNobodyForGood(t *testing.T) {
	var ahead atomic.Int64 // what its clock is ahead: past the time that it keeps viewers waiting
	c := newStage(t, stageOptions{
		now:    func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		config: func(c *Config) { c.Join = "http://127.0.0.1:1" },
	})
	ahead.Store(int64(time.Minute))
	token := strangeToken()
	for _, path := range []string{entryPath, "/s/" + token + entryPath, "/s/" + token + strings.TrimSuffix(entryPath, "master.m3u8") + "v/1.m4s", "/s/" + token, "/film/1.m4s"} {
		resp, text := c.viewer(nil, path)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(wire.HeaderReason) != reasonEmpty || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, %s", path, resp.Status, text)
		}
	}
}

// strangeToken is one that is sealed with a key that no balancer of a test has.
func strangeToken() string {
	var others wire.KeyRing
	others.Take(wire.Keys{Version: 1, Tokens: wire.KeySet{Sealing: 200, Keys: []wire.Key{{ID: 200, Secret: make([]byte, wire.KeySize)}}}})
	text, _ := others.Seal(wire.Token{SessionID: wire.SessionID{Pair: 1, Slot: 2}, Expires: time.Now().Add(time.Hour).Unix()})
	return text
}
