package lb

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/access"
	"tandem/internal/filewatch"
	"tandem/internal/wire"
)

const viewersKey = "viewers' key: 8c1f0b7a6d52e943"

// rules writes an access file with its key, and gives its path.
func rules(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"key": viewersKey, "access.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "access.yaml")
}

// awaitProtected waits until the cluster protects so many prefixes.
func (c *stage) awaitProtected(n int) {
	c.t.Helper()
	until(c.t, "the placement says what is protected", func() bool {
		trust := c.lb.Placement().Trust
		return trust != nil && len(trust.Protected) == n
	})
}

// A viewer's token is asked for once, at the opening; neither the origin nor the
// session's address gets it, and the session reaches what it opened, until it ends.
func TestViewersTokenOpensAStreamOnceAndIsCarriedOn(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	file := rules(t, "rules: [{prefix: /premium/, tokens: [url], keys: [{id: a, file: key}]}]")
	c := newStage(t, stageOptions{edges: 2, capacity: 8, now: now, config: func(cfg *Config) { cfg.AccessFile, cfg.LooseSegments = file, true }})
	c.awaitProtected(1)
	signed := func(acl string, until time.Duration) string {
		return "?q=1&token=" + access.SignURL([]byte(viewersKey), "a", acl, "", time.Now().Add(until))
	}
	for target, want := range map[string]int{
		"/premium/a/master.m3u8":  http.StatusUnauthorized,
		"//premium/a/master.m3u8": http.StatusUnauthorized,
		"/premium/a/1.m4s":        http.StatusUnauthorized, // nor without a session
		"/premium/a/master.m3u8" + signed("/premium/b/*", time.Hour):      http.StatusForbidden,
		"/premium/a/master.m3u8" + signed("/premium/a/*", -time.Hour):     http.StatusForbidden,
		"/premium/a/master.m3u8" + signed("/premium/a/*", time.Hour)[:60]: http.StatusForbidden,
		"/free/master.m3u8": http.StatusFound,
	} {
		if resp, body := c.viewer(nil, target); resp.StatusCode != want {
			t.Errorf("%s: %s %s, want %d", target, resp.Status, body, want)
		}
	}
	resp, body := c.viewer(nil, "/premium/a/master.m3u8"+signed("/premium/a/*", time.Hour))
	if resp.StatusCode != http.StatusFound {
		t.Fatalf("a good token: %s %s", resp.Status, body)
	}
	to := resp.Header.Get("Location")
	if !strings.HasSuffix(to, "/premium/a/master.m3u8?q=1") {
		t.Fatalf("leads to %s", to)
	}
	session := strings.TrimSuffix(to, "/premium/a/master.m3u8?q=1")
	for _, m := range c.members {
		m.locked(func() {
			if strings.Contains(m.target, "token") {
				t.Errorf("the edge was asked for %s", m.target)
			}
		})
	}
	play := func(target string, want int) {
		t.Helper()
		if resp, body := c.viewer(nil, session+target); resp.StatusCode != want {
			t.Errorf("%s: %s %s, want %d", target, resp.Status, body, want)
		}
	}
	play("/premium/a/1.m4s", http.StatusOK)
	play("/premium/a/sub/1.m4s", http.StatusOK)
	play("/free/1.m4s", http.StatusOK)
	play("/premium/b/1.m4s", http.StatusForbidden)
	play("//premium/b/1.m4s", http.StatusForbidden)
	play("/premium%2fb/1.m4s", http.StatusForbidden)
	ahead.Store(int64(61 * time.Minute)) // the session's own address would be good for longer
	play("/premium/a/1.m4s", http.StatusForbidden)
}

// A session of a time before there was a rule reaches nothing that it protects now.
// A balancer without rules lets nobody in where others ask for a token.
func TestWhatIsProtectedIsSoForEverybodyAtOnce(t *testing.T) {
	file := rules(t, "rules: []")
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(cfg *Config) { cfg.AccessFile = file }})
	resp, _ := c.viewer(nil, "/premium/a/master.m3u8")
	_, path := c.sessionAt(resp)
	session := strings.TrimSuffix(resp.Header.Get("Location"), path)
	want := func(target string, status int) {
		t.Helper()
		if resp, body := c.viewer(nil, target); resp.StatusCode != status {
			t.Errorf("%s: %s %s, want %d", target, resp.Status, body, status)
		}
	}
	want(session+"/premium/a/1.m4s", http.StatusOK)
	change := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change("rules: [{prefix: /premium/, tokens: [url], keys: [{id: a, file: key}]}]")
	c.awaitProtected(1)
	want(session+"/premium/a/1.m4s", http.StatusForbidden)
	want("/premium/a/master.m3u8", http.StatusUnauthorized)
	c.lb.entrance.policy.Store(nil) // as one that was given no file
	want("/premium/a/master.m3u8", http.StatusServiceUnavailable)
	want("/free/master.m3u8", http.StatusFound)
}

// New rules are taken, broken ones are not.
func TestBrokenRulesChangeNothing(t *testing.T) {
	file := rules(t, "rules: [{prefix: /a/}]")
	e, err := openEntrance(file, zerolog.Nop(), time.Now, func() *wire.Placement { return new(wire.Placement) }, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	e.stamps = filewatch.Of(e.files...)
	for i, step := range []struct{ text, prefix string }{{"rules: [{prefix: nonsense}]", "/a/"}, {"rules: [{prefix: /longer/}]", "/longer/"}, {"rules: [{", "/longer/"}} {
		if err := os.WriteFile(file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		e.look()
		if list, known := e.protects(); !known || len(list) != 1 || list[0].Prefix != step.prefix {
			t.Errorf("step %d: %v, %v", i, list, known)
		}
	}
	if _, err := openEntrance(filepath.Join(t.TempDir(), "none"), zerolog.Nop(), time.Now, nil, nil); err == nil || !strings.Contains(err.Error(), "--access-file") {
		t.Errorf("a file that is not there: %v", err)
	}
}
