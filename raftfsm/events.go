package raftfsm

import "tandem/internal/wire"

// subscriber is one who wants to hear what happens.
type subscriber struct{ ch chan wire.Event }

// Subscribe delivers every event from now on: those of the placement, in the
// order of the log, and "leader" when the leader changes. One that reads too
// slowly misses events (counted), and Raft never waits for it. After a restart
// the log's end is applied anew, so events can be older than the process. cancel
// closes the channel; so does closing the node.
func (n *Node) Subscribe(buffer int) (events <-chan wire.Event, cancel func()) {
	s := &subscriber{ch: make(chan wire.Event, max(buffer, 1))}
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.ended:
		close(s.ch)
	default:
		n.subscribers[s] = true
	}
	return s.ch, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.end(s)
	}
}

// end needs mu.
func (n *Node) end(s *subscriber) {
	if n.subscribers[s] {
		delete(n.subscribers, s)
		close(s.ch)
	}
}

func (n *Node) endSubscriptions() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.subscribers {
		n.end(s)
	}
}

func (n *Node) tell(events []wire.Event) {
	if len(events) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.subscribers {
		for _, e := range events {
			select {
			case s.ch <- e:
			default:
				n.counters.dropped.Add(1)
			}
		}
	}
}
