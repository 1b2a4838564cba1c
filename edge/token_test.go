package edge

import (
	"net/http"
	"testing"
	"time"

	"tandem/internal/wire"
)

// testKeys are those of the cluster that the test's balancer is of.
func testKeys() wire.Keys {
	return wire.Keys{Version: 1, Tokens: wire.KeySet{Sealing: 1, Keys: []wire.Key{{ID: 1, Secret: make([]byte, wire.KeySize)}}}}
}

func tokenOf(id wire.SessionID, stream string) string { return tokenBy(testKeys(), id, stream) }

func tokenBy(keys wire.Keys, id wire.SessionID, stream string) string {
	var ring wire.KeyRing
	ring.Take(keys)
	text, _ := ring.Seal(wire.Token{SessionID: id, Stream: wire.NameHash(stream), Expires: time.Now().Add(time.Hour).Unix()})
	return text
}

// A session whose key an edge does not have yet waits for it, and for no other.
func TestSessionWaitsForAKeyThatIsOnItsWay(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRingOf(t, 2, o, func(int) Config { return Config{} })
	b.place("/v/x/", 1)
	id, reason := open(t, edges[0], 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	keys := testKeys()
	next := make([]byte, wire.KeySize)
	next[0] = 1
	keys.Version, keys.Tokens.Sealing = 2, 2
	keys.Tokens.Keys = append(keys.Tokens.Keys, wire.Key{ID: 2, Secret: next})
	token := tokenBy(keys, id, "/v/x/")
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get(edges[0].url + "/s/" + token + "/v/x/1.m4s")
		if err != nil {
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	b.mu.Lock()
	b.keys = keys
	b.mu.Unlock()
	b.change(func(p *wire.Placement) *wire.Placement {
		p.Trust = &wire.Trust{Keys: 2}
		return p.Index()
	})
	if got := <-status; got != http.StatusOK {
		t.Errorf("sealed with a key that was on its way: %d", got)
	}
	eventually(t, "the balancer is told", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.reports["edge-1"].Keys == 2
	})
	if resp, _ := get(t, edges[0].url+"/s/"+tokenOf(id, "/v/x/")+"/v/x/1.m4s"); resp.StatusCode != http.StatusOK {
		t.Errorf("sealed with the former key: %d", resp.StatusCode)
	}
	keys.Tokens.Keys[1].ID, keys.Tokens.Sealing = 9, 9
	if resp, _ := get(t, edges[0].url+"/s/"+tokenBy(keys, id, "/v/x/")+"/v/x/1.m4s"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("sealed with a key that nobody made: %d", resp.StatusCode)
	}
}

// A session opens its origin, whatever folder a thing lies in; its stream is a
// name.
func TestSessionOpensAnyPathOfItsOrigin(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRingOf(t, 2, o, func(int) Config { return Config{} })
	b.place("/v/x/", 1)
	id, reason := open(t, edges[0], 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	for _, path := range []string{"/v/x/1.m4s", "/v/2.m4s", "/elsewhere/3.m4s", "/4.m4s"} {
		resp, body := get(t, edges[0].url+"/s/"+tokenOf(id, "/v/x/")+path)
		if resp.StatusCode != http.StatusOK || string(body) != string(bodyOf(path, segmentSize)) {
			t.Errorf("%s: %d, %d bytes", path, resp.StatusCode, len(body))
		}
	}
	for _, path := range []string{"/_tandem/catalog", "/v/../%5Ftandem/catalog"} { // nobody's but a node's
		if status, _ := spell(t, edges[0].url, "/s/"+tokenOf(id, "/v/x/")+path); status != http.StatusForbidden || o.count("/_tandem/catalog") > 0 {
			t.Errorf("%s: %d, the origin was asked %d times", path, status, o.count("/_tandem/catalog"))
		}
	}
	if list, _ := edges[0].member.Sessions(10); len(list) != 1 || list[0].Stream != "/v/x/" {
		t.Errorf("sessions: %+v", list)
	}
}

// Who comes past the balancers gets nothing that they let viewers into, in whatever
// spelling, unless it is in a session that was let in there. Nodes are asked for by
// balancers, which have judged.
func TestProtectedPathsAreNotServedPastTheBalancers(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRingOf(t, 2, o, func(int) Config { return Config{} })
	b.place("/v/x/", 1)
	id, reason := open(t, edges[0], 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	b.change(func(p *wire.Placement) *wire.Placement {
		p.Trust = &wire.Trust{Keys: 1, Protected: []wire.Protected{{Prefix: "/v/"}}}
		return p.Index()
	})
	followed(t, b, edges...)
	var ring wire.KeyRing
	ring.Take(testKeys())
	let, _ := ring.Seal(wire.Token{SessionID: id, Stream: wire.NameHash("/v/x/"), Scope: 1, Expires: time.Now().Add(time.Hour).Unix()})
	for _, row := range []struct {
		path string
		node bool
		want int
	}{
		{"/v/x/1.m4s", true, http.StatusOK},
		{"/v/x/1.m4s", false, http.StatusForbidden},
		{"//v/x/1.m4s", false, http.StatusForbidden},
		{"/w/1.m4s", false, http.StatusOK},
		{"/s/" + tokenOf(id, "/v/x/") + "/v/x/1.m4s", false, http.StatusForbidden},
		{"/s/" + tokenOf(id, "/v/x/") + "/v/x/1.m4s", true, http.StatusOK},
		{"/s/" + let + "/v/x/1.m4s", false, http.StatusOK},
	} {
		req, _ := http.NewRequest(http.MethodGet, edges[0].url+row.path, nil)
		if row.node {
			req.Header.Set(wire.HeaderFrom, "lb-1")
			req.Header.Set(wire.HeaderAuth, edges[0].cfg.Secret.Bearer())
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("%+v: %s", row, resp.Status)
		}
	}
}
