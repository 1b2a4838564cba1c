package raftfsm

import (
	"errors"
	"fmt"

	"tandem/internal/wire"
)

// Errors of opening a node.
var (
	ErrSnapshot        = errors.New("damaged snapshot")
	ErrSnapshotVersion = errors.New("foreign snapshot version")
)

// Errors of proposing.
var (
	ErrNotLeader = errors.New("not the leader")
	ErrUnsure    = errors.New("no answer from a majority: the command may still become true")
	ErrClosed    = errors.New("the node is closed")
)

// Errors of handshakes between nodes.
var ErrForeign = errors.New("the other side does not hold the cluster's secret")

// Errors of carrying out a command: why Result.Err is set.
var (
	ErrMalformed = errors.New("malformed command")
	ErrStale     = errors.New("stale")
	ErrUnknown   = errors.New("unknown")
	ErrRefused   = errors.New("refused")
	ErrLimit     = errors.New("limit reached")
	ErrWouldLose = errors.New("would leave sessions without an edge") // told by the leader, before anything is written
)

// ErrState is returned by Check for a state that breaks a truth of doc.go.
var ErrState = errors.New("broken state")

// codes name the errors of Apply in a Result, which crosses process boundaries
// and is part of snapshots.
var codes = []struct {
	code string
	err  error
}{
	{"malformed", ErrMalformed}, {"stale", ErrStale}, {"unknown", ErrUnknown}, {"refused", ErrRefused}, {"limit", ErrLimit}, {"would_lose", ErrWouldLose},
}

func codeOf(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return ""
}

// NotLeaderError is ErrNotLeader and says who leads.
type NotLeaderError struct {
	Leader wire.Balancer
	Known  bool
}

func (e *NotLeaderError) Error() string {
	if !e.Known {
		return "not the leader; nobody leads at the moment"
	}
	return fmt.Sprintf("not the leader; %s leads", e.Leader.Name)
}

// Is makes errors.Is(err, ErrNotLeader) true.
func (e *NotLeaderError) Is(target error) bool { return target == ErrNotLeader }
