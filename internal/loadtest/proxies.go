package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/fault"
	"tandem/internal/setting"
)

// faultLink is a cable that is cut: nothing is refused, nothing comes.
const faultLink = "link"

// disarmTries: the port that a proxy opens again may be in the way of an
// outgoing connection for a moment.
const disarmTries = 20

const (
	proxyLimit = 5 * time.Second // for one proxy's answer
	maxAnswer  = 64 << 10
)

// ofProcess tells whether a fault is done to an edge's process.
func ofProcess(kind string) bool {
	return kind == faultKill || kind == faultStop || kind == faultTerm
}

// checkFault says what is wrong with a --fault, whatever the cluster is.
func checkFault(text string) error {
	if text == "" || ofProcess(text) {
		return nil
	}
	if text == faultLink || strings.HasPrefix(text, faultLink+"@") {
		return setting.Usage("--fault link: a cable can be cut only between network namespaces, which make trial sets up; no proxy of a demo can do it")
	}
	f, err := fault.Parse(text)
	if err != nil {
		return setting.Usage("--fault: %w; or kill, stop, term, for the edge's process", err)
	}
	if f.Kind == fault.None {
		return setting.Usage("--fault none shows nothing; leave --fault away")
	}
	return nil
}

// proxied tells whether there is a proxy before every edge of a cluster.
func proxied(f *cluster.File) bool {
	edges := f.Names(cluster.RoleEdge)
	for _, name := range edges {
		if f.Node(name).Fault == "" {
			return false
		}
	}
	return len(edges) > 0
}

// advertised is where others reach an edge: through its proxy if it has one.
func advertised(n *cluster.Node) string {
	for i, arg := range n.Args[:max(len(n.Args)-1, 0)] {
		if arg == "--advertise" {
			return n.Args[i+1]
		}
	}
	return n.HTTP
}

// arm orders the fault at the edge's proxy.
func (f *faults) arm(ctx context.Context, name string) error {
	_, err := f.order(ctx, name, http.MethodPost, f.kind)
	return err
}

// disarm ends the fault, also when the run is over, and tells how often it struck.
func (f *faults) disarm(ctx context.Context, name string) (struck int, err error) {
	ctx = context.WithoutCancel(ctx)
	seen, err := f.order(ctx, name, http.MethodGet, "")
	if err != nil {
		return 0, err
	}
	for range disarmTries {
		if _, err = f.order(ctx, name, http.MethodPost, string(fault.None)); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err == nil && seen.Struck == 0 {
		err = errors.New("it struck no answer")
	}
	return seen.Struck, err
}

// order asks, or tells, the proxy before an edge.
func (f *faults) order(ctx context.Context, name, method, text string) (cluster.ProxyState, error) {
	var state cluster.ProxyState
	n, err := f.cluster.Node(name)
	if err != nil {
		return state, err
	}
	ctx, cancel := context.WithTimeout(ctx, proxyLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, n.Fault, strings.NewReader(text))
	if err != nil {
		return state, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return state, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return state, err
	}
	if resp.StatusCode != http.StatusOK {
		return state, fmt.Errorf("%s: %s", n.Fault, strings.TrimSpace(string(answer)))
	}
	return state, json.Unmarshal(answer, &state)
}
