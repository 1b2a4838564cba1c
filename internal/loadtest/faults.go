package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// Faults that a bench does to an edge's process; all others a proxy does to its
// answers.
const (
	faultKill = "kill" // SIGKILL; its command line is run again
	faultStop = "stop" // SIGSTOP: it accepts, and nothing moves; SIGCONT
	faultTerm = "term" // SIGTERM; its command line is run again
)

// Failure is one thing that was done to an edge.
type Failure struct {
	Edge   string        `json:"edge"`
	Kind   string        `json:"kind"`
	At     time.Duration `json:"at_ns"`            // since the bench began
	Back   time.Duration `json:"back_ns"`          // from the fault until it was up again, 0: not within the run
	Struck int           `json:"struck,omitempty"` // answers that began at the proxy under the fault
	Error  string        `json:"error,omitempty"`
}

// OfProcess tells whether it was done to the edge's process, not to its answers.
func (x Failure) OfProcess() bool { return ofProcess(x.Kind) }

// faults fails edges in turn and keeps what was done. A nil one did nothing.
type faults struct {
	kind    string
	down    time.Duration
	cluster *cluster.Cluster

	mu   sync.Mutex
	done []Failure // guarded by mu
	text string    // guarded by mu; what goes on now
}

// run fails one edge after the other; each is back and up before the next one
// fails, since one death at a time is what the promise covers. An edge that is
// away when ctx ends is brought back all the same.
func (f *faults) run(ctx context.Context, edges []string, length time.Duration) {
	began := time.Now()
	if !sleep(ctx, min(5*time.Second, length/6)) {
		return
	}
	for _, name := range edges {
		x := Failure{Edge: name, Kind: f.kind, At: time.Since(began)}
		f.say(name + " " + f.kind)
		err := f.fail(ctx, name)
		if err == nil {
			sleep(ctx, f.down)
			f.say(name + " comes back")
			x.Struck, err = f.restore(ctx, name)
		}
		if err == nil {
			if f.awaitUp(ctx, name) {
				x.Back = time.Since(began) - x.At
			}
		} else {
			x.Error = err.Error()
		}
		f.mu.Lock()
		f.done, f.text = append(f.done, x), ""
		f.mu.Unlock()
		if !sleep(ctx, 2*time.Second) {
			return
		}
	}
}

func (f *faults) fail(ctx context.Context, name string) error {
	switch f.kind {
	case faultKill:
		return f.cluster.Kill(name)
	case faultTerm:
		return f.cluster.Terminate(name)
	case faultStop:
		return f.cluster.Stop(name)
	default:
		return f.arm(ctx, name)
	}
}

// restore undoes what fail did, and tells how many answers a proxy struck.
func (f *faults) restore(ctx context.Context, name string) (struck int, err error) {
	switch {
	case !ofProcess(f.kind):
		return f.disarm(ctx, name)
	case f.kind == faultStop:
		return 0, f.cluster.Cont(name)
	}
	n, err := f.cluster.Node(name)
	if err != nil || n.Running() {
		return 0, err // a demo with --restart-after was first
	}
	return 0, f.cluster.Restart(name)
}

// awaitUp waits until a balancer shows the edge as up.
func (f *faults) awaitUp(ctx context.Context, name string) bool {
	for sleep(ctx, 50*time.Millisecond) {
		var edges []wire.EdgeStatus
		if f.cluster.Ask(ctx, http.MethodGet, "/api/v1/edges", nil, &edges) != nil {
			continue
		}
		for _, e := range edges {
			if e.Name == name && e.State == wire.EdgeUp {
				return true
			}
		}
	}
	return false
}

func (f *faults) say(text string) {
	f.mu.Lock()
	f.text = text
	f.mu.Unlock()
}

// now says what goes on.
func (f *faults) now() string {
	if f == nil {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

func (f *faults) list() []Failure {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Failure{}, f.done...)
}

// err is set when a fault could not be done: then the run shows nothing.
func (f *faults) err() error {
	list := f.list()
	if f != nil && len(list) == 0 {
		return errors.New("no edge was failed; --for was too short")
	}
	for _, x := range list {
		if x.Error != "" {
			return fmt.Errorf("%s %s: %s", x.Kind, x.Edge, x.Error)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
