package raftfsm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tandem/raftfsm/placement"

	"github.com/hashicorp/raft"
)

// NewID draws an ID for a command.
func NewID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process first
	return hex.EncodeToString(b[:])
}

// Propose makes a command true, at the leader. When it returns without an error
// the command is in the placement of this node (Result says what it did; it may
// have been refused). Errors: ErrNotLeader (a *NotLeaderError; nothing
// happened), ErrUnsure (it may become true: propose it again with the same ID),
// ErrMalformed, ErrClosed.
func (n *Node) Propose(ctx context.Context, c placement.Command) (placement.Result, error) {
	n.renewal.RLock()
	defer n.renewal.RUnlock()
	if c.At == 0 {
		c.At = n.config.Now().UnixMilli()
	}
	c = n.view().Complete(c)
	b, err := c.Encode()
	if err != nil {
		return placement.Result{}, err
	}
	var future raft.ApplyFuture
	err = n.ask(ctx, func() raft.Future {
		future = committing{n.raft.Apply(b, timeout(ctx)), n}
		return future
	})
	if err != nil {
		return placement.Result{}, err
	}
	n.counters.committed.Add(1)
	n.renewal.told.Store(&c.Seen.Digest)
	result, ok := future.Response().(placement.Result)
	if !ok {
		return placement.Result{}, fmt.Errorf("%w: %v", ErrUnsure, future.Response())
	}
	return result, nil
}

// Try tells what a command would do if it were carried out now: whether anything changed, or why it
// would be refused. Nothing is.
func (n *Node) Try(c placement.Command) (changed bool, err error) { return n.view().Try(c) }

// committing tells of what a command has done when it is committed, whether or not
// its proposer still waits. Only one node does: a command that is appended by one
// leader and committed by the next one is told by neither.
type committing struct {
	raft.ApplyFuture
	node *Node
}

// Error is asked once, by the goroutine that waits for Raft's answer.
func (f committing) Error() error {
	err := f.ApplyFuture.Error()
	if err != nil {
		return err
	}
	if result, ok := f.Response().(placement.Result); ok && !result.Again {
		for _, e := range result.Events {
			f.node.config.Committed(e)
		}
	}
	return nil
}

// Barrier waits until everything that was committed before is in the placement
// of this node, which has to lead.
func (n *Node) Barrier(ctx context.Context) error {
	return n.ask(ctx, func() raft.Future { return n.raft.Barrier(timeout(ctx)) })
}

// timeout is how long a request may wait for its turn.
func timeout(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return max(time.Until(at), time.Millisecond)
	}
	return 0
}

// ask waits for Raft's answer no longer than ctx. The goroutine ends when Raft
// has answered, which it does at the latest when the node is closed.
func (n *Node) ask(ctx context.Context, begin func() raft.Future) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-n.done:
		return ErrClosed
	default:
	}
	if n.raft.State() != raft.Leader {
		return n.notLeader()
	}
	answered := make(chan error, 1)
	go func() { answered <- begin().Error() }()
	select {
	case err := <-answered:
		return n.outcome(err)
	case <-ctx.Done():
		n.counters.unsure.Add(1)
		return fmt.Errorf("%w: %w", ErrUnsure, ctx.Err())
	}
}

// outcome says in our words what became of a request.
func (n *Node) outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return n.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrAbortedByRestore), errors.Is(err, raft.ErrRaftShutdown), errors.Is(err, raft.ErrEnqueueTimeout):
		n.counters.unsure.Add(1)
		return fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return err
}
