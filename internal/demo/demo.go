package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tandem/internal/cluster"
)

// Demo is a cluster that runs.
type Demo struct {
	cfg       Config
	proxies   *proxies // nil without Config.FaultProxies
	processes *processes
	control   *control
	remove    func() // the directory, if it is a temporary one
}

// Open starts every node and returns when all are ready. When ctx ends before,
// nothing is left.
func Open(ctx context.Context, cfg Config) (*Demo, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Demo{cfg: cfg}
	if err := d.open(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Demo) open(ctx context.Context) (err error) {
	if d.remove, err = directory(&d.cfg); err != nil {
		return err
	}
	if d.cfg.FaultProxies {
		if d.proxies, err = openProxies(); err != nil {
			return err
		}
	}
	if d.control, err = openControl(d.proxies); err != nil {
		return err
	}
	file, err := plan(&d.cfg, d.proxies, d.control.url())
	if err != nil {
		return err
	}
	_ = os.Remove(d.Path()) // an old one would look like a cluster that is ready
	if d.processes, err = start(file, d.Path(), d.cfg.RestartAfter); err != nil {
		return err
	}
	if err := d.processes.ready(ctx, d.cfg.Edges); err != nil {
		return fmt.Errorf("%w; the nodes' logs are in %s", err, d.cfg.Dir)
	}
	if err := d.processes.publish(); err != nil {
		return err
	}
	d.control.nodes.Store(d.processes)
	return nil
}

// Path is where cluster.json is.
func (d *Demo) Path() string { return filepath.Join(d.cfg.Dir, "cluster.json") }

// File is what cluster.json says now; a copy.
func (d *Demo) File() cluster.File { return d.processes.snapshot() }

// Watch tells of nodes that die and brings them back if asked, until ctx ends.
func (d *Demo) Watch(ctx context.Context, tell func(line string)) { d.processes.watch(ctx, tell) }

// Close ends every node. The proxies go after the edges behind them, and the
// directory after all that write to it.
func (d *Demo) Close() {
	if d.control != nil {
		d.control.close()
	}
	if d.processes != nil {
		d.processes.end()
	}
	if d.proxies != nil {
		d.proxies.close()
	}
	if d.remove != nil {
		d.remove()
	}
}

// directory makes the demo's directory and returns what removes it at the end if
// it is a temporary one.
func directory(c *Config) (remove func(), err error) {
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "tandem-demo-"); err != nil {
			return nil, fmt.Errorf("--dir: %w", err)
		}
		return func() { _ = os.RemoveAll(c.Dir) }, nil
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	return func() {}, nil
}
