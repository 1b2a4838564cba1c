package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/fault"
	"tandem/internal/serve"
)

// maxOrder is the longest order that is read, in bytes.
const maxOrder = 256

// proxies has a faulty stretch of network before each edge of a demo, and one
// address at which people say what is to happen there. It lives in the demo's
// process: an edge that is killed and comes back finds it as it was.
//
// Goroutines: one that serves the orders, and those of each proxy; close returns
// when all have ended.
type proxies struct {
	ln     net.Listener
	server *http.Server
	wg     sync.WaitGroup

	mu    sync.Mutex
	edges map[string]*proxy // by edge; guarded by mu
}

// proxy is the one before one edge.
type proxy struct {
	*fault.Proxy
	text string // the order in force
}

// openProxies takes orders on a free port of 127.0.0.1.
func openProxies() (*proxies, error) {
	ln, err := serve.Listen("--fault-proxies", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxies{ln: ln, edges: map[string]*proxy{}}
	p.server = &http.Server{Handler: p, ReadTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	p.wg.Go(func() { _ = p.server.Serve(ln) }) // ends by close alone
	return p, nil
}

// add puts a proxy before an edge and returns the proxy's address.
func (p *proxies) add(edge, listen string) (string, error) {
	one, err := fault.Open(listen)
	if err != nil {
		return "", fmt.Errorf("--fault-proxies: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edges[edge] = &proxy{Proxy: one, text: string(fault.None)}
	return one.Addr(), nil
}

// url is the one at which the faults of an edge are ordered.
func (p *proxies) url(edge string) string { return serve.BaseURL(p.ln) + "/" + edge }

// ServeHTTP takes an order (POST, its body is the fault) or tells what is in
// force (GET).
func (p *proxies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	text, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
	if err != nil {
		return // who ordered is gone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.edges[name]
	if x == nil {
		http.Error(w, "there is no edge of that name; cluster.json has the URLs", http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if status, err := x.order(strings.TrimSpace(string(text))); err != nil {
			http.Error(w, err.Error(), status)
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "GET tells, POST orders", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(cluster.ProxyState{Edge: name, Fault: x.text, Struck: x.Struck(), Answers: x.Answers()})
}

// has tells whether there is a proxy before an edge. A nil one has none.
func (p *proxies) has(edge string) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.edges[edge] != nil
}

// cut tells whether the proxy before an edge refuses.
func (p *proxies) cut(edge string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.edges[edge].text == string(fault.Refuse)
}

// set changes what the proxy before an edge does.
func (p *proxies) set(edge string, f fault.Fault) error {
	if !p.has(edge) {
		return fmt.Errorf("%s has no proxy: start the demo with --fault-proxies", edge)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.edges[edge]
	if err := x.Set(f); err != nil {
		return err
	}
	x.text = string(f.Kind)
	return nil
}

// order changes what the proxy does; an error comes with its status.
func (x *proxy) order(text string) (status int, err error) {
	f, err := fault.Parse(text)
	if err != nil {
		return http.StatusBadRequest, err
	}
	if err := x.Set(f); err != nil {
		return http.StatusInternalServerError, err
	}
	x.text = text
	return http.StatusOK, nil
}

// close ends everything, and with it every connection to an edge.
func (p *proxies) close() {
	_ = p.server.Close()
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.edges {
		_ = x.Close()
	}
}
