package raftfsm

import (
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tandem/internal/wire"
)

// view is what everybody but Raft's applying goroutine sees of the state. What
// it points to is never changed; changed is closed when the next view is there.
type view struct {
	placement *wire.Placement
	history   []wire.Event
	deaths    []wire.Receipt
	audited   []wire.Audited
	secrets   secrets
	tallies   tallies
	founding  bool
	answers   []answer
	digest    string // of placement
	differs   uint64 // State.Differs
	changed   chan struct{}
}

// fsm carries the state through Raft, which calls it from one goroutine.
type fsm struct {
	state    *State                     // owned by Raft's applying goroutine
	publish  func(*State, []wire.Event) // makes the next view
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
	f.publish(f.state, events)
	return result
}

func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return f.state.image(), nil }

func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	state, err := ReadState(r)
	if err != nil {
		f.failure = err
		return err
	}
	f.state, f.failure = state, nil
	f.publish(state, nil)
	return nil
}

// Persist writes a snapshot while commands go on.
func (im image) Persist(sink raft.SnapshotSink) error {
	if _, err := im.WriteTo(sink); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release has nothing to do: an image holds no lock and no file.
func (im image) Release() {}

var (
	_ raft.FSM         = (*fsm)(nil)
	_ raft.FSMSnapshot = image{}
)
