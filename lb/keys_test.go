package lb

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// keys tells the state of each key for tokens, in the order of their making.
func (c *stage) keys() string {
	c.t.Helper()
	var list []wire.KeyStatus
	text := c.api(http.MethodGet, "/keys", nil, http.StatusOK, &list)
	for _, k := range c.lb.node.Keys().Tokens.Keys {
		if strings.Contains(string(text), string(k.Secret)) {
			c.t.Fatal("the API shows a key")
		}
	}
	var states []string
	for _, k := range list {
		if k.Purpose == wire.ForTokens {
			states = append(states, k.State)
		}
	}
	return strings.Join(states, " ")
}

func (c *stage) awaitKeyStates(want string) {
	c.t.Helper()
	until(c.t, "keys are "+want, func() bool { return c.keys() == want })
}

// A rotation under viewers: the new key seals only when every edge opens with it,
// and what the former one has sealed stays good as long as it would have.
func TestKeysChangeUnderViewers(t *testing.T) {
	var ahead atomic.Int64 // what the balancer's clock is ahead
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(cfg *Config) { cfg.TokenLifetime, cfg.KeyLife = time.Hour, 24*time.Hour }, now: func() time.Time {
		return time.Now().Add(time.Duration(ahead.Load()))
	}})
	enter := func() (wire.Token, string) {
		resp, _ := c.viewer(nil, "/film/master.m3u8")
		token, _ := c.sessionAt(resp)
		return token, strings.TrimSuffix(resp.Header.Get("Location"), "/film/master.m3u8")
	}
	play := func(session string, status int) {
		t.Helper()
		if resp, body := c.viewer(nil, session+"/film/1.m4s"); resp.StatusCode != status {
			t.Fatalf("%s: %s, want %d", resp.Status, body, status)
		}
	}
	_, first := enter()
	play(first, http.StatusOK)
	c.awaitKeyStates("seals")
	c.api(http.MethodPost, "/keys/tokens/rotate", nil, http.StatusOK, nil)
	c.awaitKeyStates("seals next")
	c.api(http.MethodPost, "/keys/tokens/rotate", nil, http.StatusConflict, nil)
	c.member("edge-1").locked(func() { c.member("edge-1").keys = c.lb.node.Keys().Version })
	c.report(c.member("edge-1"))
	_, second := enter()
	c.member("edge-2").locked(func() { c.member("edge-2").keys = c.lb.node.Keys().Version })
	c.report(c.member("edge-2"))
	c.awaitKeyStates("opens seals")
	_, third := enter()
	for _, session := range []string{first, second, third} {
		play(session, http.StatusOK)
	}
	ahead.Store(int64(59 * time.Minute))
	play(first, http.StatusOK)
	// What the first key sealed has expired: it goes by itself.
	ahead.Store(int64(62 * time.Minute))
	c.awaitKeyStates("seals")
	// By time: another one is made.
	ahead.Store(int64(26 * time.Hour))
	c.awaitKeyStates("seals next")
}

// A drop is for a key that was stolen: what it has sealed opens nothing any more.
func TestDroppedKeyOpensNothing(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8})
	resp, _ := c.viewer(nil, "/film/master.m3u8")
	session := strings.TrimSuffix(resp.Header.Get("Location"), "/film/master.m3u8")
	c.api(http.MethodPost, "/keys/tokens/rotate", nil, http.StatusOK, nil)
	m := c.member("edge-1")
	m.locked(func() { m.keys = c.lb.node.Keys().Version })
	c.report(m)
	c.awaitKeyStates("opens seals")
	c.api(http.MethodDelete, "/keys/tokens/1", nil, http.StatusOK, nil)
	c.awaitKeyStates("seals")
	if resp, body := c.viewer(nil, session+"/film/1.m4s"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, _ := c.viewer(nil, session+"/film/master.m3u8"); resp.Header.Get("Location") != "/film/master.m3u8" {
		t.Errorf("the entry: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
}
