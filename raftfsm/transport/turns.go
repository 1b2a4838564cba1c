package transport

import (
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// turns keeps heartbeats from overtaking a leader's word that this node is to lead at
// once. The library takes heartbeats beside its queue: one of the leader that goes,
// between the word and the new term (a write to the disk), is taken by a candidate. When
// its election fails then, because the others have gone as well, it holds the one that
// went for the leader as long as it is a candidate, tells everybody so, and refuses the
// others its vote. So heartbeats of terms until then wait their turn, and are of a past
// term when it comes.
type turns struct {
	newest atomic.Uint64 // term of any heartbeat

	mu    sync.RWMutex // held while a heartbeat is taken
	until uint64       // heartbeats of this term and earlier ones wait; guarded by mu
}

// beat has a heartbeat taken at once; false: it has to wait its turn.
func (t *turns) beat(rpc raft.RPC, take func(raft.RPC)) bool {
	term := uint64(0)
	if a, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
		term = a.Term
	}
	for old := t.newest.Load(); term > old && !t.newest.CompareAndSwap(old, term); {
		old = t.newest.Load()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if term <= t.until {
		return false
	}
	take(rpc)
	return true
}

// lead is called before Raft hears that it is to lead: no heartbeat is being taken when
// it returns.
func (t *turns) lead() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = t.newest.Load()
}
