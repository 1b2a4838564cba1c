package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"tandem/internal/cluster"
)

// endTime is how long nodes may take to end by themselves before they are
// killed; with it, a demo is gone within 3 s of Ctrl-C.
const endTime = 2200 * time.Millisecond

// fleet is the processes of a demo.
type fleet struct {
	path    string // of cluster.json
	restart time.Duration
	died    chan death

	read, write *os.File // the children's lifeline; we hold the writing end

	mu      sync.Mutex
	file    *cluster.File        // guarded by mu
	running map[string]*exec.Cmd // guarded by mu
	ending  bool                 // guarded by mu
	wg      sync.WaitGroup
}

// death is the end of one child.
type death struct {
	name string
	how  string
}

// raise starts every node of the file.
func raise(file *cluster.File, path string, restart time.Duration) (*fleet, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	f := &fleet{
		path: path, restart: restart, died: make(chan death, 4*len(file.Nodes)), read: read, write: write,
		file: file, running: map[string]*exec.Cmd{},
	}
	for _, n := range file.Nodes {
		if err := f.start(n.Name); err != nil {
			f.end()
			return nil, err
		}
	}
	return f, nil
}

// start runs one node and waits for its end in a goroutine.
func (f *fleet) start(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.file.Node(name)
	if n == nil || f.ending {
		return nil
	}
	cmd, err := n.Start(f.read)
	if err != nil {
		return err
	}
	f.running[name] = cmd
	f.wg.Go(func() {
		_ = cmd.Wait()
		f.mu.Lock()
		delete(f.running, name)
		ending := f.ending
		f.mu.Unlock()
		if ending {
			return
		}
		select {
		case f.died <- death{name, cmd.ProcessState.String()}:
		default: // nobody reads: the demo is not ready yet and looks at running
		}
	})
	return nil
}

// watch tells of deaths, and brings nodes back if asked, until ctx ends.
func (f *fleet) watch(ctx context.Context, out io.Writer) {
	back := make(chan string, cap(f.died))
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-f.died:
			fmt.Fprintf(out, "%s  %s is dead (%s)", time.Now().Format(time.TimeOnly), d.name, d.how)
			if f.restart > 0 {
				fmt.Fprintf(out, "; back in %s", f.restart)
				time.AfterFunc(f.restart, func() { back <- d.name })
			}
			fmt.Fprintln(out)
		case name := <-back:
			if err := f.revive(name); err != nil {
				fmt.Fprintf(out, "%s  %s does not start: %s\n", time.Now().Format(time.TimeOnly), name, oneLine(err))
				continue
			}
			fmt.Fprintf(out, "%s  %s is back\n", time.Now().Format(time.TimeOnly), name)
		}
	}
}

// revive starts a node again, unless somebody did so by hand meanwhile.
func (f *fleet) revive(name string) error {
	f.reread()
	f.mu.Lock()
	n := f.file.Node(name)
	running := n != nil && n.Running()
	f.mu.Unlock()
	if running {
		return nil
	}
	if err := f.start(name); err != nil {
		return err
	}
	return f.publish()
}

// reread takes over what others entered into cluster.json: process ids of nodes
// that were started by hand, and nodes that were added.
func (f *fleet) reread() {
	seen, err := cluster.Read(f.path)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file = seen
}

// publish writes cluster.json.
func (f *fleet) publish() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(f.path)
}

func (f *fleet) snapshot() cluster.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := *f.file
	file.Nodes = append([]cluster.Node{}, f.file.Nodes...)
	return file
}

// down names the children that do not run.
func (f *fleet) down() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, n := range f.file.Nodes {
		if f.running[n.Name] == nil {
			names = append(names, n.Name)
		}
	}
	return names
}

// end ends every node: those that we started, and those of our command lines
// that somebody started again by hand. All at once, since nobody is left whom
// an order would help.
func (f *fleet) end() {
	f.reread()
	f.mu.Lock()
	f.ending = true
	nodes := append([]cluster.Node{}, f.file.Nodes...)
	f.mu.Unlock()
	for i := range nodes {
		_ = nodes[i].Signal(syscall.SIGTERM)
		_ = nodes[i].Signal(syscall.SIGCONT) // a stopped one could not hear it
	}
	limit := time.Now().Add(endTime)
	for i := range nodes {
		if nodes[i].AwaitGone(time.Until(limit)) != nil {
			_ = nodes[i].Signal(syscall.SIGKILL)
		}
	}
	f.mu.Lock()
	for _, cmd := range f.running {
		_ = cmd.Process.Kill()
	}
	f.mu.Unlock()
	f.write.Close()
	f.wg.Wait()
	f.read.Close()
}
