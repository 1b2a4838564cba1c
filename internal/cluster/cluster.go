package cluster

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Cluster is a running cluster that is known from its cluster.json. Its methods
// may be called from many goroutines.
type Cluster struct {
	path     string
	lifeline *os.File // reading end for nodes that are restarted here; nil: they stay alone

	mu   sync.Mutex
	file *File     // guarded by mu
	asks *Operator // guarded by mu; nil until somebody is asked
	wg   sync.WaitGroup
}

// Attach reads the cluster.json of a running cluster.
func Attach(path string) (*Cluster, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	return &Cluster{path: path, file: f}, nil
}

// File is what cluster.json says now; a copy.
func (c *Cluster) File() File {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := *c.file
	f.Nodes = append([]Node{}, c.file.Nodes...)
	return f
}

// operator asks its nodes.
func (c *Cluster) operator() (*Operator, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.asks == nil {
		c.asks, err = NewOperator(c.file.CA)
	}
	return c.asks, err
}

// Node returns one node, with the process id it has now.
func (c *Cluster) Node(name string) (Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The demo may have brought a node back, under another process id.
	if f, err := Read(c.path); err == nil {
		c.file = f
	}
	n := c.file.Node(name)
	if n == nil {
		return Node{}, fmt.Errorf("there is no node %q in %s", name, c.path)
	}
	if !n.Running() { // one that was upgraded is another process of the same command line
		if others := n.Others(); len(others) == 1 {
			n.PID = others[0]
		}
	}
	return *n, nil
}

// Kill ends a node as a power cut does, and returns when its process is gone.
func (c *Cluster) Kill(name string) error {
	n, err := c.Node(name)
	if err != nil {
		return err
	}
	if err := n.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	return n.AwaitGone(10 * time.Second)
}

// Stop halts a node, and returns when it has: it accepts connections, and nothing moves.
func (c *Cluster) Stop(name string) error { return c.halt(name, syscall.SIGSTOP, true) }

// Cont lets a halted node go on.
func (c *Cluster) Cont(name string) error { return c.halt(name, syscall.SIGCONT, false) }

// endLimit is how long a node may take to end in order: its lame-duck and
// drain-time, and a little more.
const endLimit = 45 * time.Second

// Terminate asks a node to end, and returns when its process is gone.
func (c *Cluster) Terminate(name string) error {
	n, err := c.Node(name)
	if err != nil {
		return err
	}
	if err := n.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return n.AwaitGone(endLimit)
}

// halt sends the signal and waits until it has had its effect.
func (c *Cluster) halt(name string, sig syscall.Signal, halted bool) error {
	n, err := c.Node(name)
	if err != nil {
		return err
	}
	if err := n.Signal(sig); err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); n.Running() && n.Halted() != halted; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s: the signal has had no effect after 5 s", name)
		}
	}
	return nil
}

// Restart runs a dead node's command line again.
func (c *Cluster) Restart(name string) error { return c.RestartWith(name) }

// RestartWith is Restart, with more arguments this time.
func (c *Cluster) RestartWith(name string, more ...string) error {
	return c.restart(name, func(args []string) []string { return append(slices.Clip(args), more...) })
}

// RestartAs is Restart, this time as another build.
func (c *Cluster) RestartAs(name, binary string) error {
	return c.restart(name, func(args []string) []string { return append([]string{binary}, args[1:]...) })
}

func (c *Cluster) restart(name string, change func(args []string) []string) error {
	n, err := c.Node(name)
	if err != nil {
		return err
	}
	if n.Running() {
		return fmt.Errorf("%s runs already, as process %d", name, n.PID)
	}
	n.Args = change(n.Args)
	return c.start(n)
}

// AwaitReady waits until a node that was started says that it is ready.
func (c *Cluster) AwaitReady(ctx context.Context, name string, limit time.Duration) error {
	n, err := c.Node(name)
	if err != nil {
		return err
	}
	o, err := c.operator()
	if err != nil {
		return err
	}
	return n.AwaitReady(ctx, o, limit)
}

// start runs a node and enters it, or its new process id, into cluster.json.
func (c *Cluster) start(n Node) error {
	cmd, err := n.Start(c.lifeline)
	if err != nil {
		return err
	}
	c.wg.Go(func() { _ = cmd.Wait() })
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.file.Node(n.Name); known != nil {
		known.PID = n.PID
	} else {
		c.file.Nodes = append(c.file.Nodes, n)
	}
	return c.file.Write(c.path)
}

// Add starts a node that the cluster did not have and enters it.
func (c *Cluster) Add(n Node) error {
	if known, err := c.Node(n.Name); err == nil {
		return fmt.Errorf("there is a node %s already", known.Name)
	}
	return c.start(n)
}
