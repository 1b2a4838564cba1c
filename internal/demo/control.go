package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/fault"
	"tandem/internal/serve"
)

// control takes orders for a demo's nodes: kill one, halt it, cut it off, bring it
// back. The balancers of the demo are told where it is, and pass the page's orders on;
// its address holds a secret, so that no other page and no other user of the machine
// can give any.
//
// Goroutines: one that serves; close returns when it has ended.
type control struct {
	ln     net.Listener
	path   string // "/SECRET"
	server *http.Server
	wg     sync.WaitGroup

	nodes   atomic.Pointer[processes] // nil until all are ready
	proxies *proxies                  // nil without Config.FaultProxies
}

// Acts are what can be done to a node.
const (
	ActKill  = "kill"  // as a power cut does
	ActHalt  = "stop"  // it accepts, and nothing moves
	ActCut   = "cut"   // its proxy refuses: with fault proxies only
	ActStart = "start" // whatever was done to it is undone
)

// NodeState is a node as the page shows it.
type NodeState struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	State string   `json:"state"` // up, halted, cut, dead
	Acts  []string `json:"acts"`  // what can be done to it now
}

// State is what a demo tells of itself.
type State struct {
	Nodes   []NodeState      `json:"nodes"`
	Viewers []string         `json:"viewers"`
	Streams []cluster.Stream `json:"streams"`
}

func openControl(p *proxies) (*control, error) {
	ln, err := serve.Listen("the demo's control", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	c := &control{ln: ln, path: "/" + hex.EncodeToString(secret), proxies: p}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+c.path+"/{$}", c.tell)
	mux.HandleFunc("POST "+c.path+"/nodes/{node}/{act}", c.order)
	c.server = &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	c.wg.Go(func() { _ = c.server.Serve(ln) }) // ends by close alone
	return c, nil
}

func (c *control) url() string { return serve.BaseURL(c.ln) + c.path }

func (c *control) close() {
	_ = c.server.Close()
	c.wg.Wait()
}

func (c *control) tell(w http.ResponseWriter, _ *http.Request) {
	nodes := c.nodes.Load()
	if nodes == nil {
		http.Error(w, "the demo is not up yet", http.StatusServiceUnavailable)
		return
	}
	nodes.reread()
	file := nodes.snapshot()
	s := State{Viewers: file.Viewers, Streams: file.Streams}
	for i := range file.Nodes {
		s.Nodes = append(s.Nodes, c.state(&file.Nodes[i]))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}

func (c *control) state(n *cluster.Node) NodeState {
	s := NodeState{Name: n.Name, Role: n.Role}
	switch {
	case !n.Running():
		s.State, s.Acts = "dead", []string{ActStart}
	case n.Halted():
		s.State, s.Acts = "halted", []string{ActStart, ActKill}
	case c.proxies.has(n.Name) && c.proxies.cut(n.Name):
		s.State, s.Acts = "cut", []string{ActStart, ActKill}
	default:
		s.State, s.Acts = "up", []string{ActKill, ActHalt}
		if c.proxies.has(n.Name) {
			s.Acts = append(s.Acts, ActCut)
		}
	}
	return s
}

func (c *control) order(w http.ResponseWriter, r *http.Request) {
	nodes := c.nodes.Load()
	if nodes == nil {
		http.Error(w, "the demo is not up yet", http.StatusServiceUnavailable)
		return
	}
	if err := c.do(r.Context(), nodes, r.PathValue("node"), r.PathValue("act")); err != nil {
		http.Error(w, strings.TrimSpace(err.Error()), http.StatusConflict)
		return
	}
	c.tell(w, r)
}

func (c *control) do(ctx context.Context, nodes *processes, name, act string) error {
	known, err := cluster.Attach(nodes.path)
	if err != nil {
		return err
	}
	switch act {
	case ActKill:
		return known.Kill(name)
	case ActHalt:
		return known.Stop(name)
	case ActCut:
		return c.proxies.set(name, fault.Fault{Kind: fault.Refuse})
	case ActStart:
		n, err := known.Node(name)
		if err != nil {
			return err
		}
		if c.proxies.has(name) {
			if err := c.proxies.set(name, fault.Fault{Kind: fault.None}); err != nil {
				return err
			}
		}
		if n.Running() {
			return known.Cont(name)
		}
		return nodes.bringBack(ctx, name)
	default:
		return fmt.Errorf("%q can't be done to a node: %s, %s, %s or %s", act, ActKill, ActHalt, ActCut, ActStart)
	}
}
