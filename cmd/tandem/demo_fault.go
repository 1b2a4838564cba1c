package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"tandem/internal/fault"
)

// maxOrder is the longest order that a saboteur reads, in bytes.
const maxOrder = 256

// saboteur has a faulty stretch of network before each edge of a demo, and one
// address at which people say what is to happen there. It lives in the demo's
// process: an edge that is killed and comes back finds it as it was.
//
// Goroutines: one that serves the orders, and those of each proxy; close returns
// when all have ended.
type saboteur struct {
	ln     net.Listener
	server *http.Server
	wg     sync.WaitGroup

	mu     sync.Mutex
	stands map[string]*stand // by edge; guarded by mu
}

// stand is the proxy before one edge.
type stand struct {
	proxy *fault.Proxy
	text  string // the order in force
}

// standState is what an order, and a look, is answered with.
type standState struct {
	Edge    string `json:"edge"`
	Fault   string `json:"fault"`
	Struck  int    `json:"struck"`  // answers that began under the order, those between nodes too
	Answers int    `json:"answers"` // that passed or were struck, since the demo's start
}

// openSaboteur takes orders on a free port of 127.0.0.1.
func openSaboteur() (*saboteur, error) {
	ln, err := open("--fault-proxies", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &saboteur{ln: ln, stands: map[string]*stand{}}
	s.server = &http.Server{Handler: s, ReadTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	s.wg.Go(func() { _ = s.server.Serve(ln) }) // ends by close alone
	return s, nil
}

// stand puts a proxy before an edge and returns the proxy's address.
func (s *saboteur) stand(edge, listen string) (string, error) {
	proxy, err := fault.Open(listen)
	if err != nil {
		return "", fmt.Errorf("--fault-proxies: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stands[edge] = &stand{proxy: proxy, text: string(fault.None)}
	return proxy.Addr(), nil
}

// orders is the URL at which the faults of an edge are ordered.
func (s *saboteur) orders(edge string) string { return baseURL(s.ln) + "/" + edge }

// ServeHTTP takes an order (POST, its body is the fault) or tells what is in
// force (GET).
func (s *saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	text, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
	if err != nil {
		return // who ordered is gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stands[name]
	if st == nil {
		http.Error(w, "there is no edge of that name; cluster.json has the URLs", http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if status, err := st.order(strings.TrimSpace(string(text))); err != nil {
			http.Error(w, oneLine(err), status)
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "GET tells, POST orders", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(standState{Edge: name, Fault: st.text, Struck: st.proxy.Struck(), Answers: st.proxy.Answers()})
}

// order changes what the proxy does; an error comes with its status.
func (st *stand) order(text string) (status int, err error) {
	f, err := proxyFault(text)
	if err != nil {
		return http.StatusBadRequest, err
	}
	if err := st.proxy.Set(f); err != nil {
		return http.StatusInternalServerError, err
	}
	st.text = text
	return http.StatusOK, nil
}

// close ends everything, and with it every connection to an edge.
func (s *saboteur) close() {
	_ = s.server.Close()
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stands {
		_ = st.proxy.Close()
	}
}

// kindReset is what people call the kind that package fault calls kill; beside
// it, to a bench, kill is what happens to a process.
const kindReset = "reset"

// proxyFault reads a fault that a proxy can do.
func proxyFault(text string) (fault.Fault, error) {
	spec := text
	if rest, ok := strings.CutPrefix(text, kindReset); ok {
		spec = string(fault.Kill) + rest
	}
	f, err := fault.Parse(spec)
	if err != nil {
		// Parse's own words name the kind, the byte or the number; this says all.
		return f, fmt.Errorf("%w: %q; write KIND, KIND@BYTE or KIND@BYTExTIMES; the kinds are %s", fault.ErrFault, text, proxyKinds())
	}
	return f, nil
}

// proxyKinds lists the kinds that a proxy knows.
func proxyKinds() string {
	names := []string{string(fault.None), kindReset}
	for _, k := range fault.Kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
