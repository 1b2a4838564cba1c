package files

import "sync"

// numbers is a set of file numbers.
type numbers struct {
	mu  sync.Mutex
	set map[uint64]struct{} // guarded by mu
}

func (n *numbers) add(number uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set[number] = struct{}{}
}

func (n *numbers) drop(number uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.set, number)
}

func (n *numbers) len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.set)
}

func (n *numbers) has(number uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.set[number]
	return ok
}
