package main

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

// failure is one thing that was done to an edge.
type failure struct {
	Edge   string        `json:"edge"`
	Kind   string        `json:"kind"`
	At     time.Duration `json:"at_ns"`            // since the bench began
	Back   time.Duration `json:"back_ns"`          // from the fault until it was up again, 0: not within the run
	Struck int           `json:"struck,omitempty"` // answers that began at the proxy under the fault
	Error  string        `json:"error,omitempty"`
}

// faultLog fails edges in turn and keeps what was done. A nil one did nothing.
type faultLog struct {
	kind    string
	down    time.Duration
	cluster *cluster.Cluster

	mu   sync.Mutex
	done []failure // guarded by mu
	text string    // guarded by mu; what goes on now
}

// run fails one edge after the other; each is back and up before the next one
// fails, since one death at a time is what the promise covers. An edge that is
// away when ctx ends is brought back all the same.
func (l *faultLog) run(ctx context.Context, edges []string, length time.Duration) {
	began := time.Now()
	if !sleep(ctx, min(5*time.Second, length/6)) {
		return
	}
	for _, name := range edges {
		f := failure{Edge: name, Kind: l.kind, At: time.Since(began)}
		l.say(name + " " + l.kind)
		err := l.fail(ctx, name)
		if err == nil {
			sleep(ctx, l.down)
			l.say(name + " comes back")
			f.Struck, err = l.restore(ctx, name)
		}
		if err == nil {
			if l.awaitUp(ctx, name) {
				f.Back = time.Since(began) - f.At
			}
		} else {
			f.Error = oneLine(err)
		}
		l.mu.Lock()
		l.done, l.text = append(l.done, f), ""
		l.mu.Unlock()
		if !sleep(ctx, 2*time.Second) {
			return
		}
	}
}

func (l *faultLog) fail(ctx context.Context, name string) error {
	switch l.kind {
	case faultKill:
		return l.cluster.Kill(name)
	case faultTerm:
		return l.cluster.Terminate(name)
	case faultStop:
		return l.cluster.Stop(name)
	default:
		return l.arm(ctx, name)
	}
}

// restore undoes what fail did, and tells how many answers a proxy struck.
func (l *faultLog) restore(ctx context.Context, name string) (struck int, err error) {
	switch {
	case !ofProcess(l.kind):
		return l.disarm(ctx, name)
	case l.kind == faultStop:
		return 0, l.cluster.Cont(name)
	}
	n, err := l.cluster.Node(name)
	if err != nil || n.Running() {
		return 0, err // a demo with --restart-after was first
	}
	return 0, l.cluster.Restart(name)
}

// awaitUp waits until a balancer shows the edge as up.
func (l *faultLog) awaitUp(ctx context.Context, name string) bool {
	c := client{admin: joined(l.cluster)}
	for sleep(ctx, 50*time.Millisecond) {
		var edges []wire.EdgeStatus
		if c.call(ctx, http.MethodGet, "/api/v1/edges", nil, &edges) != nil {
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

func joined(c *cluster.Cluster) string {
	f := c.File()
	text := ""
	for i, admin := range f.Admins() {
		if i > 0 {
			text += ","
		}
		text += admin
	}
	return text
}

func (l *faultLog) say(text string) {
	l.mu.Lock()
	l.text = text
	l.mu.Unlock()
}

// now says what goes on.
func (l *faultLog) now() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

func (l *faultLog) list() []failure {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]failure{}, l.done...)
}

// err is set when a fault could not be done: then the run shows nothing.
func (l *faultLog) err() error {
	list := l.list()
	if l != nil && len(list) == 0 {
		return errors.New("no edge was failed; --for was too short")
	}
	for _, f := range list {
		if f.Error != "" {
			return fmt.Errorf("%s %s: %s", f.Kind, f.Edge, f.Error)
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
