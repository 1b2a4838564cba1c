package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What only the leader can is asked of it, wherever the command was sent; not in clear by
// who was to be asked by TLS, and not for ever where two send each other.
func TestWhatOnlyTheLeaderCanIsAskedOfIt(t *testing.T) {
	asked := map[string]int{}
	var leader, follower, other *httptest.Server
	refuses := func(name string, to func() string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked[name]++
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "only the leader can: ask it", "reason": "no_quorum", "leader": to()})
		})
	}
	leader = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked["leader"]++ }))
	defer leader.Close()
	follower = httptest.NewServer(refuses("follower", func() string { return leader.URL }))
	defer follower.Close()
	secure := httptest.NewTLSServer(refuses("secure", func() string { return leader.URL }))
	defer secure.Close()
	other = httptest.NewServer(refuses("other", func() string { return other.URL }))
	defer other.Close()
	for _, row := range []struct {
		at   *httptest.Server
		want string // the error
		led  int
	}{{follower, "", 1}, {secure, "only the leader can: ask it", 0}, {other, "only the leader can: ask it", 0}} {
		clear(asked)
		c := &client{admin: row.at.URL}
		o, err := operatorBy("", "")
		if err != nil {
			t.Fatal(err)
		}
		o.HTTP = *row.at.Client()
		c.asks = o
		err = c.call(context.Background(), http.MethodPost, "/api/v1/cluster/restore", []byte("backup"), nil)
		if (err != nil) != (row.want != "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.at.URL, err, row.want)
		}
		if asked["leader"] != row.led || asked["other"] > 1 {
			t.Errorf("%s: %v were asked", row.at.URL, asked)
		}
	}
}
