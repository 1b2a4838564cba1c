package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Raise starts the nodes of a file of the test's own making, without a demo: plan
// gets the binary and an empty directory. Everything is gone when the test ends.
func Raise(t TB, plan func(binary, dir string) *File) *Harness {
	t.Helper()
	dir, err := os.MkdirTemp("", "tandem-"+plainName(t.Name())+"-")
	if err != nil {
		t.Fatalf("%v", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	h := &Harness{t: t, Binary: Binary(t), Dir: dir, ended: make(chan struct{}), out: &bytes.Buffer{}, pipe: write}
	close(h.ended) // there is no demo
	f := plan(h.Binary, dir)
	h.Cluster = &Cluster{path: filepath.Join(dir, "cluster.json"), lifeline: read, file: f}
	t.Cleanup(h.close)
	for _, n := range append([]Node{}, f.Nodes...) {
		if err := h.start(n); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return h
}

// endNodes ends the nodes of a cluster that has no demo.
func (h *Harness) endNodes() {
	f := h.File()
	for i := range f.Nodes {
		_ = f.Nodes[i].Signal(syscall.SIGTERM)
		_ = f.Nodes[i].Signal(syscall.SIGINT) // the second signal: at once
	}
	limit := time.Now().Add(3 * time.Second)
	for i := range f.Nodes {
		if f.Nodes[i].AwaitGone(time.Until(limit)) != nil {
			_ = f.Nodes[i].Signal(syscall.SIGKILL)
		}
	}
}
