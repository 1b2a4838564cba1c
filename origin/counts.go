package origin

import "sync"

// maxCounts bounds the paths that are counted one by one.
const maxCounts = 100_000

// countRest is where the requests for all further paths are counted.
const countRest = "*"

// counts is how often each path was asked for. Safe for many goroutines.
type counts struct {
	mu     sync.Mutex
	byPath map[string]int64 // guarded by mu
}

func (c *counts) add(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.byPath[path]; !known && len(c.byPath) >= maxCounts {
		path = countRest
	}
	c.byPath[path]++
}

// take returns the counts, and begins anew when reset is set.
func (c *counts) take(reset bool) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reset {
		all := c.byPath
		c.byPath = map[string]int64{}
		return all
	}
	all := make(map[string]int64, len(c.byPath))
	for path, n := range c.byPath {
		all[path] = n
	}
	return all
}
