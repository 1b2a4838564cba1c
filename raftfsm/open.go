package raftfsm

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"

	"tandem/raftfsm/transport"

	"github.com/hashicorp/raft"
)

// Open starts a node on its directory. It returns when the state is restored,
// not when there is a leader (WaitLeader).
func Open(given Config) (*Node, error) {
	c, err := given.complete()
	if err != nil {
		return nil, errors.Join(err, closeListener(given.Listener))
	}
	n := newNode(c)
	if err := n.open(); err != nil {
		close(n.done)
		_ = n.closeParts()
		return nil, fmt.Errorf("balancer %s: %w", c.Name, err)
	}
	n.loops.Go(n.leadership.watch)
	n.loops.Go(n.keepApplied)
	return n, nil
}

func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

func (n *Node) open() error {
	if n.listener == nil {
		bind := n.config.Bind
		if bind == "" {
			bind = n.config.advertised()
		}
		if bind == "" {
			bind = "127.0.0.1:0"
		}
		l, err := net.Listen("tcp", bind)
		if err != nil {
			return portTaken(bind, err)
		}
		n.listener = l
	}
	if err := n.disk.open(n.lines); err != nil {
		return err
	}
	era, err := n.disk.era()
	if err != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, err)
	}
	n.transport, err = transport.Listen(transport.Options{
		Listener: n.listener, Advertise: n.config.advertised(), Name: n.config.Name, Key: n.config.Secret.Key("raft"), Identity: n.config.Identity, Era: era,
		Lines: n.lines, Now: n.config.Now, Refuses: n.hold.refuses, Leads: n.voters.leadsFor, Done: n.done,
	})
	if err != nil {
		return err
	}
	rc := n.config.ofRaft(n.lines)
	if err := n.recoverAlone(rc); err != nil {
		return err
	}
	if err := n.bootstrap(rc); err != nil {
		return err
	}
	n.showLast()
	return n.startRaft(rc)
}

// bootstrap writes the first list of voters, or lets a node with an empty disk
// wait. Every one of the first voters writes the same, so nobody has to be first.
func (n *Node) bootstrap(rc *raft.Config) error {
	old, err := raft.HasExistingState(n.disk, n.disk, n.disk.snapshots)
	if err != nil || old {
		return err
	}
	if n.config.Hold || n.disk.emptied() {
		n.hold.state.Store(waiting)
		return nil
	}
	list, err := n.firstVoters(n.config.Peers)
	if err != nil || len(list.Servers) == 0 {
		return err
	}
	if err := raft.BootstrapCluster(rc, n.disk, n.disk, n.disk.snapshots, n.transport, list); err != nil {
		return fmt.Errorf("the list of first voters: %w", err)
	}
	return nil
}

func (n *Node) startRaft(rc *raft.Config) (err error) {
	defer damaged(filepath.Join(n.config.Dir, logFile), &err)()
	n.raft, err = raft.NewRaft(rc, n.fsm, n.disk, n.disk, n.disk.snapshots, n.transport)
	if err != nil && n.fsm.failure != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, n.fsm.failure)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.config.Dir, err)
	}
	n.running.Store(n.raft)
	return nil
}

// portTaken says in one line what a failed listen means.
func portTaken(bind string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("raft address %s is in use by another process: %w", bind, err)
	}
	return fmt.Errorf("raft address %s: %w", bind, err)
}
