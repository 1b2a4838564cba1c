package raftfsm

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/hashicorp/raft"
)

// A replica that has been started learns what is committed from a leader. Alone, or
// without a majority, there is none, and the placement that it had would be in its
// log and shown to nobody. So it writes down, now and then, up to where it has
// applied: all of that was committed, and is shown at once when it is opened again.
// What Raft applies is another copy, made by the log alone.

// appliedKey is where a log says up to where it was applied; appliedEvery is how
// often, at most, that is written.
var appliedKey = []byte("tandem applied")

const appliedEvery = 250 * time.Millisecond

// keepApplied writes down what was applied until Raft ends, and then once more.
func (n *Node) keepApplied() {
	tick := time.NewTicker(appliedEvery)
	defer tick.Stop()
	written := uint64(0)
	write := func() {
		if now := n.raft.AppliedIndex(); now > written && n.log.Set(appliedKey, binary.BigEndian.AppendUint64(nil, now)) == nil {
			written = now
		}
	}
	for {
		select {
		case <-tick.C:
			write()
		case <-n.done:
			write()
			return
		}
	}
}

// showLast shows the placement that this node had applied when it ended. What can't
// be read is Raft's to complain of.
func (n *Node) showLast() {
	state, from := NewState(), uint64(0)
	if list, err := n.snapshots.List(); err == nil && len(list) > 0 {
		meta, r, err := n.snapshots.Open(list[0].ID)
		if err != nil {
			return
		}
		state, err = ReadState(r)
		_ = r.Close()
		if err != nil {
			return
		}
		from = meta.Index
	}
	text, err := n.log.Get(appliedKey)
	if err != nil || len(text) != 8 {
		return
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return
	}
	for index := from + 1; index <= min(binary.BigEndian.Uint64(text), last); index++ {
		var entry raft.Log
		if n.log.GetLog(index, &entry) != nil {
			return
		}
		if entry.Type == raft.LogCommand {
			state.Apply(index, bytes.Clone(entry.Data))
		}
	}
	n.publish(state, nil)
}
