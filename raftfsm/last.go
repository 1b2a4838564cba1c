package raftfsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"tandem/raftfsm/placement"

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
		if now := max(n.raft.AppliedIndex(), n.fsm.applied.Load()); now > written && n.disk.Set(appliedKey, binary.BigEndian.AppendUint64(nil, now)) == nil {
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
	text, err := n.disk.Get(appliedKey)
	if err != nil || len(text) != 8 {
		return
	}
	if state, _, err := n.disk.upTo(binary.BigEndian.Uint64(text)); err == nil {
		n.publish(state.View(), nil)
	}
}

// upTo is the state by what is on the disk up to an index, and the term of its end.
func (d *disk) upTo(end uint64) (state *placement.State, term uint64, err error) {
	state, from := placement.NewState(), uint64(0)
	list, err := d.snapshots.List()
	if err != nil {
		return nil, 0, err
	}
	if len(list) > 0 {
		meta, r, err := d.snapshots.Open(list[0].ID)
		if err != nil {
			return nil, 0, err
		}
		state, err = placement.ReadState(r)
		_ = r.Close()
		if err != nil {
			return nil, 0, err
		}
		from, term = meta.Index, meta.Term
	}
	last, err := d.LastIndex()
	if err != nil {
		return nil, 0, err
	}
	for index := from + 1; index <= min(end, last); index++ {
		var entry raft.Log
		if err := d.GetLog(index, &entry); err != nil {
			return nil, 0, fmt.Errorf("entry %d: %w", index, err)
		}
		if term = entry.Term; entry.Type == raft.LogCommand {
			state.Apply(index, bytes.Clone(entry.Data))
		}
	}
	return state, term, nil
}
