package raftfsm

import (
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// fsm carries the state through Raft, which calls it from one goroutine.
type fsm struct {
	state    *placement.State                    // owned by Raft's applying goroutine
	publish  func(*placement.View, []wire.Event) // lets others see it
	counters *counters
	applied  atomic.Uint64 // index of the command that was published last; Raft's own may be behind
	failure  error         // of the last restore before the node was open
}

func (f *fsm) Apply(log *raft.Log) any {
	result := f.state.Apply(log.Index, log.Data)
	f.counters.applied(result)
	events := result.Events
	if result.Again { // they were published the first time
		events = nil
	}
	f.applied.Store(log.Index)
	f.publish(f.state.View(), events)
	return result
}

func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return snapshot{f.state.Image()}, nil }

func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	state, err := placement.ReadState(r)
	if err != nil {
		f.failure = err
		return err
	}
	f.state, f.failure = state, nil
	f.publish(state.View(), nil)
	return nil
}

// snapshot is a state on its way to the disk.
type snapshot struct{ image placement.Image }

// Persist writes it while commands go on.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := s.image.WriteTo(sink); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release has nothing to do: it holds no lock and no file.
func (snapshot) Release() {}

var (
	_ raft.FSM         = (*fsm)(nil)
	_ raft.FSMSnapshot = snapshot{}
)
