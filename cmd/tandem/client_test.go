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

// An order about a balancer that is asked first goes to another one; where none is named, its
// refusal is what is said.
func TestAnOrderAboutABalancerGoesToAnotherOne(t *testing.T) {
	itself := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "ask another one", "reason": "itself"})
	}))
	defer itself.Close()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // it was taken out, and hears nobody
		w.Header().Set("Tandem-Stale", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "no majority"})
	}))
	defer old.Close()
	for admin, want := range map[string]string{itself.URL + "," + other.URL: "", itself.URL: "ask another one", itself.URL + "," + old.URL: "ask another one", old.URL + "," + itself.URL: "ask another one", old.URL: "no majority"} {
		c := &client{admin: admin}
		err := c.call(t.Context(), http.MethodDelete, "/api/v1/balancers/lb-1", nil, nil)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v", admin, err)
		}
	}
}

// A balancer that says itself that its view is old, since it was taken out or is cut off, is
// believed where no other one answers.
func TestWhoseViewIsOldIsAskedLast(t *testing.T) {
	said := func(name, stale string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if stale != "" {
				w.Header().Set("Tandem-Stale", stale)
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"node": name})
		}))
	}
	old, good := said("old", "1"), said("good", "")
	defer old.Close()
	defer good.Close()
	const nobody = "http://127.0.0.1:1"
	for admin, want := range map[string]string{old.URL + "," + good.URL: "good", old.URL + "," + nobody: "old", nobody + "," + old.URL: "old", good.URL + "," + old.URL: "good"} {
		var s struct{ Node string }
		if err := (&client{admin: admin}).call(t.Context(), http.MethodGet, "/api/v1/status", nil, &s); err != nil || s.Node != want {
			t.Errorf("%s: %q, %v", admin, s.Node, err)
		}
	}
}
