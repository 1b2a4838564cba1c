package manifest

// maxStrays bounds the hosts that are told.
const maxStrays = 100

// stray tells whether a host that viewers hardly reach was not told yet.
func (c *Cache) stray(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strays[host] || len(c.strays) == maxStrays {
		return false
	}
	c.strays[host] = true
	return true
}
