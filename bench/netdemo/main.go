package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"tandem/bench/lab"
)

func main() {
	var err error
	if len(os.Args) == 3 && os.Args[1] == "control" {
		err = control(os.Args[2], os.Stdin, os.Stdout)
	} else {
		err = netdemo(os.Args[1:])
	}
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		os.Exit(ended.ExitCode()) // the command has said why
	case err != nil:
		fmt.Fprintln(os.Stderr, "netdemo:", err)
		os.Exit(1)
	}
}

// settings of a netdemo, from the command line.
type settings struct {
	binary, dir     string
	edges, capacity int
	command         []string
}

func netdemo(args []string) error {
	var s settings
	flags := flag.NewFlagSet("netdemo", flag.ContinueOnError)
	flags.StringVar(&s.binary, "tandem", "bin/tandem", "the tandem binary")
	flags.StringVar(&s.dir, "dir", "", "where the nodes keep what they keep; none: a temporary one")
	flags.IntVar(&s.edges, "edges", 4, "edges, 2 to 16")
	flags.IntVar(&s.capacity, "capacity", 100, "sessions an edge may deliver")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.command = flags.Args()
	if s.edges < 2 || s.edges > 16 {
		return fmt.Errorf("--edges: %d is not between 2 and 16", s.edges)
	}
	if os.Getuid() != 0 {
		return errors.New("network namespaces need root")
	}
	var err error
	if s.binary, err = filepath.Abs(s.binary); err != nil {
		return err
	}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "tandem-netdemo-"); err != nil {
			return err
		}
		defer os.RemoveAll(s.dir)
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return s.stand(ctx)
}

// stand raises the cluster, and takes it down when the command or ctx ends.
func (s settings) stand(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	l, err := lab.New(s.dir)
	if err != nil {
		return err
	}
	defer l.Close()
	l.Short = true
	c, err := s.raise(ctx, l)
	if err != nil {
		return fmt.Errorf("%w (logs: %s)", err, s.dir)
	}
	orders, err := c.obey(ctx, l)
	if err != nil {
		return err
	}
	defer orders.end()
	path := filepath.Join(s.dir, "cluster.json")
	if err := c.write(path); err != nil {
		return err
	}
	if len(s.command) == 0 {
		fmt.Println("ready:", path)
		<-ctx.Done()
		return nil
	}
	return s.run(ctx, l.Hosts["viewers"])
}

// run runs the command on the viewers' host. A signal to netdemo is one to it.
func (s settings) run(ctx context.Context, viewers *lab.Host) error {
	cmd := viewers.Command(ctx, s.command...)
	cmd.Dir = ""
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	return cmd.Run()
}
