package lb

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// threeAndAFollower are three that vote, with an edge, and one of them that does not lead.
func threeAndAFollower(t *testing.T) (all []*stage, follower *stage) {
	t.Helper()
	all = threeBalancers(t, func(*Config) {})
	for _, c := range all {
		until(t, c.lb.cfg.Name+" knows three that vote", func() bool {
			return len(c.lb.Placement().Balancers) == 3 && len(c.lb.node.Voters()) == 3
		})
	}
	all[0].addEdge("edge-1", 8)
	if follower = all[1]; follower.lb.node.IsLeader() {
		follower = all[0]
	}
	return all, follower
}

// A balancer is back at another Raft address, with the old line in peers: the others call it
// where nobody is. Each of them says so, and what to do, and it says so itself; it does not
// say that there is no majority.
func TestABalancerThatTheLeaderCallsInVain(t *testing.T) {
	all, old := threeAndAFollower(t)
	at, was := strings.TrimPrefix(old.url, "http://"), old.lb.node.RaftAddr()
	old.stop()
	ln, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	back := newStage(t, stageOptions{listener: ln, config: func(c *Config) {
		c.Name, c.Peers, c.Data, c.raft.Listener = old.lb.cfg.Name, old.lb.cfg.Peers, old.lb.cfg.Data, listen(t)
		c.raft.Heartbeat, c.raft.Election, c.raft.Lease = 400*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
	}})
	says := func(c *stage) string {
		var s wire.Status
		c.api(http.MethodGet, "/status", nil, http.StatusOK, &s)
		return s.Verdict.Text + " | " + s.Verdict.More + " | " + s.Verdict.Next
	}
	for _, c := range all {
		if c == old {
			continue
		}
		until(t, c.lb.cfg.Name+" says whom nobody reaches, and where", func() bool {
			text := says(c)
			return strings.Contains(text, "it does not reach "+old.lb.cfg.Name+" for Raft at "+was+": connection refused") && strings.Contains(text, "raft-listen")
		})
	}
	until(t, "it says so itself", func() bool {
		return strings.Contains(says(back), "leads the others and does not reach this one for Raft at "+was)
	})
	if text := says(back); strings.Contains(text, "No majority") {
		t.Errorf("it says: %s", text)
	}
	for path, want := range map[string]int{back.url: http.StatusServiceUnavailable, all[2].url: http.StatusForbidden} { // its keys may be of before
		if path == all[2].url && all[2] == old {
			continue
		}
		if resp, text := back.request(back.client, http.MethodGet, path+"/s/"+strangeToken()+"/film/1.m4s", nil); resp.StatusCode != want {
			t.Errorf("a session by a key that is not known: %s, %s", resp.Status, text)
		}
	}
	other := all[2]
	if other == old {
		other = all[1]
	}
	other.api(http.MethodDelete, "/balancers/"+old.lb.cfg.Name, nil, http.StatusOK, nil)
	until(t, "it says that it was taken out, which nobody could tell its disk", func() bool { return strings.Contains(says(back), "it was taken out of the cluster") })
}

// One whose raft-listen is new, and whose line in peers is not, is found where it listens:
// nothing has to be done.
func TestABalancerWithAnOldLineIsFoundWhereItListens(t *testing.T) {
	all, old := threeAndAFollower(t)
	old.stop()
	at, err := net.Listen("tcp", strings.TrimPrefix(old.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	raft := listen(t)
	back := newStage(t, stageOptions{listener: at, config: func(c *Config) {
		c.Name, c.Peers, c.Data, c.raft.Listener, c.raft.Bind = old.lb.cfg.Name, old.lb.cfg.Peers, old.lb.cfg.Data, raft, raft.Addr().String()
		c.raft.Heartbeat, c.raft.Election, c.raft.Lease = 400*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
	}})
	other := all[2]
	if other == old {
		other = all[1]
	}
	version := other.lb.Placement().Version
	other.api(http.MethodPost, "/admission", map[string]string{"admission": "pair"}, http.StatusOK, nil)
	until(t, "what is ordered reaches it", func() bool { return back.lb.Placement().Version > version })
	until(t, "it is ready", func() bool {
		e := back.lb.control.Ready()
		return e == nil || strings.Contains(e.Error(), "no edge is up")
	})
}

// A balancer is moved to no address that nobody can dial, and to none that another one has
// and answers at.
func TestNobodyIsMovedToWhereAnotherOneAnswers(t *testing.T) {
	all := threeBalancers(t, func(*Config) {})
	var leader *stage
	until(t, "all are there", func() bool {
		for _, c := range all {
			if c.lb.node.IsLeader() && len(c.lb.Placement().Balancers) == 3 && c.lb.control.Alive("lb-1") && c.lb.control.Alive("lb-2") && c.lb.control.Alive("lb-3") {
				leader = c
			}
		}
		return leader != nil
	})
	before := slices.Clone(leader.lb.Placement().Balancers)
	for _, to := range []map[string]string{{"raft": "nonsense"}, {"raft": "0.0.0.0:7080"}, {"raft": "10.0.0.1:0"}, {"http": "http://0.0.0.0:80"}, {"http": "ftp://a"}, {"admin": "http://[::]:9080"}} {
		leader.api(http.MethodPost, "/balancers/lb-3/move", to, http.StatusBadRequest, nil)
	}
	leader.api(http.MethodPost, "/balancers/lb-9/move", map[string]string{"raft": "10.0.0.1:7080"}, http.StatusNotFound, nil)
	for field, at := range map[string]string{"raft": all[0].lb.node.RaftAddr(), "http": all[0].url, "admin": leader.lb.Placement().Balancers[0].Admin} {
		text := leader.api(http.MethodPost, "/balancers/lb-3/move", map[string]string{field: at}, http.StatusConflict, nil)
		if !strings.Contains(string(text), "lb-1 has "+at) {
			t.Errorf("%s: %s", field, text)
		}
	}
	if now := leader.lb.Placement().Balancers; !slices.Equal(now, before) {
		t.Errorf("balancers %+v, they were %+v", now, before)
	}
}

// A second balancer of a living one's name, with an empty disk and the same line in peers, is
// not let in: the one that serves keeps its vote.
func TestASecondOneOfALivingBalancersNameIsRefused(t *testing.T) {
	all := threeBalancers(t, func(*Config) {})
	until(t, "three vote", func() bool { return len(all[0].lb.Placement().Balancers) == 3 && len(all[0].lb.node.Voters()) == 3 })
	var log lines
	logger := zerolog.New(&log)
	second := newStage(t, stageOptions{log: &logger, config: func(c *Config) {
		c.Name, c.Peers, c.raft.Listener = "lb-2", all[1].lb.cfg.Peers, listen(t)
		c.raft.Heartbeat, c.raft.Election, c.raft.Lease = 400*time.Millisecond, 400*time.Millisecond, 300*time.Millisecond
	}})
	until(t, "it is told", func() bool {
		told := log.of("the cluster can't be joined yet; trying again")
		return len(told) > 0 && strings.Contains(fmt.Sprint(told[0]["error"]), "another balancer named lb-2 serves at")
	})
	if len(all[0].lb.node.Voters()) != 3 || !second.lb.node.Fresh() {
		t.Errorf("voters %v; the second one waits: %v", all[0].lb.node.Voters(), second.lb.node.Fresh())
	}
}
