package demo

import (
	"context"
	"errors"
	"fmt"
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

// backLimit is how long somebody who brings a node back waits for it to be ready.
const backLimit = 3 * time.Second

// processes is the processes of a demo.
type processes struct {
	path    string // of cluster.json
	restart time.Duration
	died    chan death
	asks    *cluster.Operator

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

// start starts every node of the file.
func start(file *cluster.File, path string, restart time.Duration) (*processes, error) {
	asks, err := cluster.NewOperator(file.CA)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &processes{
		path: path, restart: restart, died: make(chan death, 4*len(file.Nodes)), read: read, write: write, asks: asks,
		file: file, running: map[string]*exec.Cmd{},
	}
	for _, n := range file.Nodes {
		if err := p.run(n.Name); err != nil {
			p.end()
			return nil, err
		}
	}
	return p, nil
}

// run starts one node and waits for its end in a goroutine.
func (p *processes) run(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.file.Node(name)
	if n == nil || p.ending {
		return nil
	}
	cmd, err := n.Start(p.read)
	if err != nil {
		return err
	}
	p.running[name] = cmd
	p.wg.Go(func() {
		_ = cmd.Wait()
		p.mu.Lock()
		delete(p.running, name)
		ending := p.ending
		p.mu.Unlock()
		if ending {
			return
		}
		select {
		case p.died <- death{name, cmd.ProcessState.String()}:
		default: // nobody reads: the demo is not ready yet and looks at running
		}
	})
	return nil
}

// watch tells of deaths, and brings nodes back if asked, until ctx ends.
func (p *processes) watch(ctx context.Context, tell func(line string)) {
	back := make(chan string, cap(p.died))
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-p.died:
			line := fmt.Sprintf("%s is dead (%s)", d.name, d.how)
			if p.restart > 0 {
				line += fmt.Sprintf("; back in %s", p.restart)
				time.AfterFunc(p.restart, func() { back <- d.name })
			}
			tell(line)
		case name := <-back:
			if err := p.revive(name); err != nil {
				tell(fmt.Sprintf("%s does not start: %v", name, err))
				continue
			}
			tell(name + " is back")
		}
	}
}

// revive starts a node again, unless somebody did so by hand meanwhile.
func (p *processes) revive(name string) error {
	p.reread()
	p.mu.Lock()
	n := p.file.Node(name)
	running := n != nil && n.Running()
	p.mu.Unlock()
	if running {
		return nil
	}
	if err := p.run(name); err != nil {
		return err
	}
	return p.publish()
}

// bringBack is revive for one who waits for it: a process that ends at its start is an
// error, one that takes its time is not.
func (p *processes) bringBack(ctx context.Context, name string) error {
	if err := p.revive(name); err != nil {
		return err
	}
	n := p.node(name)
	if err := n.AwaitReady(ctx, p.asks, backLimit); errors.Is(err, cluster.ErrEnded) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// reread takes over what others entered into cluster.json: process ids of nodes
// that were started by hand, and nodes that were added.
func (p *processes) reread() {
	seen, err := cluster.Read(p.path)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file = seen
}

// publish writes cluster.json.
func (p *processes) publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file.Write(p.path)
}

func (p *processes) snapshot() cluster.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	file := *p.file
	file.Nodes = append([]cluster.Node{}, p.file.Nodes...)
	return file
}

// node is one node as it is known now; its zero value where there is none.
func (p *processes) node(name string) cluster.Node {
	file := p.snapshot()
	if n := file.Node(name); n != nil {
		return *n
	}
	return cluster.Node{}
}

// down names the children that do not run.
func (p *processes) down() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, n := range p.file.Nodes {
		if p.running[n.Name] == nil {
			names = append(names, n.Name)
		}
	}
	return names
}

// end ends every node: those that we started, and those of our command lines
// that somebody started again by hand. All at once, since nobody is left whom
// an order would help.
func (p *processes) end() {
	p.reread()
	p.mu.Lock()
	p.ending = true
	nodes := append([]cluster.Node{}, p.file.Nodes...)
	p.mu.Unlock()
	for i := range nodes {
		_ = nodes[i].Signal(syscall.SIGTERM)
		_ = nodes[i].Signal(syscall.SIGINT)  // the second signal: nobody is left who would be waited for
		_ = nodes[i].Signal(syscall.SIGCONT) // a stopped one could not hear them
	}
	limit := time.Now().Add(endTime)
	for i := range nodes {
		if nodes[i].AwaitGone(time.Until(limit)) != nil {
			_ = nodes[i].Signal(syscall.SIGKILL)
		}
	}
	p.mu.Lock()
	for _, cmd := range p.running {
		_ = cmd.Process.Kill()
	}
	p.mu.Unlock()
	p.write.Close()
	p.wg.Wait()
	p.read.Close()
}
