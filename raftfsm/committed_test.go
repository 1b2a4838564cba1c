package raftfsm

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Of three nodes the one that commits a command tells of it, once: not again when the
// same command comes again, and not when a node has started and applies its log anew.
func TestAnEventIsToldOnceByTheNodeThatCommitsIt(t *testing.T) {
	var mu sync.Mutex
	var told []string
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	c.adjust = func(config *Config) {
		name := config.Name
		config.Heartbeat, config.Election, config.Lease = 500*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond // one leader until it is killed
		config.Committed = func(e wire.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind != "leader" {
				told = append(told, name+" "+e.Kind+" "+e.Edge)
			} else if e.Text != name+" leads the balancers." {
				t.Errorf("%s tells that %s", name, e.Text)
			}
		}
	}
	c.open(3)
	first := up("e1", 1)
	first.ID = "first"
	c.must(first)
	by := c.leader().Name()
	if r := c.must(first); !r.Again {
		t.Fatalf("%+v", r)
	}
	c.must(placement.Command{Kind: placement.EdgeDown, Name: "e1", Incarnation: 1, Cause: "refused"})
	version := c.must(up("e2", 1)).Version
	c.same(version)
	c.kill(by)
	c.restart(by)
	c.same(c.must(placement.Command{Kind: placement.Configure, Admission: "pair"}).Version)
	mu.Lock()
	defer mu.Unlock()
	if want := fmt.Sprintf("[%s edge_up e1 %s edge_down e1 %s edge_up e2", by, by, by); len(told) != 4 || fmt.Sprint(told[:3]) != want+"]" {
		t.Fatalf("%q, want %s and one more", told, want)
	}
}
