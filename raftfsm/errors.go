package raftfsm

import (
	"errors"
	"fmt"

	"tandem/internal/wire"
)

// Errors of proposing.
var (
	ErrNotLeader = errors.New("not the leader")
	ErrUnsure    = errors.New("no answer from a majority: the command may still become true")
	ErrClosed    = errors.New("the node is closed")
)

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
