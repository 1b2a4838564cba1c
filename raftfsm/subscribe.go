package raftfsm

import "tandem/internal/wire"

// subscriber is one who wants to hear what happens.
type subscriber struct{ ch chan wire.Event }

// Subscribe delivers every event from now on: those of the placement, in the
// order of the log, and "leader" when the leader changes. One that reads too
// slowly misses events (counted), and Raft never waits for it. After a restart
// the log's end is applied anew, so events can be older than the process. cancel
// closes the channel; so does closing the node.
func (s *shown) Subscribe(buffer int) (events <-chan wire.Event, cancel func()) {
	one := &subscriber{ch: make(chan wire.Event, max(buffer, 1))}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
		close(one.ch)
	default:
		s.subscribers[one] = true
	}
	return one.ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(one)
	}
}

// end needs mu.
func (s *shown) end(one *subscriber) {
	if s.subscribers[one] {
		delete(s.subscribers, one)
		close(one.ch)
	}
}

func (s *shown) endSubscriptions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.subscribers {
		s.end(one)
	}
}

func (s *shown) tell(events []wire.Event) {
	if len(events) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.subscribers {
		for _, e := range events {
			select {
			case one.ch <- e:
			default:
				s.dropped.Add(1)
			}
		}
	}
}
