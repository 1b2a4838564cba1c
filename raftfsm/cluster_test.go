package raftfsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

const testSecret = "a secret for the tests only"

func secretOf(t testing.TB, text string) wire.Secret {
	t.Helper()
	s, err := wire.NewSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cluster is some nodes of this process, each on a directory of its own.
type cluster struct {
	t      testing.TB
	dir    string
	peers  []wire.Balancer
	nodes  map[string]*Node
	adjust func(*Config) // of each node, before it is opened; nil: as it is
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newCluster(t testing.TB, n int) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), nodes: map[string]*Node{}}
	c.open(n)
	return c
}

// open starts n nodes that know of each other; they are closed when the test ends.
func (c *cluster) open(n int) {
	c.t.Helper()
	listeners := make([]net.Listener, n)
	for i := range n {
		listeners[i] = listen(c.t)
		c.peers = append(c.peers, wire.Balancer{Name: fmt.Sprintf("lb-%d", i+1), Raft: listeners[i].Addr().String()})
	}
	c.t.Cleanup(c.close)
	for i, p := range c.peers {
		c.start(p.Name, listeners[i], c.peers)
	}
}

func (c *cluster) config(name string) Config {
	return Config{
		Name: name, Dir: filepath.Join(c.dir, name), Secret: secretOf(c.t, testSecret), Logger: zerolog.Nop(), noSync: true,
		Heartbeat: 250 * time.Millisecond, Election: 250 * time.Millisecond, Lease: 200 * time.Millisecond,
	}
}

func (c *cluster) start(name string, l net.Listener, peers []wire.Balancer) *Node {
	c.t.Helper()
	config := c.config(name)
	config.Listener, config.Peers = l, peers
	if c.adjust != nil {
		c.adjust(&config)
	}
	n, err := Open(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name] = n
	return n
}

// restart opens a node again where it was.
func (c *cluster) restart(name string) *Node {
	c.t.Helper()
	for _, p := range c.peers {
		if p.Name != name {
			continue
		}
		l, err := net.Listen("tcp", p.Raft)
		if err != nil {
			c.t.Fatal(err)
		}
		return c.start(name, l, c.peers)
	}
	c.t.Fatal(name)
	return nil
}

// kill stops a node like a process that dies: nothing is handed over.
func (c *cluster) kill(name string) {
	n := c.nodes[name]
	delete(c.nodes, name)
	n.releasing.Do(func() { n.released = n.halt() })
	if err := n.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *cluster) close() {
	for _, n := range c.nodes {
		if err := n.Check(); err != nil {
			c.t.Errorf("%s: %v", n.Name(), err)
		}
	}
	for _, n := range c.nodes {
		if err := n.Close(); err != nil {
			c.t.Errorf("%s: %v", n.Name(), err)
		}
	}
}

func (c *cluster) any() *Node {
	for _, p := range c.peers {
		if n := c.nodes[p.Name]; n != nil {
			return n
		}
	}
	return nil
}

// propose goes to whoever leads, as lb does it, until there is an answer.
func (c *cluster) propose(ctx context.Context, command placement.Command) (placement.Result, error) {
	if command.ID == "" {
		command.ID = NewID()
	}
	for {
		changed := c.any().LeaderWatch()
		for _, p := range c.peers {
			n := c.nodes[p.Name]
			if n == nil || !n.IsLeader() {
				continue
			}
			r, err := n.Propose(ctx, command)
			if err == nil || !errors.Is(err, ErrNotLeader) && !errors.Is(err, ErrUnsure) && !errors.Is(err, ErrClosed) {
				return r, err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return placement.Result{}, ctx.Err()
		case <-time.After(20 * time.Millisecond): // the leader knows of itself before others do
		}
	}
}

func (c *cluster) must(command placement.Command) placement.Result {
	c.t.Helper()
	r, err := c.propose(patient(c.t), command)
	if err != nil || r.Err != "" {
		c.t.Fatalf("%s: %+v %v", command.Kind, r, err)
	}
	return r
}

// up is an edge that registers.
func up(name string, incarnation uint64) placement.Command {
	return placement.Command{Kind: placement.EdgeUp, Edge: &wire.Edge{
		Name: name, HTTP: "http://" + name, Admin: "http://admin." + name, Capacity: 8, Incarnation: incarnation,
	}}
}

// text is a placement without its version.
func text(t testing.TB, p *wire.Placement) string {
	t.Helper()
	cp := *p
	cp.Version = 0
	b, err := json.Marshal(&cp)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// same waits until every node has that version, and compares them to the byte.
func (c *cluster) same(version uint64) {
	c.t.Helper()
	want := ""
	for _, p := range c.nodes {
		got, err := p.WaitVersion(patient(c.t), version)
		if err != nil {
			c.t.Fatalf("%s: %v", p.Name(), err)
		}
		if want == "" {
			want = text(c.t, got)
		}
		if have := text(c.t, got); have != want {
			c.t.Fatalf("%s has another placement:\n%s\n%s", p.Name(), have, want)
		}
	}
}

// leader is who leads now; followers is everybody else.
func (c *cluster) leader() *Node {
	c.t.Helper()
	for {
		changed := c.any().LeaderWatch()
		for _, n := range c.nodes {
			if n.IsLeader() {
				return n
			}
		}
		select {
		case <-changed:
		case <-patient(c.t).Done():
			c.t.Fatal("nobody leads")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// patient is the time after which a test has hung.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
